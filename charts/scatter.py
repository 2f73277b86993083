"""Dots by two values, and the frontier: those that no other beats in both, where less is better."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from charts.drawing import Axis, across, colour, grid, plain, said, svg, text, upwards
from charts.scale import Scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """One thing by its two values."""

    name: str
    x: float
    y: float


def frontier(dots: Sequence[Dot]) -> Sequence[Dot]:
    """The dots that no other is at most as large as in both values and smaller in one."""
    best: list[Dot] = []
    for dot in sorted(dots, key=lambda each: (each.x, each.y, each.name)):
        if not best or dot.y < best[-1].y:
            best.append(dot)
    return best


def scatter_chart(*, title: str, x: Axis, y: Axis, dots: Sequence[Dot]) -> str:
    """Named dots with the frontier drawn through those that are on it."""
    over = _roomy(across([dot.x for dot in dots], x))
    up = _roomy(upwards([dot.y for dot in dots], y))
    best = frontier(dots)
    places = "L".join(f"{over.at(dot.x)} {up.at(dot.y)}" for dot in best)
    line = [f'<path class="line dashed c7" d="M{places}"/>'] if len(best) > 1 else []
    drawn = chain.from_iterable(_dot(dot, over, up, is_best=dot in best) for dot in dots)
    return svg(title, chain(grid(over, up, x, y), line, drawn))


def _roomy(scale: Scale) -> Scale:
    """With room for the dots at its ends."""
    room = (scale.high - scale.low) * 0.05
    return Scale(low=scale.low - room, high=scale.high + room, start=scale.start, end=scale.end)


def _dot(dot: Dot, x: Scale, y: Scale, *, is_best: bool) -> Iterator[str]:
    at, value = x.at(dot.x), y.at(dot.y)
    words = said(f"{dot.name}: {plain(dot.x)}, {plain(dot.y)}")
    place = f'cx="{at}" cy="{value}" r="3.5"'
    yield f'<circle class="dot {colour(0 if is_best else 7)}" {place}>{words}</circle>'
    if is_best:
        is_right = at > (x.start + x.end) / 2
        beside = round(at - 6 if is_right else at + 6, 2)
        yield text(beside, value - 5, dot.name, "end" if is_right else "start")

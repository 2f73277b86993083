"""Bars side by side, each above its name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from charts.drawing import (
    FOOT,
    HEIGHT,
    LEFT,
    RIGHT,
    WIDTH,
    Axis,
    colour,
    grid,
    plain,
    said,
    svg,
    text,
    upwards,
)
from charts.scale import Scale

_GAP = 0.25
_NAMES_MAX = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One value by name."""

    name: str
    value: float
    colour: int = 0


def bar_chart(*, title: str, x: str, y: Axis, bars: Sequence[Bar]) -> str:
    """Bars from zero; `x` says what the names are, of many only every so manieth is written."""
    up = upwards((0.0, *(bar.value for bar in bars)), y)
    nowhere = Scale(low=1.0, high=1.0 + 1e-9, start=LEFT, end=LEFT)
    axes = grid(nowhere, up, Axis(label=x, text=lambda _: ""), y)
    room = (WIDTH - LEFT - RIGHT) / max(len(bars), 1)
    every = -(-len(bars) // _NAMES_MAX) or 1
    body = chain.from_iterable(
        _bar(bar, LEFT + at * room, room, up, is_named=at % every == 0)
        for at, bar in enumerate(bars)
    )
    nothing = () if bars else [text(WIDTH / 2, HEIGHT / 2, "no data", "middle")]
    return svg(title, chain(axes, body, nothing))


def _bar(bar: Bar, left: float, room: float, up: Scale, *, is_named: bool) -> Iterator[str]:
    top, foot = sorted((up.at(bar.value), up.at(0.0)))
    width, height = round(room * (1 - _GAP), 2), round(max(foot - top, 0.5), 2)
    at = round(left + room * _GAP / 2, 2)
    words = said(f"{bar.name}: {plain(bar.value)}")
    place = f'x="{at}" y="{top}" width="{width}" height="{height}"'
    yield f'<rect class="bar {colour(bar.colour)}" {place}>{words}</rect>'
    if is_named:
        yield text(round(at + width / 2, 2), FOOT + 15, bar.name, "middle")

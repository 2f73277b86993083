"""A line chart as one SVG element. Colours are classes, so that the page decides light and dark."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from charts.drawing import (
    FOOT,
    HEIGHT,
    TOP,
    WIDTH,
    Axis,
    across,
    colour,
    grid,
    legend,
    legend_rows,
    plain,
    said,
    svg,
    text,
    upwards,
)
from charts.scale import Scale
from charts.thinning import evenly, thinned

POINTS_MAX = 800
SPOTS_MAX = 400
_SPOTS_FEW = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line: points (x, y) in the order they are joined; `is_stepped` holds y until the next.

    Long ones are thinned to their highest and lowest points.
    """

    name: str
    points: Sequence[tuple[float, float]]
    is_stepped: bool = False
    has_dots: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that happened at `x`: a vertical line, its text shown by pointing at it."""

    x: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spots:
    """Things of one kind that happened, as dots: (x, y, what a pointer is told)."""

    name: str
    at: Sequence[tuple[float, float, str]]
    colour: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """States of one kind that lasted from one x to another, as areas behind the lines."""

    name: str
    at: Sequence[tuple[float, float]]
    colour: int


def line_chart(
    *,
    title: str,
    x: Axis,
    y: Axis,
    series: Sequence[Series],
    marks: Sequence[Mark] = (),
    spots: Sequence[Spots] = (),
    spans: Sequence[Spans] = (),
) -> str:
    """The chart. Without a point it says so."""
    points = [(point[0], point[1]) for each in (*series,) for point in each.points]
    points += [(spot[0], spot[1]) for each in spots for spot in each.at]
    ends = [end for each in spans for span in each.at for end in span]
    over = across([at for at, _ in points] + [mark.x for mark in marks] + ends, x)
    up = upwards([value for _, value in points], y)
    entries = _entries(series, spots, spans)
    body = chain(
        chain.from_iterable(_spans(each, over) for each in spans),
        grid(over, up, x, y),
        (_mark(each, over) for each in marks),
        chain.from_iterable(_line(index, each, over, up) for index, each in enumerate(series)),
        chain.from_iterable(_spots(each, over, up) for each in spots),
        legend(entries),
        () if points else [text(WIDTH / 2, HEIGHT / 2, "no data", "middle")],
    )
    return svg(title, body, legend_rows=legend_rows(len(entries)))


def _entries(
    series: Sequence[Series], spots: Sequence[Spots], spans: Sequence[Spans]
) -> list[tuple[str, str]]:
    lines = [(each.name, f"line {colour(index)}") for index, each in enumerate(series)]
    dots = [(each.name, f"dot {colour(each.colour)}") for each in spots if each.at]
    return lines + dots + [(each.name, f"area {colour(each.colour)}") for each in spans if each.at]


def _line(index: int, series: Series, x: Scale, y: Scale) -> Iterator[str]:
    points = thinned(series.points, POINTS_MAX)
    spots = [(x.at(point[0]), y.at(point[1])) for point in points]
    if not spots:
        return
    path = f"M{spots[0][0]} {spots[0][1]}" + "".join(
        f"H{at}V{value}" if series.is_stepped else f"L{at} {value}" for at, value in spots[1:]
    )
    yield f'<path class="line {colour(index)}" d="{path}">{said(series.name)}</path>'
    if series.has_dots:
        for (at, value), point in zip(spots, points, strict=True):
            words = said(f"{series.name}: {plain(point[0])}, {plain(point[1])}")
            place = f'cx="{at}" cy="{value}" r="3"'
            yield f'<circle class="dot {colour(index)}" {place}>{words}</circle>'


def _mark(mark: Mark, x: Scale) -> str:
    at = x.at(mark.x)
    return f'<line class="mark" x1="{at}" x2="{at}" y1="{TOP}" y2="{FOOT}">{said(mark.text)}</line>'


def _spots(spots: Spots, x: Scale, y: Scale) -> Iterator[str]:
    radius = 2.2 if len(spots.at) <= _SPOTS_FEW else 1.2
    for at, value, words in evenly(spots.at, SPOTS_MAX):
        place = f'cx="{x.at(at)}" cy="{y.at(value)}" r="{radius}"'
        yield f'<circle class="dot {colour(spots.colour)}" {place}>{said(words)}</circle>'


def _spans(spans: Spans, x: Scale) -> Iterator[str]:
    for first, last in spans.at:
        left, width = x.at(first), max(x.at(last) - x.at(first), 0.8)
        place = f'x="{left}" y="{TOP}" width="{round(width, 2)}" height="{FOOT - TOP}"'
        yield f'<rect class="area {colour(spans.colour)}" {place}>{said(spans.name)}</rect>'

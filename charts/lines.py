"""A line chart as one SVG element. Colours are classes, so that the page decides light and dark."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import chain

from charts.scale import Scale

COLOURS = 8
"""Series beyond this many share colours; their dashes differ."""

_WIDTH, _HEIGHT = 760, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 12, 44
_X_TICKS, _Y_TICKS = 8, 5
_LEGEND_ROW, _LEGEND_COLUMNS = 18, 4


def _plain(value: float) -> str:
    return f"{value:,.6g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """`label` names quantity and unit; `text` writes a value at its tick."""

    label: str
    is_log: bool = False
    from_zero: bool = False
    text: Callable[[float], str] = field(default=_plain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line: points (x, y) in the order they are joined; `is_stepped` holds y until the next."""

    name: str
    points: Sequence[tuple[float, float]]
    is_stepped: bool = False
    has_dots: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that happened at `x`: a vertical line, its text shown by pointing at it."""

    x: float
    text: str


def line_chart(
    *, title: str, x: Axis, y: Axis, series: Sequence[Series], marks: Sequence[Mark] = ()
) -> str:
    """The chart; `title` is read out where it is not seen. Without a point it says so."""
    xs = [point[0] for each in series for point in each.points] + [mark.x for mark in marks]
    ys = [point[1] for each in series for point in each.points]
    across = Scale.over(
        xs, start=_LEFT, end=_WIDTH - _RIGHT, is_log=x.is_log, from_zero=x.from_zero
    )
    up = Scale.over(ys, start=_HEIGHT - _BOTTOM, end=_TOP, is_log=y.is_log, from_zero=y.from_zero)
    height = _HEIGHT + _LEGEND_ROW * -(-len(series) // _LEGEND_COLUMNS)
    body = chain(
        _grid(across, up, x, y),
        (_mark(each, across) for each in marks),
        chain.from_iterable(_line(index, each, across, up) for index, each in enumerate(series)),
        chain.from_iterable(_legend(index, each) for index, each in enumerate(series)),
        () if ys else [_text(_WIDTH / 2, _HEIGHT / 2, "no data", "middle")],
    )
    name = escape(title, quote=True)
    head = f'<svg class="chart" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{name}">'
    return f"{head}{''.join(body)}</svg>"


def _grid(across: Scale, up: Scale, x: Axis, y: Axis) -> Iterator[str]:
    bottom = _HEIGHT - _BOTTOM
    for value in up.ticks(_Y_TICKS):
        at = up.at(value)
        yield f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at}" y2="{at}"/>'
        yield _text(_LEFT - 6, at + 4, y.text(value), "end")
    for value in across.ticks(_X_TICKS):
        at = across.at(value)
        yield f'<line class="axis" x1="{at}" x2="{at}" y1="{bottom}" y2="{bottom + 4}"/>'
        yield _text(at, bottom + 17, x.text(value), "middle")
    yield f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{bottom}" y2="{bottom}"/>'
    yield _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 8, x.label, "middle")
    middle = (_TOP + bottom) / 2
    turned = f' transform="rotate(-90 14 {middle})"'
    yield _text(14, middle, y.label, "middle", turned)


def _line(index: int, series: Series, across: Scale, up: Scale) -> Iterator[str]:
    spots = [(across.at(x), up.at(y)) for x, y in series.points]
    if not spots:
        return
    path = f"M{spots[0][0]} {spots[0][1]}" + "".join(
        f"H{x}V{y}" if series.is_stepped else f"L{x} {y}" for x, y in spots[1:]
    )
    name = escape(series.name)
    yield f'<path class="line {_colour(index)}" d="{path}"><title>{name}</title></path>'
    if series.has_dots:
        for (x, y), (value_x, value_y) in zip(spots, series.points, strict=True):
            said = f"<title>{name}: {_plain(value_x)}, {_plain(value_y)}</title>"
            yield f'<circle class="dot {_colour(index)}" cx="{x}" cy="{y}" r="3">{said}</circle>'


def _mark(mark: Mark, across: Scale) -> str:
    at = across.at(mark.x)
    said = f"<title>{escape(mark.text)}</title>"
    bottom = _HEIGHT - _BOTTOM
    return f'<line class="mark" x1="{at}" x2="{at}" y1="{_TOP}" y2="{bottom}">{said}</line>'


def _legend(index: int, series: Series) -> Iterator[str]:
    row, column = divmod(index, _LEGEND_COLUMNS)
    x = _LEFT + column * (_WIDTH - _LEFT) / _LEGEND_COLUMNS
    y = _HEIGHT + row * _LEGEND_ROW + 6
    yield f'<line class="line {_colour(index)}" x1="{x}" x2="{x + 18}" y1="{y}" y2="{y}"/>'
    yield _text(x + 24, y + 4, series.name, "start")


def _colour(index: int) -> str:
    dashed = " dashed" if index >= COLOURS else ""
    return f"c{index % COLOURS}{dashed}"


def _text(x: float, y: float, said: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{more}>{escape(said)}</text>'

"""What every chart is drawn on: its size, its grid, its text. All text is escaped here."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape

from charts.scale import Scale

COLOURS = 8
"""Series beyond this many share colours; their dashes differ."""

WIDTH, HEIGHT = 400, 230
"""At 400 px of screen a letter is as large as its style says; a wider place makes all larger."""

LEFT, RIGHT, TOP, BOTTOM = 58, 12, 18, 38
FOOT = HEIGHT - BOTTOM

_X_TICKS, _Y_TICKS = 5, 5
_LEGEND_ROW, _LEGEND_COLUMNS = 15, 3


def plain(value: float) -> str:
    """A number in few letters: thousands as k, millions as M."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            return f"{value / (1e3 if unit == 'k' else limit):.4g}{unit}"
    return f"{value:.6g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """`label` names quantity and unit; `text` writes a value at its tick.

    `steps` are the distances its ticks may have, where round numbers are not: hours of a day.
    """

    label: str
    is_log: bool = False
    from_zero: bool = False
    text: Callable[[float], str] = field(default=plain)
    steps: Sequence[float] = ()


def across(values: Iterable[float], axis: Axis) -> Scale:
    """The scale of the drawing's width that holds these values."""
    return Scale.over(
        values, start=LEFT, end=WIDTH - RIGHT, is_log=axis.is_log, from_zero=axis.from_zero
    )


def upwards(values: Iterable[float], axis: Axis) -> Scale:
    """The same of its height."""
    return Scale.over(values, start=FOOT, end=TOP, is_log=axis.is_log, from_zero=axis.from_zero)


def svg(title: str, parts: Iterable[str], *, legend_rows: int = 0) -> str:
    """The whole chart; `title` stands above it and is read out where it is not seen."""
    name = escape(title, quote=True)
    height = HEIGHT + _LEGEND_ROW * legend_rows
    head = f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{name}">'
    above = text(LEFT, 11, title, "start", ' class="title"')
    return f"{head}{above}{''.join(parts)}</svg>"


def grid(x: Scale, y: Scale, x_axis: Axis, y_axis: Axis) -> Iterator[str]:
    """Ticks, lines and names of both axes; that of the vertical one stands above it."""
    for value in y.ticks(_Y_TICKS):
        at = y.at(value)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}"/>'
        yield text(LEFT - 5, at + 4, y_axis.text(value), "end")
    yield from below(x, x_axis)
    yield text(WIDTH - RIGHT, 11, y_axis.label, "end")


def below(x: Scale, axis: Axis) -> Iterator[str]:
    """Ticks and name of the horizontal axis."""
    for value in x.ticks(_X_TICKS, axis.steps):
        at = x.at(value)
        yield f'<line class="axis" x1="{at}" x2="{at}" y1="{FOOT}" y2="{FOOT + 4}"/>'
        yield text(at, FOOT + 15, axis.text(value), "end" if at > WIDTH - 25 else "middle")
    yield f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{FOOT}" y2="{FOOT}"/>'
    yield text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, axis.label, "middle")


def legend_rows(count: int) -> int:
    """How many rows the legend of so many entries takes."""
    return -(-count // _LEGEND_COLUMNS)


def legend(entries: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Names below the chart, each behind its sample: (name, class)."""
    for index, (name, style) in enumerate(entries):
        row, column = divmod(index, _LEGEND_COLUMNS)
        x = LEFT + column * (WIDTH - LEFT) / _LEGEND_COLUMNS
        y = HEIGHT + row * _LEGEND_ROW + 2
        yield sample(style, x, y)
        yield text(x + 19, y + 4, name, "start")


def sample(style: str, x: float, y: float) -> str:
    """A little of what a class looks like."""
    if style.startswith("line"):
        return f'<line class="{style}" x1="{x}" x2="{x + 14}" y1="{y}" y2="{y}"/>'
    if style.startswith("dot"):
        return f'<circle class="{style}" cx="{x + 7}" cy="{y}" r="3"/>'
    return f'<rect class="{style}" x="{x}" y="{y - 5}" width="14" height="10"/>'


def colour(index: int) -> str:
    """The class of a colour."""
    dashed = " dashed" if index >= COLOURS else ""
    return f"c{index % COLOURS}{dashed}"


def said(words: str) -> str:
    """What a pointer that rests on an element is told."""
    return f"<title>{escape(words)}</title>"


def text(x: float, y: float, words: str, anchor: str, more: str = "") -> str:
    """A line of text."""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{more}>{escape(words)}</text>'

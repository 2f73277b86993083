"""A grid of cells, stronger where more is: rows by name, columns along an axis."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from charts.drawing import FOOT, LEFT, TOP, Axis, across, below, plain, said, svg, text

_WEAKEST = 0.12


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatRow:
    """One row, as many values as there are columns; none is negative, and 0 is left blank."""

    name: str
    values: Sequence[float]


def heat_map(*, title: str, x: Axis, columns: Sequence[float], rows: Sequence[HeatRow]) -> str:
    """Rows from the top down over columns that begin at these values, evenly spaced.

    A cell's strength goes with the logarithm of its value, so that few stand out beside many.
    """
    width = columns[1] - columns[0] if len(columns) > 1 else 1.0
    over = across([*columns, (columns[-1] if columns else 0.0) + width], x)
    spans = [(over.at(at), over.at(at + width)) for at in columns]
    room = (FOOT - TOP) / max(len(rows), 1)
    highest = max((value for row in rows for value in row.values), default=0.0)
    cells = (
        _row(row, spans, highest, top=TOP + at * room, room=room) for at, row in enumerate(rows)
    )
    return svg(title, chain(chain.from_iterable(cells), below(over, x)))


def _row(
    row: HeatRow,
    spans: Sequence[tuple[float, float]],
    highest: float,
    *,
    top: float,
    room: float,
) -> Iterator[str]:
    yield text(LEFT - 5, round(top + room / 2 + 4, 2), row.name, "end")
    for (left, right), value in zip(spans, row.values, strict=True):
        if value > 0:
            size = f'width="{round(right - left + 0.3, 2)}" height="{round(room - 0.5, 2)}"'
            style = f'style="opacity:{_strength(value, highest):.2f}"'
            place = f'x="{left}" y="{round(top, 2)}" {size} {style}'
            yield f'<rect class="heat" {place}>{said(f"{row.name}: {plain(value)}")}</rect>'


def _strength(value: float, highest: float) -> float:
    return _WEAKEST + (1 - _WEAKEST) * math.log1p(value) / math.log1p(highest)

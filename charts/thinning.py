"""Fewer points that look the same: of each stretch the first, the lowest, the highest, the last."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

_KEPT_EACH = 4

Each = TypeVar("Each")


def thinned(
    points: Sequence[tuple[float, float]], points_max: int
) -> Sequence[tuple[float, float]]:
    """At most about `points_max` of the points, in order; every extreme is among them."""
    if len(points) <= points_max:
        return points
    stretches = max(points_max // _KEPT_EACH, 1)
    bounds = [len(points) * at // stretches for at in range(stretches + 1)]
    kept: list[tuple[float, float]] = []
    for first, end in pairwise(bounds):
        rows = range(first, end)
        lowest = min(rows, key=lambda row: points[row][1])
        highest = max(rows, key=lambda row: points[row][1])
        kept += (points[row] for row in sorted({first, lowest, highest, end - 1}))
    return kept


def evenly(items: Sequence[Each], most: int) -> Sequence[Each]:
    """All of them, or `most` at even distances where there are more than can be told apart."""
    if len(items) <= most:
        return items
    return [items[at * len(items) // most] for at in range(most)]

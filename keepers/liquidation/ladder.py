"""One side of one market, sorted by liquidation price: nobody but those near the price is touched.

Rows are sorted by their line's value at a reference abscissa x₀ (see `lines.py`). At another
abscissa x the order may differ, but no line has moved by less than the smallest slope times
Δ = x − x₀, nor by more than the largest: a threshold widened by the extreme one, and by the
tolerance, misses nobody. For a long, which falls when P < B + E·x,

    B + E·x ≤ key + W + tolerance,    W = Δ·(slope_max if Δ > 0 else slope_min),

so that every long that falls has a key ≥ P − W − tolerance; a short mirrors it. What W takes too
many is left to exact integers, and grows with Δ: beyond `DRIFT_MAX` the ladder is sorted anew.

Sorting half a million rows takes longer than a price may wait, so a ladder never sorts itself: it
is given an `Order`, made of a copy of the lines by another thread. Until then its bucket is looked
through row by row, which is as right and takes a millisecond for a million.

Rows added since the last sorting stand in a short list that is kept sorted. Rows taken out or
changed leave their old key behind, which costs a look at the row and nothing else; a ladder with
many such is sorted anew. Pure.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from math import isfinite
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keepers.liquidation.lines import Extent, extent_of

DRIFT_MAX: Final = 0.002
"""|x − x₀| at which a ladder is sorted anew: a fifth of a percent of the entry price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Rows in the order of their keys at the reference abscissa `at`."""

    at: float
    keys: NDArray[np.float64]
    rows: NDArray[np.int32]
    extent: Extent


def ordered(level: NDArray[np.float64], slope: NDArray[np.float64], at: float) -> Order:
    """The rows of these lines at `at`, without those whose level is not finite.

    Changes nothing, so that another thread may do it while a bucket goes on.
    """
    rows = np.flatnonzero(np.isfinite(level)).astype(np.int32)
    level, slope = level[rows], slope[rows]
    with np.errstate(over="ignore"):
        keys = slope * at + level
    order = np.argsort(keys)
    return Order(at=at, keys=keys[order], rows=rows[order], extent=extent_of(level, slope))


_LATE_MIN: Final = 256
_LATE_SHARE: Final = 64  # one row in so many may be in the short list
_STALE_SHARE: Final = 8  # one key in so many may be left over


class Ladder:
    """Rows of a bucket by liquidation price; the bucket owns the lines."""

    def __init__(self, *, is_long: bool) -> None:
        self._is_long = is_long
        self._reference: float | None = None
        self._extent = Extent()
        self._keys = np.zeros(0, dtype=np.float64)
        self._rows = np.zeros(0, dtype=np.int32)
        self._nearest = 0.0
        self._late_keys: list[float] = []
        self._late_rows: list[int] = []
        self._stale = 0

    def must_sort(self, at: float) -> bool:
        """Whether a question at abscissa `at` is better asked of a newly sorted ladder."""
        if self._reference is None:
            return True
        count = len(self._keys)
        return (
            not abs(at - self._reference) <= DRIFT_MAX
            or len(self._late_keys) > max(_LATE_MIN, count // _LATE_SHARE)
            or self._stale > max(_LATE_MIN, count // _STALE_SHARE)
        )

    def take(self, order: "Order") -> None:
        """Starts over with these rows."""
        self._keys, self._rows = order.keys, order.rows
        self._reference, self._extent = order.at, replace(order.extent)
        if len(order.keys):
            self._nearest = float(order.keys[-1 if self._is_long else 0])
        self._late_keys, self._late_rows, self._stale = [], [], 0

    def add(self, row: int, level: float, slope: float) -> None:
        """A row that was not there, or whose line is another now."""
        if self._reference is None:
            return  # whoever sorts it first reads them all
        self._extent.include(level, slope)
        key = slope * self._reference + level
        place = bisect_left(self._late_keys, key)
        self._late_keys.insert(place, key)
        self._late_rows.insert(place, row)

    def leave(self) -> None:
        """A row went, or its line is another now: its key is left over."""
        self._stale += 1

    def start_over(self) -> None:
        """Whatever is in it counts no more, until it is sorted."""
        self._reference = None

    def nominate(self, price: float, at: float) -> list[int]:
        """Rows whose line may be beyond `price` at abscissa `at`; some twice, some long gone.

        `must_sort(at)` may be true: the answer is then right, and longer than it could be.
        """
        reference, extent = self._reference, self._extent
        if reference is None:
            raise ValueError("a ladder is asked before it was ever sorted")
        drift = at - reference
        farther = (drift > 0) == self._is_long
        widening = drift * (extent.slope_max if farther else extent.slope_min)
        tolerance = extent.tolerance(price, abs(at) + abs(reference))
        return self._beyond(
            price - widening - tolerance if self._is_long else price - widening + tolerance
        )

    def _beyond(self, threshold: float) -> list[int]:
        if not isfinite(threshold):
            return [*self._rows.tolist(), *self._late_rows]
        if self._is_long:
            late = self._late_rows[bisect_left(self._late_keys, threshold) :]
            if self._nearest < threshold or not len(self._keys):
                return late
            return self._listed(int(self._keys.searchsorted(threshold, "left")), None) + late
        late = self._late_rows[: bisect_right(self._late_keys, threshold)]
        if self._nearest > threshold or not len(self._keys):
            return late
        return self._listed(None, int(self._keys.searchsorted(threshold, "right"))) + late

    def _listed(self, first: int | None, end: int | None) -> list[int]:
        rows: list[int] = self._rows[first:end].tolist()
        return rows

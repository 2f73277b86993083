"""Lines of rows in float64 columns, kept in order: whose line may be beyond a price. Mutable.

Knows rows, levels and slopes (`lines.py`), not whose they are. A row that is free has a level that
no row in use has (±∞, on the side that is never beyond) and slope 0. Pure.
"""

from dataclasses import dataclass
from math import inf, isfinite
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keepers.liquidation.ladder import Ladder, Order, ordered
from keepers.liquidation.lines import Extent, extent_of

_GROWTH: Final = 8  # by so much of itself, that little memory is spare
_FIRST_ROWS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorting:
    """A lineup's lines as they were, to be sorted anywhere while the lineup goes on."""

    lineup: "Lineup"
    touched: list[int]
    level: NDArray[np.float64]
    slope: NDArray[np.float64]
    at: float

    def order(self) -> Order:
        """The long part, which touches nothing: another thread may do it."""
        return ordered(self.level, self.slope, self.at)

    def take(self, order: Order) -> None:
        """The short part."""
        self.lineup.take(order, self.touched)


class Lineup:
    """Rows by their lines.

    Args:
        is_long: whether a row is beyond a price that is below its line, as a long is that falls;
            or above it, as a short.
    """

    def __init__(self, *, is_long: bool) -> None:
        self._is_long = is_long
        self._free_level = -inf if is_long else inf
        self._ladder = Ladder(is_long=is_long)
        self._extent = Extent()
        self._touched: list[int] | None = None  # rows written since the last `sorting`
        self.used = 0
        self._hold(np.zeros(0), np.zeros(0))

    def is_free(self, row: int) -> bool:
        """Whether that row has no line."""
        return not isfinite(self._levels[row])

    def rows(self, first: int = 0) -> NDArray[np.int64]:
        """All rows with a line, from one on."""
        return np.flatnonzero(np.isfinite(self.level[first : self.used])) + first

    def add_row(self) -> int:
        """One more row, which is free."""
        if self.used == len(self.level):
            spare = spare_rows(self.used)
            self._hold(
                np.concatenate([self.level, np.full(spare, self._free_level)]),
                np.concatenate([self.slope, np.zeros(spare)]),
            )
        self.used += 1
        return self.used - 1

    def write(self, row: int, level: float, slope: float) -> None:
        """Gives the row this line."""
        if isfinite(self._levels[row]):
            self._ladder.leave()
        self._levels[row], self._slopes[row] = level, slope
        self._extent.include(level, slope)
        self._ladder.add(row, level, slope)
        if self._touched is not None:
            self._touched.append(row)

    def free(self, row: int) -> None:
        """The row has no line any more."""
        if isfinite(self._levels[row]):
            self._levels[row], self._slopes[row] = self._free_level, 0.0
            self._ladder.leave()

    def columns(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """A copy of levels and slopes; a row that is free has no finite level."""
        return self.level[: self.used].copy(), self.slope[: self.used].copy()

    def load(self, level: NDArray[np.float64], slope: NDArray[np.float64], used: int) -> None:
        """Becomes the owner of these columns, the first `used` rows of which are in use."""
        level[used:] = self._free_level
        self._hold(level, slope)
        self.used = used
        self._extent = extent_of(level[:used], slope[:used])
        self.forget_order()

    def forget_order(self) -> None:
        """From now on every row is looked at, until the ladder is sorted."""
        self._touched = None
        self._ladder.start_over()

    def sorting(self, at: float) -> Sorting | None:
        """The work of sorting the ladder anew; None where nothing would be gained."""
        if not self._ladder.must_sort(at):
            return None
        self._touched = []
        level, slope = self.columns()
        return Sorting(lineup=self, touched=self._touched, level=level, slope=slope, at=at)

    def take(self, order: Order, touched: list[int]) -> None:
        """Has the ladder of that order, unless another sorting was begun since, or all loaded.

        Rows that were written meanwhile come late.
        """
        if touched is not self._touched:
            return
        self._touched = None
        self._ladder.take(order)
        for row in dict.fromkeys(touched):
            self._ladder.leave()
            if isfinite(self._levels[row]):
                self._ladder.add(row, self._levels[row], self._slopes[row])

    def nominate(self, price: float, at: float) -> list[int]:
        """All rows that are beyond `price` at abscissa `at`, and few others."""
        if self._ladder.must_sort(at):
            return self.scan(price, at)  # nobody waits for a sorting
        near = self._ladder.nominate(price, at)
        if not near:
            return near
        threshold = self._threshold(price, at)
        return [row for row in dict.fromkeys(near) if self._may_be_beyond(row, at, threshold)]

    def _may_be_beyond(self, row: int, at: float, threshold: float) -> bool:
        """By the row's own line: a key of the ladder may be left over, and is widened."""
        level = self._levels[row]
        line = self._slopes[row] * at + level
        is_safe = line < threshold if self._is_long else line > threshold
        return not is_safe and isfinite(level)

    def scan(self, price: float, at: float) -> list[int]:
        """The same by a look at every row: the referee of `nominate`, which shares no order."""
        threshold = self._threshold(price, at)
        with np.errstate(all="ignore"):
            line = np.multiply(self.slope[: self.used], at)
            line += self.level[: self.used]
            safe = line < threshold if self._is_long else line > threshold
        rows: list[int] = np.flatnonzero(~safe).tolist()
        return [row for row in rows if isfinite(self._levels[row])]

    def _threshold(self, price: float, at: float) -> float:
        """Lines surely on the safe side of it belong to rows that are surely not beyond."""
        tolerance = self._extent.tolerance(price, abs(at))
        return price - tolerance if self._is_long else price + tolerance

    def _hold(self, level: NDArray[np.float64], slope: NDArray[np.float64]) -> None:
        self.level, self.slope = level, slope
        # Single cells are reached through these: an index into an array costs ten times as much.
        self._levels: memoryview[float] = level.data.cast("B").cast("d")
        self._slopes: memoryview[float] = slope.data.cast("B").cast("d")


def spare_rows(used: int) -> int:
    """How many rows beyond those in use there are to be: to move half a million takes a while."""
    return max(_FIRST_ROWS, used // _GROWTH)

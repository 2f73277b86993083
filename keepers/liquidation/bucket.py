"""The open positions of one market on one side, as columns. Mutable; `versions.py` hides that.

Exact records and float64 lines stand in the same rows. A row that is free has a level that no
position has (±∞, on the side that never falls) and slope 0. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keepers.liquidation.ladder import Ladder, Order, ordered
from keepers.liquidation.lines import Extent, abscissa, extent_of, level_of
from keepers.liquidation.packing import ID_BYTES, RECORD_BYTES, amounts_of, side_of
from keepers.liquidation.standing import Terms

_GROWTH: Final = 8  # by so much of itself, that little memory is spare
_FIRST_ROWS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorting:
    """A bucket's lines as they were, to be sorted anywhere while the bucket goes on."""

    bucket: "Bucket"
    touched: list[int]
    level: NDArray[np.float64]
    slope: NDArray[np.float64]
    at: float

    def order(self) -> Order:
        """The long part, which touches nothing: another thread may do it."""
        return ordered(self.level, self.slope, self.at)

    def take(self, order: Order) -> None:
        """The short part."""
        self.bucket.take(order, self.touched)


class Bucket:
    """Rows of positions. A row keeps its number for as long as its position is open."""

    def __init__(self, name: bytes) -> None:
        self.netuid, self.is_long = side_of(name)
        self._free_level = -inf if self.is_long else inf
        self._free: list[int] = []
        self._ladder = Ladder(is_long=self.is_long)
        self._extent = Extent()
        self._touched: list[int] | None = None  # rows written since the last `sorting`
        self.used = 0
        self._hold(np.zeros((0, RECORD_BYTES), dtype=np.uint8), np.zeros(0), np.zeros(0))

    @property
    def count(self) -> int:
        """How many positions are open."""
        return self.used - len(self._free)

    def record(self, row: int) -> bytes:
        """The record of an open position."""
        at = row * RECORD_BYTES
        return self._bytes[at : at + RECORD_BYTES].tobytes()

    def holds(self, row: int, position_id: bytes) -> bool:
        """Whether that row is this very position's."""
        at = row * RECORD_BYTES
        return self._bytes[at : at + ID_BYTES] == position_id and isfinite(self._levels[row])

    def rows(self, first: int = 0) -> NDArray[np.int64]:
        """All rows in use, from one on."""
        return np.flatnonzero(np.isfinite(self.level[first : self.used])) + first

    def put(self, record: bytes) -> int:
        """Takes in a position that is not here; returns its row."""
        row = self._free.pop() if self._free else self._new_row()
        self.write(row, record)
        return row

    def write(self, row: int, record: bytes) -> None:
        """Gives the row to this position, or changes the one it has."""
        if isfinite(self._levels[row]):
            self._ladder.leave()
        at = row * RECORD_BYTES
        self._bytes[at : at + RECORD_BYTES] = record
        level, slope = line_of(record)
        self._levels[row], self._slopes[row] = level, slope
        self._extent.include(level, slope)
        self._ladder.add(row, level, slope)
        if self._touched is not None:
            self._touched.append(row)

    def drop(self, row: int) -> None:
        """The position of that row is gone."""
        self._levels[row], self._slopes[row] = self._free_level, 0.0
        self._free.append(row)
        self._ladder.leave()

    def fill(self, records: Sequence[bytes]) -> None:
        """Takes in many at once, into a bucket that is empty."""
        count, rows = len(records), len(records) + spare_rows(len(records))
        columns = np.zeros((rows, RECORD_BYTES), dtype=np.uint8)
        columns[:count] = np.frombuffer(b"".join(records), dtype=np.uint8).reshape(count, -1)
        lines = np.zeros((2, rows))
        lines[:, :count] = np.array([line_of(record) for record in records]).T
        self.load(columns, lines[0].copy(), lines[1].copy(), count)

    def columns(self) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.float64]]:
        """A copy of records, levels and slopes; a row that is free has no finite level."""
        used = slice(self.used)
        return self.records[used].copy(), self.level[used].copy(), self.slope[used].copy()

    def load(
        self,
        records: NDArray[np.uint8],
        level: NDArray[np.float64],
        slope: NDArray[np.float64],
        used: int,
    ) -> None:
        """Becomes the owner of these columns, the first `used` rows of which are in use."""
        level[used:] = self._free_level
        self._hold(records, level, slope)
        self.used, self._free = used, []
        self._extent = extent_of(level[:used], slope[:used])
        self.forget_order()

    def forget_order(self) -> None:
        """From now on every row is looked at, until the ladder is sorted."""
        self._touched = None
        self._ladder.start_over()

    def sorting(self, terms: Terms) -> "Sorting | None":
        """The work of sorting the ladder anew; None where nothing would be gained."""
        at = abscissa(terms, is_long=self.is_long)
        if not self.count or not self._ladder.must_sort(at):
            return None
        self._touched = []
        return Sorting(
            bucket=self,
            touched=self._touched,
            level=self.level[: self.used].copy(),
            slope=self.slope[: self.used].copy(),
            at=at,
        )

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

    def nominate(self, terms: Terms) -> list[int]:
        """Rows of all positions that are liquidatable at these terms, and of few others."""
        at = abscissa(terms, is_long=self.is_long)
        if self._ladder.must_sort(at):
            return self.scan(terms)  # nobody waits for a sorting
        price = float(terms.price)
        near = self._ladder.nominate(price, at)
        if not near:
            return near
        threshold = self._threshold(price, at)
        return [row for row in dict.fromkeys(near) if self._may_fall(row, at, threshold)]

    def _may_fall(self, row: int, at: float, threshold: float) -> bool:
        """By the row's own line: a key of the ladder may be left over, and is widened."""
        level = self._levels[row]
        line = self._slopes[row] * at + level
        is_safe = line < threshold if self.is_long else line > threshold
        return not is_safe and isfinite(level)

    def scan(self, terms: Terms) -> list[int]:
        """The same by a look at every row: the referee of `nominate`, which shares no order."""
        at = abscissa(terms, is_long=self.is_long)
        threshold = self._threshold(float(terms.price), at)
        with np.errstate(all="ignore"):
            line = np.multiply(self.slope[: self.used], at)
            line += self.level[: self.used]
            safe = line < threshold if self.is_long else line > threshold
        rows: list[int] = np.flatnonzero(~safe).tolist()
        return [row for row in rows if isfinite(self._levels[row])]

    def _threshold(self, price: float, at: float) -> float:
        """Lines surely on the safe side of it belong to positions that surely do not fall."""
        tolerance = self._extent.tolerance(price, abs(at))
        return price - tolerance if self.is_long else price + tolerance

    def _new_row(self) -> int:
        if self.used == len(self.level):
            spare = spare_rows(self.used)
            self._hold(
                np.concatenate([self.records, np.zeros((spare, RECORD_BYTES), dtype=np.uint8)]),
                np.concatenate([self.level, np.full(spare, self._free_level)]),
                np.concatenate([self.slope, np.zeros(spare)]),
            )
        self.used += 1
        return self.used - 1

    def _hold(
        self, records: NDArray[np.uint8], level: NDArray[np.float64], slope: NDArray[np.float64]
    ) -> None:
        self.records, self.level, self.slope = records, level, slope
        # Single cells are reached through these: an index into an array costs ten times as much.
        self._bytes: memoryview[int] = records.reshape(-1).data
        self._levels: memoryview[float] = level.data.cast("B").cast("d")
        self._slopes: memoryview[float] = slope.data.cast("B").cast("d")


def spare_rows(used: int) -> int:
    """How many rows beyond those in use a bucket gets: to move half a million takes a while."""
    return max(_FIRST_ROWS, used // _GROWTH)


def line_of(record: bytes) -> tuple[float, float]:
    """Level and slope of a record's position."""
    is_long, margin, size, entry_price, entry_index = amounts_of(record)
    level = level_of(
        is_long=is_long,
        margin=margin,
        size=size,
        entry_price=entry_price,
        entry_index=entry_index,
    )
    return level, float(entry_price)

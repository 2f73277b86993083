"""The open positions of one market on one side, as columns. Mutable; `versions.py` hides that.

Exact records and float64 lines (`lineup.py`) stand in the same rows. Pure.
"""

from collections.abc import Generator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keepers.liquidation.lines import abscissa, level_of
from keepers.liquidation.lineup import Lineup, Sorting, spare_rows
from keepers.liquidation.packing import ID_BYTES, RECORD_BYTES, amounts_of, side_of
from keepers.liquidation.standing import Terms

_STEP: Final = 1_000  # rows of one step of `filling`


class Bucket:
    """Rows of positions. A row keeps its number for as long as its position is open."""

    def __init__(self, name: bytes) -> None:
        self.netuid, self.is_long = side_of(name)
        self.lineup = Lineup(is_long=self.is_long)
        self._free: list[int] = []
        self._hold(np.zeros((0, RECORD_BYTES), dtype=np.uint8))

    @property
    def count(self) -> int:
        """How many positions are open."""
        return self.lineup.used - len(self._free)

    def record(self, row: int) -> bytes:
        """The record of an open position."""
        at = row * RECORD_BYTES
        return self._bytes[at : at + RECORD_BYTES].tobytes()

    def each(self) -> list[bytes]:
        """The records of all open positions."""
        return [self.record(row) for row in self.rows().tolist()]

    def holds(self, row: int, position_id: bytes) -> bool:
        """Whether that row is this very position's."""
        at = row * RECORD_BYTES
        return self._bytes[at : at + ID_BYTES] == position_id and not self.lineup.is_free(row)

    def rows(self, first: int = 0) -> NDArray[np.int64]:
        """All rows in use, from one on."""
        return self.lineup.rows(first)

    def put(self, record: bytes) -> int:
        """Takes in a position that is not here; returns its row."""
        row = self._free.pop() if self._free else self._new_row()
        self.write(row, record)
        return row

    def write(self, row: int, record: bytes) -> None:
        """Gives the row to this position, or changes the one it has."""
        at = row * RECORD_BYTES
        self._bytes[at : at + RECORD_BYTES] = record
        self.lineup.write(row, *line_of(record))

    def drop(self, row: int) -> None:
        """The position of that row is gone."""
        self.lineup.free(row)
        self._free.append(row)

    def filling(
        self, records: NDArray[np.uint8], at: NDArray[np.intp]
    ) -> Generator[None, None, None]:
        """Takes in many, these rows of records, into a bucket that is empty, step by step."""
        rows = len(at) + spare_rows(len(at))
        columns = np.zeros((rows, RECORD_BYTES), dtype=np.uint8)
        level, slope = np.zeros(rows), np.zeros(rows)
        for start in range(0, len(at), _STEP):
            some = slice(start, min(start + _STEP, len(at)))
            columns[some] = records[at[some]]
            lines = [line_of(record.tobytes()) for record in columns[some]]
            level[some], slope[some] = np.array(lines).T
            yield
        self.load(columns, level, slope, len(at))

    def columns(self) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.float64]]:
        """A copy of records, levels and slopes; a row that is free has no finite level."""
        return self.records[: self.lineup.used].copy(), *self.lineup.columns()

    def load(
        self,
        records: NDArray[np.uint8],
        level: NDArray[np.float64],
        slope: NDArray[np.float64],
        used: int,
    ) -> None:
        """Becomes the owner of these columns, the first `used` rows of which are in use."""
        self._hold(records)
        self.lineup.load(level, slope, used)
        self._free = []

    def forget_order(self) -> None:
        """From now on every row is looked at, until the ladder is sorted."""
        self.lineup.forget_order()

    def sorting(self, terms: Terms) -> Sorting | None:
        """The work of sorting the ladder anew; None where nothing would be gained."""
        return self.lineup.sorting(abscissa(terms, is_long=self.is_long)) if self.count else None

    def nominate(self, terms: Terms) -> list[int]:
        """Rows of all positions that are liquidatable at these terms, and of few others."""
        return self.lineup.nominate(float(terms.price), abscissa(terms, is_long=self.is_long))

    def scan(self, terms: Terms) -> list[int]:
        """The same by a look at every row: the referee of `nominate`, which shares no order."""
        return self.lineup.scan(float(terms.price), abscissa(terms, is_long=self.is_long))

    def _new_row(self) -> int:
        row = self.lineup.add_row()
        spare = len(self.lineup.level) - len(self.records)
        if spare:
            grown = np.zeros((spare, RECORD_BYTES), dtype=np.uint8)
            self._hold(np.concatenate([self.records, grown]))
        return row

    def _hold(self, records: NDArray[np.uint8]) -> None:
        self.records = records
        self._bytes: memoryview[int] = records.reshape(-1).data


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

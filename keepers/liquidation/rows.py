"""Many positions as rows of records: a million values take seconds to make, and gigabytes.

Reads as the positions themselves, each made when it is asked for. Pure.
"""

from collections.abc import Iterable, Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray

from keepers.liquidation.packing import RECORD_BYTES, packed, unpacked
from keepers.liquidation.positions import Position


class Rows(Sequence[Position]):
    """Positions in order; `records` has a record a row. Nobody changes them."""

    __slots__ = ("records",)

    def __init__(self, records: NDArray[np.uint8]) -> None:
        self.records = records

    @classmethod
    def of(cls, positions: Iterable[Position]) -> "Rows":
        """The rows of these values.

        Raises:
            UnrepresentableError: a position has numbers that no exchange holds.
        """
        return cls(rows_of(map(packed, positions)))

    def __len__(self) -> int:
        return len(self.records)

    @overload
    def __getitem__(self, at: int) -> Position: ...
    @overload
    def __getitem__(self, at: slice) -> "Rows": ...
    def __getitem__(self, at: int | slice) -> "Position | Rows":
        if isinstance(at, slice):
            return Rows(self.records[at])
        return unpacked(self.records[at].tobytes())


def rows_of(records: Iterable[bytes]) -> NDArray[np.uint8]:
    """These records as rows."""
    return np.frombuffer(b"".join(records), dtype=np.uint8).reshape(-1, RECORD_BYTES)

"""Says of most ids that nobody has them, for a thousand at once. Mutable. Pure.

Every look into a directory of a million waits for memory, and an opening asks about an id that
nobody has. Here an id sets one bit of two megabytes, which many look at together. A bit that is not
set means that no such id was ever added; one that is set means nothing. Bits are never taken back:
who has added many more than the sieve was made for only asks the directory more often.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

FEW: Final = 32
"""So many ids are asked for one by one sooner than at once."""

_BITS_EACH: Final = 16
_COUNT_MIN: Final = 4_096


class Sieve:
    """Bits of ids, each a number of 64 bits of which the highest count."""

    def __init__(self, count: int = 0) -> None:
        size = (_BITS_EACH * max(count, _COUNT_MIN) - 1).bit_length()
        self._shift = 64 - size
        self._bits = np.zeros(1 << size - 3, dtype=np.uint8)
        self._cells: memoryview[int] = self._bits.data

    def add(self, number: int) -> None:
        """From now on it may be there."""
        at = number >> self._shift
        self._cells[at >> 3] |= 1 << (at & 7)

    def add_all(self, numbers: NDArray[np.uint64]) -> None:
        """The same of many."""
        cell, bit = self._places(numbers)
        np.bitwise_or.at(self._bits, cell, bit)

    def misses(self, numbers: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Of which it is sure that they were never added."""
        cell, bit = self._places(numbers)
        return np.asarray(self._bits[cell] & bit == 0)

    def _places(self, numbers: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        at = (numbers >> np.uint64(self._shift)).astype(np.int64)
        return at >> 3, np.left_shift(np.uint8(1), (at & 7).astype(np.uint8))

"""Where a position id's row is, in 16 bytes an id. Mutable. Pure.

A dictionary of a million ids and numbers takes 140 bytes an entry. Here most entries stand in two
arrays sorted by the two halves of the id, folded into one; what came lately stands in a small
dictionary until there is enough to be merged. Entries of positions that are gone stay until then:
whoever asks checks that the place still holds the id, which it must anyway, because two ids may
fold into one number.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

_LATE_MIN: Final = 4_096
_LATE_SHARE: Final = 32  # one id in so many may be in the dictionary
_HALVES: Final = Struct("=QQ")


class Directory:
    """Places of ids. A place is a number that the owner gives a meaning to."""

    def __init__(self) -> None:
        self._folded = np.zeros(0, dtype=np.uint64)
        self._places = np.zeros(0, dtype=np.int64)
        self._late: dict[bytes, int] = {}

    @property
    def nbytes(self) -> int:
        """Memory of the arrays."""
        return self._folded.nbytes + self._places.nbytes

    @property
    def is_crowded(self) -> bool:
        """Whether it is time to `start_over` with what is open."""
        return len(self._late) > max(_LATE_MIN, len(self._folded) // _LATE_SHARE)

    def start_over(self, ids: NDArray[np.uint8], places: NDArray[np.int64]) -> None:
        """Holds these and no others; `ids` has a row of 16 bytes for each."""
        halves = np.ascontiguousarray(ids).view(np.uint64).reshape(-1, 2)
        folded = halves[:, 0] ^ halves[:, 1]
        order = np.argsort(folded)
        self._folded, self._places = folded[order], places[order]
        self._late = {}

    def put(self, position_id: bytes, place: int) -> None:
        """The id is at this place from now on."""
        self._late[position_id] = place

    def drop(self, position_id: bytes) -> None:
        """The id is nowhere any more, or wherever else its place says."""
        self._late.pop(position_id, None)

    def places(self, position_id: bytes) -> Iterator[int]:
        """Places that may hold the id: the one that does is among them."""
        late = self._late.get(position_id)
        if late is not None:
            yield late
        first, second = _HALVES.unpack(position_id)
        folded = first ^ second
        at = int(self._folded.searchsorted(np.uint64(folded)))
        while at < len(self._folded) and int(self._folded[at]) == folded:
            yield int(self._places[at])
            at += 1

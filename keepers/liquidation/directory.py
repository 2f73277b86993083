"""Where a position id's row is, in 16 bytes an id. Mutable. Pure.

A dictionary of a million ids and numbers takes 140 bytes an entry. Here most entries stand in
arrays sorted by the two halves of the id, folded into one; what came lately stands in a small
dictionary until there is enough to be merged. All of it is cut into leaves by the folded id's first
byte, so that no merge takes long: ids are hashes, and a leaf of a million has four thousand.

Two ids may fold into one number, so whoever asks checks that the place holds the id.
"""

from bisect import bisect_left
from collections.abc import Sequence
from struct import Struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

_LATE_MIN: Final = 32
_LATE_SHARE: Final = 16  # one id in so many may be in the dictionary
_HALVES: Final = Struct("=QQ")
_LEAVES: Final = 256
_LEAF: Final = 56  # the bits of a folded id below those that name its leaf
_NOWHERE: Final = -1


class Directory:
    """Places of ids. A place is a number, 0 or more, that the owner gives a meaning to."""

    def __init__(self) -> None:
        self._leaves: list[_Leaf] = [_Leaf() for _ in range(_LEAVES)]

    def start_over(self, ids: NDArray[np.uint8], places: NDArray[np.int64]) -> None:
        """Holds these and no others; `ids` has a row of 16 bytes for each."""
        folded = _folded(ids)
        order = np.argsort(folded)
        folded, places = folded[order], places[order]
        bounds = [int(folded.searchsorted(np.uint64(n << _LEAF))) for n in range(1, _LEAVES)]
        for leaf, first, end in zip(
            self._leaves, [0, *bounds], [*bounds, len(folded)], strict=True
        ):
            leaf.hold(folded[first:end].copy(), places[first:end].copy())

    def put(self, position_id: bytes, place: int) -> None:
        """The id, which was nowhere, is at this place from now on."""
        first, second = _HALVES.unpack(position_id)
        self._leaves[(first ^ second) >> _LEAF].put(position_id, place)

    def drop(self, position_id: bytes, place: int) -> None:
        """The id is nowhere any more; `place` is where it was."""
        first, second = _HALVES.unpack(position_id)
        folded = first ^ second
        self._leaves[folded >> _LEAF].drop(position_id, folded, place)

    def places(self, position_id: bytes) -> Sequence[int]:
        """Places that may hold the id: the one that does is among them."""
        first, second = _HALVES.unpack(position_id)
        folded: int = first ^ second
        leaf = self._leaves[folded >> _LEAF]
        if position_id in leaf.late:
            return (leaf.late[position_id],)
        at = bisect_left(leaf.folded, folded)
        if at == len(leaf.folded) or leaf.folded[at] != folded:
            return ()
        return leaf.found(at, folded)


class _Leaf:
    """The entries of one leaf: two sorted columns, and a dictionary of what came since."""

    __slots__ = ("folded", "late", "places")

    def __init__(self) -> None:
        self.hold(np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64))

    def hold(self, folded: NDArray[np.uint64], places: NDArray[np.int64]) -> None:
        # An index into an array costs ten times as much as one into its memory.
        self.folded: memoryview[int] = folded.data.cast("B").cast("Q")
        self.places: memoryview[int] = places.data.cast("B").cast("q")
        self.late: dict[bytes, int] = {}

    def put(self, position_id: bytes, place: int) -> None:
        self.late[position_id] = place
        if len(self.late) > max(_LATE_MIN, len(self.folded) // _LATE_SHARE):
            self._merge()

    def drop(self, position_id: bytes, folded: int, place: int) -> None:
        if self.late.pop(position_id, None) is None:
            at = bisect_left(self.folded, folded)
            while self.places[at] != place:
                at += 1
            self.places[at] = _NOWHERE

    def found(self, at: int, folded: int) -> Sequence[int]:
        """The places from that index on whose ids fold into this number."""
        found: list[int] = []
        while at < len(self.folded) and self.folded[at] == folded:
            if self.places[at] != _NOWHERE:
                found.append(self.places[at])
            at += 1
        return found

    def _merge(self) -> None:
        places = np.asarray(self.places)
        live = places != _NOWHERE
        ids = np.frombuffer(b"".join(self.late), dtype=np.uint8)
        folded = np.concatenate([np.asarray(self.folded)[live], _folded(ids)])
        late = np.fromiter(self.late.values(), dtype=np.int64, count=len(self.late))
        order = np.argsort(folded)
        self.hold(folded[order], np.concatenate([places[live], late])[order])


def _folded(ids: NDArray[np.uint8]) -> NDArray[np.uint64]:
    halves = np.ascontiguousarray(ids).view(np.uint64).reshape(-1, 2)
    return np.bitwise_xor(halves[:, 0], halves[:, 1])

"""Where a position id's row is, in 12 to 24 bytes an id. Mutable. Pure.

A dictionary of a million ids and numbers takes 140 bytes an entry. Here an id is a number of 64
bits, its two halves folded into one, and an entry one word in an open-addressed table: the place,
and above it a tag, which is bits of that number. Where to look first are the tag's highest bits, so
that an entry says by itself where it belongs, and a table can grow without the ids. All of it is
cut into leaves by the folded number's first byte, so that no growth takes long: ids are hashes, and
a leaf of a million has four thousand. An id that is looked for is found in the cache line or two
that its leaf begins to search in.

Two ids may have the same tag, so whoever asks checks that the place holds the id. An id is a hash
of the trader's address, and whoever tries addresses enough has many that fold alike in the bits
that count: all in one slot, they would be gone through one by one. So the folded number is spread
by an odd factor that is drawn anew for every process and told to nobody.
"""

from collections.abc import Generator, Sequence
from itertools import compress
from secrets import randbits
from struct import Struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keepers.liquidation.sieve import FEW, Sieve

_HALVES: Final = Struct("=QQ")
_NUMBERS: Final = (1 << 64) - 1
_SPREAD: Final = randbits(64) | 1
_LEAVES: Final = 256
_LEAF: Final = 56  # the bits of a folded id below those that name its leaf
_PLACE: Final = 45  # the bits of an entry that are its place
_TAG: Final = 19  # and those above, which are the highest below the leaf's in the folded id
_TAG_AT: Final = _LEAF - _TAG
_TAGS: Final = (1 << _TAG) - 1
_PLACES: Final = (1 << _PLACE) - 1
_STEP: Final = 50_000  # ids folded at once
_MANY: Final = 8_192  # so many ids are put leaf by leaf sooner than one by one
_FEW: Final = 1_000  # ids put one by one in a step
_TWICE: Final = "a position id is held twice"
_SLOTS_MIN: Final = 32
_LOAD: Final = 3, 2  # a leaf has at least so many slots for so many entries


class HeldTwiceError(ValueError):
    """An id stands twice among those that are to have one place each."""


class Directory:
    """Places of ids. A place is a number below 2⁴⁵ − 1 that the owner gives a meaning to.

    Args:
        spread: the odd factor below 2⁶⁴ of all folded numbers; 1 leaves them as they are.
    """

    def __init__(self, spread: int = _SPREAD) -> None:
        self._spread = spread
        self._leaves: list[_Leaf] = [_Leaf() for _ in range(_LEAVES)]
        self._sieve = Sieve()

    def starting_over(
        self, ids: NDArray[np.uint8], places: NDArray[np.int64]
    ) -> Generator[None, None, None]:
        """Holds these and no others, in steps of some milliseconds; `ids` has 16 bytes a row.

        Raises:
            HeldTwiceError: an id stands there twice.
        """
        self._leaves = [_Leaf() for _ in range(_LEAVES)]
        self._sieve = Sieve(len(ids))
        yield from (self._holding_few if len(ids) < _MANY else self._holding_many)(ids, places)

    def _holding_few(
        self, ids: NDArray[np.uint8], places: NDArray[np.int64]
    ) -> Generator[None, None, None]:
        each = [row.tobytes() for row in ids]
        if len({*each}) < len(each):
            raise HeldTwiceError(_TWICE)
        for start in range(0, len(each), _FEW):
            some = slice(start, start + _FEW)
            for position_id, place in zip(each[some], places[some].tolist(), strict=True):
                self.put(position_id, place)
            yield

    def _holding_many(
        self, ids: NDArray[np.uint8], places: NDArray[np.int64]
    ) -> Generator[None, None, None]:
        folded = np.empty(len(ids), dtype=np.uint64)
        leaf_of = np.empty(len(ids), dtype=np.uint8)
        for start in range(0, len(ids), _STEP):
            some = slice(start, start + _STEP)
            folded[some] = _folded(ids[some], self._spread)
            leaf_of[some] = folded[some] >> np.uint64(_LEAF)
            self._sieve.add_all(folded[some])
            yield
        for number, leaf in enumerate(self._leaves):
            at = np.flatnonzero(leaf_of == number)
            _require_once(ids, at[np.argsort(folded[at])], folded)
            leaf.hold(_entries(folded[at], places[at]))
            yield

    def put(self, position_id: bytes, place: int) -> None:
        """The id, which was nowhere, is at this place from now on."""
        first, second = _HALVES.unpack(position_id)
        folded = (first ^ second) * self._spread & _NUMBERS
        self._sieve.add(folded)
        self._leaves[folded >> _LEAF].put((folded >> _TAG_AT & _TAGS) << _PLACE | place + 1)

    def drop(self, position_id: bytes, place: int) -> None:
        """The id is nowhere any more; `place` is where it was."""
        first, second = _HALVES.unpack(position_id)
        folded = (first ^ second) * self._spread & _NUMBERS
        self._leaves[folded >> _LEAF].drop((folded >> _TAG_AT & _TAGS) << _PLACE | place + 1)

    def absent(self, ids: Sequence[bytes]) -> set[bytes]:
        """Those of many that are surely nowhere: most that are. None of a few."""
        if len(ids) < FEW:
            return set()
        rows = np.frombuffer(b"".join(ids), dtype=np.uint8)
        return {*compress(ids, self._sieve.misses(_folded(rows, self._spread)).tolist())}

    def places(self, position_id: bytes) -> Sequence[int]:
        """Places that may hold the id: the one that does is among them."""
        first, second = _HALVES.unpack(position_id)
        folded: int = (first ^ second) * self._spread & _NUMBERS
        leaf, tag = self._leaves[folded >> _LEAF], folded >> _TAG_AT & _TAGS
        slots, at = leaf.slots, tag << _PLACE >> leaf.shift
        return leaf.places(at, tag) if slots[at] else ()


class _Leaf:
    """The entries of one leaf, each at its home or behind it where that was taken."""

    __slots__ = ("_count", "_last", "shift", "slots")

    def __init__(self) -> None:
        self._empty(_SLOTS_MIN)

    def _empty(self, slots: int) -> None:
        bits = slots.bit_length()
        self._count, self._last, self.shift = 0, (1 << bits) - 1, _TAG - bits + _PLACE
        # An index into an array costs ten times as much as one into its memory.
        self.slots = memoryview(bytearray(8 << bits)).cast("Q")

    def hold(self, entries: NDArray[np.uint64]) -> None:
        """Holds these and no others."""
        count = len(entries)
        self._empty(max(_SLOTS_MIN, count * _LOAD[0] // _LOAD[1] + 1))
        self._count, slots = count, np.asarray(self.slots)
        entries = np.sort(entries)
        step = np.arange(count)
        at = np.maximum.accumulate((entries >> self.shift).astype(np.int64) - step) + step
        inside = at <= self._last
        slots[at[inside]] = entries[inside]
        for entry in entries[~inside].tolist():  # behind the last slot comes the first
            self.slots[self._free_from(0)] = entry

    def put(self, entry: int) -> None:
        """Takes one more in."""
        self._count += 1
        if self._count * _LOAD[0] > len(self.slots) * _LOAD[1]:
            slots = np.asarray(self.slots)
            self.hold(np.append(slots[slots != 0], np.uint64(entry)))
        else:
            self.slots[self._free_from(entry >> self.shift)] = entry

    def places(self, at: int, tag: int) -> Sequence[int]:
        """The places of all entries with this tag, whose home `at` is."""
        slots, found = self.slots, []
        while entry := slots[at]:
            if entry >> _PLACE == tag:
                found.append((entry & _PLACES) - 1)
            at = at + 1 & self._last
        return found

    def drop(self, entry: int) -> None:
        """Takes an entry out that is there; those behind it move up as far as their homes."""
        hole = entry >> self.shift
        while self.slots[hole] != entry:
            hole = hole + 1 & self._last
        at = hole + 1 & self._last
        while moved := self.slots[at]:
            if at - (moved >> self.shift) & self._last >= at - hole & self._last:
                self.slots[hole], hole = moved, at
            at = at + 1 & self._last
        self.slots[hole] = 0
        self._count -= 1

    def _free_from(self, at: int) -> int:
        while self.slots[at]:
            at = at + 1 & self._last
        return at


def _folded(ids: NDArray[np.uint8], spread: int) -> NDArray[np.uint64]:
    halves = np.ascontiguousarray(ids).view(np.uint64).reshape(-1, 2)
    return np.bitwise_xor(halves[:, 0], halves[:, 1]) * np.uint64(spread)


def _entries(folded: NDArray[np.uint64], places: NDArray[np.int64]) -> NDArray[np.uint64]:
    tags = folded >> np.uint64(_TAG_AT) & np.uint64(_TAGS)
    return tags << np.uint64(_PLACE) | places.astype(np.uint64) + np.uint64(1)


def _require_once(
    ids: NDArray[np.uint8], order: NDArray[np.intp], folded: NDArray[np.uint64]
) -> None:
    """Refuses an id that stands there twice; `order` has those of a leaf by their folded number."""
    sorted_ones = folded[order]
    if (sorted_ones[1:] == sorted_ones[:-1]).any():
        each = [ids[row].tobytes() for row in order.tolist()]
        if len({*each}) < len(each):
            raise HeldTwiceError(_TWICE)

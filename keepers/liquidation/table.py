"""All open positions in columns, market by market and side by side. Mutable; see `versions.py`.

Knows records, not what a block is. Pure.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keepers.liquidation.bucket import Bucket
from keepers.liquidation.directory import Directory
from keepers.liquidation.lineup import Sorting
from keepers.liquidation.packing import BUCKET, ID_BYTES, bucket_bytes
from keepers.liquidation.rows import rows_of
from keepers.liquidation.standing import Terms
from keepers.liquidation.steps import finished
from units import Netuid

Changes = Mapping[bytes, bytes | None]
"""Records by position id; None where no such position is open."""

_ROW_BITS: Final = 28
_STEP: Final = 50_000  # rows whose buckets are named at once
_NAME: Final = np.array([1, 1 << 8, 1 << 16])  # a bucket's bytes as a number, the lowest first
_ROW: Final = (1 << _ROW_BITS) - 1


class Table:
    """Records by position id, and the buckets that nominate among them."""

    def __init__(self) -> None:
        self._buckets: list[Bucket] = []
        self._names: dict[bytes, int] = {}
        self._directory = Directory()

    def __len__(self) -> int:
        return sum(bucket.count for bucket in self._buckets)

    @property
    def buckets(self) -> Mapping[bytes, Bucket]:
        """The buckets by their bytes in a record."""
        return {name: self._buckets[number] for name, number in self._names.items()}

    def get(self, position_id: bytes) -> bytes | None:
        """The record of an open position."""
        for place in self._directory.places(position_id):
            bucket, row = self._buckets[place >> _ROW_BITS], place & _ROW
            if bucket.holds(row, position_id):
                return bucket.record(row)
        return None

    def absent(self, ids: Sequence[bytes]) -> set[bytes]:
        """Those of many that are surely not open: most that are not, and none of a few."""
        return self._directory.absent(ids)

    def records(self) -> Iterator[bytes]:
        """Every record, bucket by bucket."""
        for bucket in self._buckets:
            yield from bucket.each()

    def walk(self, start: int, count: int) -> tuple[list[bytes], int | None]:
        """So many records from a place on, and the place to go on from; None at the end.

        The walk begins at place 0. A position keeps its place while it is open.
        """
        found: list[bytes] = []
        for number in range(start >> _ROW_BITS, len(self._buckets)):
            bucket, first = self._buckets[number], max(0, start - (number << _ROW_BITS))
            rows = bucket.rows(first)[: count - len(found)].tolist()
            found += map(bucket.record, rows)
            if len(found) == count:
                return found, number << _ROW_BITS | rows[-1] + 1
        return found, None

    def count_in(self, netuid: Netuid) -> int:
        """How many positions are open in a market."""
        return sum(bucket.count for bucket in self._buckets if bucket.netuid == netuid)

    def fill(self, records: Iterable[bytes]) -> None:
        """Takes in many at once, into a table that is empty. Raises as `filling` does."""
        finished(self.filling(rows_of(records)))

    def filling(self, records: NDArray[np.uint8]) -> Generator[None, None, None]:
        """The same in steps of some milliseconds; a record a row.

        Raises:
            HeldTwiceError: a position id is open twice.
        """
        names, places = np.empty((2, len(records)), dtype=np.int64)
        for start in range(0, len(records), _STEP):
            some = slice(start, start + _STEP)
            names[some] = records[some, BUCKET] @ _NAME
            yield
        for name in np.flatnonzero(np.bincount(names)).tolist():
            at = np.flatnonzero(names == name)
            number, bucket = self._bucket(int(name).to_bytes(BUCKET.stop - BUCKET.start, "little"))
            places[at] = np.arange(len(at)) | number << _ROW_BITS
            yield from bucket.filling(records, at)
        yield from self._directory.starting_over(records[:, :ID_BYTES], places)

    def index(self) -> None:
        """Makes the directory anew of what is open. Raises as `filling` does."""
        ids, places = [np.zeros((0, ID_BYTES), dtype=np.uint8)], [np.zeros(0, dtype=np.int64)]
        for number, bucket in enumerate(self._buckets):
            rows = bucket.rows()
            ids.append(bucket.records[rows, :ID_BYTES])
            places.append(rows | (number << _ROW_BITS))
        finished(self._directory.starting_over(np.concatenate(ids), np.concatenate(places)))

    def apply(self, changes: Changes) -> Changes:
        """Makes the changes; returns those that undo them."""
        return {position_id: self._change(position_id, to) for position_id, to in changes.items()}

    def bucket(self, name: bytes) -> Bucket:
        """The bucket of that name, made when there is none."""
        return self._bucket(name)[1]

    def nominate(self, terms: Mapping[Netuid, Terms]) -> list[bytes]:
        """Records of all that are liquidatable at their market's terms, and of few others."""
        return [
            bucket.record(row) for bucket, at in self._asked(terms) for row in bucket.nominate(at)
        ]

    def sortings(self, terms: Mapping[Netuid, Terms]) -> Iterator[Sorting]:
        """The ladders that are to be sorted before these or similar terms are asked about."""
        for bucket, at in self._asked(terms):
            sorting = bucket.sorting(at)
            if sorting is not None:
                yield sorting

    def scan(self, terms: Mapping[Netuid, Terms]) -> list[bytes]:
        """The same by a look at every row: the referee."""
        return [bucket.record(row) for bucket, at in self._asked(terms) for row in bucket.scan(at)]

    def _asked(self, terms: Mapping[Netuid, Terms]) -> Iterator[tuple[Bucket, Terms]]:
        for netuid, at in terms.items():
            for is_long in (True, False):
                number = self._names.get(bucket_bytes(netuid, is_long=is_long))
                if number is not None:
                    yield self._buckets[number], at

    def _place(self, position_id: bytes) -> int | None:
        for place in self._directory.places(position_id):
            if self._buckets[place >> _ROW_BITS].holds(place & _ROW, position_id):
                return place
        return None

    def _bucket(self, name: bytes) -> tuple[int, Bucket]:
        number = self._names.get(name)
        if number is None:
            number = self._names[name] = len(self._buckets)
            self._buckets.append(Bucket(name))
        return number, self._buckets[number]

    def _change(self, position_id: bytes, to: bytes | None) -> bytes | None:
        """Puts `to` in place of what is open under that id, which is returned."""
        place = self._place(position_id)
        if place is None:
            self._add(position_id, to)
            return None
        bucket, row = self._buckets[place >> _ROW_BITS], place & _ROW
        before = bucket.record(row)
        if to is not None and to[BUCKET] == before[BUCKET]:
            bucket.write(row, to)
            return before
        bucket.drop(row)
        self._directory.drop(position_id, place)
        self._add(position_id, to)
        return before

    def _add(self, position_id: bytes, record: bytes | None) -> None:
        if record is not None:
            number, bucket = self._bucket(record[BUCKET])
            self._directory.put(position_id, bucket.put(record) | number << _ROW_BITS)

"""A price tape: Alpha prices by block, recorded or made up, that the local world replays.

A price holds until the next row. Knows no chain, no sockets, no clock.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Self

from devnet.tape_file import (
    FIRST_ROW,
    Columns,
    TapeError,
    columns_of,
    iso,
    read_columns,
    write_columns,
)
from units import BLOCK_TIME, BlockNumber, Netuid, Rao, Timestamp

__all__ = ["HOLE_BLOCKS_MAX", "Hole", "Tape", "TapeError", "TapeRow"]

HOLE_BLOCKS_MAX = 60
"""Across missing rows up to this distance the price before them holds; more is an error."""

_OLDER_THAN_TAPE_BLOCKS = 1_000
_ROWS_KEPT = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class TapeRow:
    """One row: the prices of every subnet that existed at `block`, made at `time`."""

    block: BlockNumber
    time: Timestamp
    prices: Mapping[Netuid, Rao]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """Rows are missing: row `row` of the file, of block `until`, comes `blocks` after the last."""

    row: int
    until: BlockNumber
    blocks: int

    def __str__(self) -> str:
        """One line for people, beginning as the tape's errors do."""
        return (
            f"row {self.row}: {self.blocks} blocks after the row above it, whose prices hold "
            f"until block {self.until}"
        )


class Tape:
    """Prices by block. Build one with `open` from a file or with `of_rows` from values.

    Attributes:
        name: the file's name, for messages.
        netuids: the tape's columns, in their order.
        spacing: blocks from one row to the next where none is missing.
        holes: where rows are missing, in order.
    """

    def __init__(self, columns: Columns, *, hole_blocks_max: int | None = HOLE_BLOCKS_MAX) -> None:
        self._columns = columns
        self.name = columns.name
        self.netuids = columns.netuids
        self.spacing = _ordinary_spacing(columns.blocks)
        self.holes = tuple(self._find_holes(hole_blocks_max))
        cells = zip(*columns.cells, strict=True)
        self._births = {
            netuid: _births(columns.blocks, column)
            for netuid, column in zip(columns.netuids, cells, strict=True)
        }
        self._rows: dict[int, TapeRow] = {}

    @classmethod
    def open(cls, path: Path, *, hole_blocks_max: int | None = HOLE_BLOCKS_MAX) -> Self:
        """Load a CSV file, gzip when its name ends in .gz.

        Raises:
            TapeError: one line with the file, the row (the header is row 1) and what is wrong;
                also a hole longer than `hole_blocks_max` (None allows any).
        """
        return cls(read_columns(path), hole_blocks_max=hole_blocks_max)

    @classmethod
    def of_rows(
        cls,
        rows: Iterable[TapeRow],
        *,
        name: str = "tape",
        hole_blocks_max: int | None = HOLE_BLOCKS_MAX,
    ) -> Self:
        """A tape of values, held to the same rules; its netuids ascend.

        Raises:
            TapeError: as `open`.
        """
        listed = list(rows)
        netuids = sorted({netuid for row in listed for netuid in row.prices})
        cells = (
            (row.block, row.time, tuple(row.prices.get(netuid) for netuid in netuids))
            for row in listed
        )
        return cls(columns_of(name, netuids, cells), hole_blocks_max=hole_blocks_max)

    def __len__(self) -> int:
        return len(self._columns.blocks)

    @property
    def first_block(self) -> BlockNumber:
        """The block of the first row."""
        return BlockNumber(self._columns.blocks[0])

    @property
    def last_block(self) -> BlockNumber:
        """The last block whose prices are known: the last row holds for one ordinary spacing."""
        return BlockNumber(self._columns.blocks[-1] + self.spacing - 1)

    def row_at(self, block: BlockNumber) -> TapeRow:
        """The row that holds at a block, with its own block and time, at or before that block.

        Raises:
            TapeError: the block is before the first row or after the last known block.
        """
        return self._row(self._index(block))

    def time_at(self, block: BlockNumber) -> Timestamp:
        """When a block was made: the time of the row that holds, and 12 s a block since.

        Raises:
            TapeError: as `row_at`.
        """
        index = self._index(block)
        blocks_since = block - self._columns.blocks[index]
        return Timestamp(self._columns.times[index] + BLOCK_TIME * blocks_since)

    def first_block_at(self, time: Timestamp) -> BlockNumber:
        """The first block made at `time` or later.

        Raises:
            TapeError: the tape ends before `time`.
        """
        blocks, times = self._columns.blocks, self._columns.times
        index = max(bisect_right(times, time) - 1, 0)
        blocks_later = max(0, -((times[index] - time) // BLOCK_TIME))
        if index + 1 < len(blocks):
            return BlockNumber(min(blocks[index] + blocks_later, blocks[index + 1]))
        if blocks_later >= self.spacing:
            raise TapeError(f"{self.name}: ends at {iso(times[-1])}, before {iso(time)}")
        return BlockNumber(blocks[index] + blocks_later)

    def rows(self) -> Iterator[TapeRow]:
        """Every row, in order."""
        return (self._row(index) for index in range(len(self)))

    def registered_at(self, netuid: Netuid, at: BlockNumber | None = None) -> BlockNumber | None:
        """When the subnet behind a netuid was registered, as of block `at` (default: the end).

        The block of its first price, and of the first one after every time it was gone. A subnet
        of the first row is older than the tape; it is put 1,000 + netuid blocks before it. None
        where the netuid has had no price so far.
        """
        births = self._births.get(netuid, ())
        count = len(births) if at is None else bisect_right(births, at)
        if count == 0:
            return None
        born = births[count - 1]
        if born == self.first_block:
            return BlockNumber(max(1, born - _OLDER_THAN_TAPE_BLOCKS - netuid))
        return BlockNumber(born)

    def write(self, path: Path) -> None:
        """Write the form that `open` reads, gzip when the name ends in .gz."""
        write_columns(path, self._columns)

    def _row(self, index: int) -> TapeRow:
        """The last few rows are kept: who asks about a block asks about its neighbours next."""
        row = self._rows.get(index)
        if row is None:
            row = self._made(index)
            self._rows = {**dict(list(self._rows.items())[-_ROWS_KEPT:]), index: row}
        return row

    def _made(self, index: int) -> TapeRow:
        cells = zip(self.netuids, self._columns.cells[index], strict=True)
        return TapeRow(
            block=BlockNumber(self._columns.blocks[index]),
            time=Timestamp(self._columns.times[index]),
            prices={netuid: Rao(price) for netuid, price in cells if price is not None},
        )

    def _index(self, block: BlockNumber) -> int:
        if not self.first_block <= block <= self.last_block:
            known = f"{self.first_block} … {self.last_block}"
            raise TapeError(f"{self.name}: block {block} is not on the tape ({known})")
        return bisect_right(self._columns.blocks, block) - 1

    def _find_holes(self, hole_blocks_max: int | None) -> Iterator[Hole]:
        for row, (above, block) in enumerate(pairwise(self._columns.blocks), FIRST_ROW + 1):
            blocks = block - above
            if hole_blocks_max is not None and blocks > hole_blocks_max:
                raise TapeError(
                    f"{self.name}: row {row}: {blocks} blocks after the row above it, "
                    f"at most {hole_blocks_max} are bridged"
                )
            if blocks > self.spacing:
                yield Hole(row=row, until=BlockNumber(block), blocks=blocks)


def _ordinary_spacing(blocks: Sequence[int]) -> int:
    """The most frequent distance of two rows, the shorter of equally frequent ones."""
    distances = Counter(block - above for above, block in pairwise(blocks))
    return min(distances, key=lambda blocks: (-distances[blocks], blocks), default=1)


def _births(blocks: Sequence[int], column: Sequence[int | None]) -> tuple[int, ...]:
    """Blocks at which a column's price begins, at first or again."""
    above: Iterable[int | None] = (None, *column)
    return tuple(
        block
        for block, before, price in zip(blocks, above, column, strict=False)
        if before is None and price is not None
    )

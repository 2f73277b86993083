"""The CSV form of a price tape, plain or gzip: read with the row named in every error, and written.

`block,timestamp_utc,sn<netuid>,…`: one row every few blocks, prices in RAO per Alpha, a cell empty
where the subnet does not exist. Knows nothing of what the prices are for.
"""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from units import BLOCK_TIME, Netuid, Timestamp

FIRST_ROW = 2
"""Rows are counted as an editor shows them: the header is row 1."""

_FIRST_COLUMNS = ["block", "timestamp_utc"]
_NETUID_COLUMN = re.compile(r"sn(0|[1-9][0-9]{0,4})")
_NETUID_MAX = (1 << 16) - 1
_BLOCK_MAX = (1 << 32) - 1
_PRICE_MAX = (1 << 64) - 1

Cells = tuple[int | None, ...]
"""The prices of one row in the order of the netuids; None where there is no subnet."""


class TapeError(Exception):
    """The tape can't be used; one line: which file, which row, what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """A tape as it stands in the file, in whole seconds: rows rise in block and time."""

    name: str
    netuids: tuple[Netuid, ...]
    blocks: tuple[int, ...]
    times: tuple[int, ...]
    cells: tuple[Cells, ...]


def iso(time: int) -> str:
    """Unix seconds as the file writes them."""
    return datetime.fromtimestamp(time, UTC).isoformat()


def seconds_of(text: str) -> Timestamp:
    """Unix seconds of an ISO 8601 time, UTC unless it says otherwise.

    Raises:
        ValueError: it is none.
    """
    time = datetime.fromisoformat(text)
    return Timestamp(int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()))


def read_columns(path: Path) -> Columns:
    """Read a tape file; gzip when its name ends in .gz.

    Raises:
        TapeError: unreadable, truncated, empty, unknown columns, or a row out of order or not
            of numbers.
    """
    try:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8-sig", newline="") as text:  # spreadsheets mark it
            return _Reader(path.name).read(csv.reader(text))
    except OSError as error:
        raise TapeError(f"{path.name}: {error.strerror or error}") from None


def columns_of(
    name: str, netuids: Iterable[Netuid], rows: Iterable[tuple[int, int, Cells]]
) -> Columns:
    """Columns of (block, time, cells) rows, held to the same rules as a file's."""
    reader = _Reader(name)
    reader.netuids = list(netuids)
    for row, (block, time, cells) in enumerate(rows, FIRST_ROW):
        reader.row = row
        for price in cells:
            reader.check_price(price)
        reader.append(block, time, cells)
    return reader.columns()


def write_columns(path: Path, columns: Columns) -> None:
    """Write a tape file; gzip when its name ends in .gz. The same tape gives the same bytes."""
    text = io.StringIO(newline="")
    out = csv.writer(text, lineterminator="\n")
    out.writerow([*_FIRST_COLUMNS, *(f"sn{netuid}" for netuid in columns.netuids)])
    for block, time, cells in zip(columns.blocks, columns.times, columns.cells, strict=True):
        out.writerow([block, iso(time), *("" if price is None else price for price in cells)])
    data = text.getvalue().encode()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


class _Reader:
    """Collects rows and keeps count of them, for the errors."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.row = 1
        self.netuids: list[Netuid] = []
        self._blocks: list[int] = []
        self._times: list[int] = []
        self._cells: list[Cells] = []

    def read(self, rows: Iterator[list[str]]) -> Columns:
        try:
            self.netuids = self._header(next(rows, []))
            for self.row, cells in enumerate(rows, FIRST_ROW):
                self._read_row(cells)
        except EOFError:
            raise self._error("the file ends in the middle of its compressed data") from None
        except (gzip.BadGzipFile, zlib.error):
            raise self._error("not whole gzip data from here on") from None
        except UnicodeDecodeError:
            raise self._error("not UTF-8 text") from None
        except csv.Error as error:
            raise self._error(str(error)) from None
        return self.columns()

    def columns(self) -> Columns:
        if not self._blocks:
            raise TapeError(f"{self.name}: no rows of prices")
        return Columns(
            name=self.name,
            netuids=tuple(self.netuids),
            blocks=tuple(self._blocks),
            times=tuple(self._times),
            cells=tuple(self._cells),
        )

    def append(self, block: int, time: int, cells: Cells) -> None:
        if self._blocks:
            self._check_order(block - self._blocks[-1], time - self._times[-1], block)
        self._blocks.append(block)
        self._times.append(time)
        self._cells.append(cells)

    def check_price(self, price: int | None) -> None:
        if price is not None and not 0 <= price <= _PRICE_MAX:
            raise self._error(f"the price {price} is not an unsigned 64-bit integer")

    def _header(self, cells: list[str]) -> list[Netuid]:
        if not cells:
            raise TapeError(f"{self.name}: empty")
        if cells[:2] != _FIRST_COLUMNS or len(cells) == len(_FIRST_COLUMNS):
            raise self._error(f"columns are not block,timestamp_utc,sn…: {','.join(cells)[:80]}")
        netuids = [self._netuid(cell) for cell in cells[2:]]
        if len(set(netuids)) != len(netuids):
            raise self._error("a column stands twice")
        return netuids

    def _netuid(self, cell: str) -> Netuid:
        match = _NETUID_COLUMN.fullmatch(cell)
        if match is None or int(match[1]) > _NETUID_MAX:
            raise self._error(f"unknown column {cell!r}: not sn and a netuid")
        return Netuid(int(match[1]))

    def _read_row(self, cells: list[str]) -> None:
        if len(cells) != len(self.netuids) + 2:
            raise self._error(f"{len(cells)} cells, the header has {len(self.netuids) + 2}")
        prices = tuple([self._number(cell) if cell else None for cell in cells[2:]])
        self.append(self._block(cells[0]), self._time(cells[1]), prices)

    def _block(self, cell: str) -> int:
        block = self._number(cell)
        if block > _BLOCK_MAX:
            raise self._error(f"{cell} is not a block number")
        return block

    def _number(self, cell: str) -> int:
        # 20 digits hold every unsigned 64-bit integer, and keep int() from a very long one.
        if not (cell.isascii() and cell.isdigit() and len(cell) <= 20):  # noqa: PLR2004 - above
            raise self._error(f"{cell[:40]!r} is not a whole number without sign")
        number = int(cell)
        self.check_price(number)
        return number

    def _time(self, cell: str) -> int:
        try:
            time = datetime.fromisoformat(cell)
        except ValueError:
            raise self._error(f"{cell[:40]!r} is not an ISO 8601 time") from None
        if time.tzinfo is None:
            raise self._error(f"{cell!r} has no offset from UTC")
        return int(time.timestamp() // 1)

    def _check_order(self, blocks: int, seconds: int, block: int) -> None:
        if blocks == 0:
            raise self._error(f"block {block} stands twice")
        if blocks < 0:
            raise self._error(f"block {block} comes before the row above it")
        if seconds <= BLOCK_TIME * (blocks - 1):
            raise self._error(
                f"{seconds} s after the row above it, too short for {blocks} blocks of 12 s"
            )

    def _error(self, what: str) -> TapeError:
        return TapeError(f"{self.name}: row {self.row}: {what}")

"""The book as bytes, and back: what a restart reads instead of a million views. Pure.

A magic line, a header of JSON, the columns as they stand in memory, and a SHA-256 of all of it.
The header says which exchange on which chain, and which block. What does not fit is refused as a
whole: a book that is half right is worse than none.
"""

import json
from collections.abc import Generator, Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from keepers.liquidation.book import Book
from keepers.liquidation.directory import HeldTwiceError
from keepers.liquidation.lineup import spare_rows
from keepers.liquidation.packing import RECORD_BYTES
from keepers.liquidation.positions import FeedRow, Market, MarketParameters
from keepers.liquidation.table import Table
from keepers.liquidation.versions import Positions
from units import Address, Head, Netuid

MAGIC: Final = b"megatao book 1\n"
_LENGTH_BYTES: Final = 8
_DIGEST_BYTES: Final = 32
_ROW_BYTES: Final = RECORD_BYTES + 2 * 8  # with its line


class CheckpointError(Exception):
    """The bytes are not a book of this exchange; one line that says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Whose book it is."""

    chain_id: int
    exchange: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """A copy of a book: its columns by bucket, with the rows that are free."""

    stamp: Stamp
    head: Head
    markets: tuple[Market, ...]
    buckets: Mapping[bytes, tuple[NDArray[Any], NDArray[np.float64], NDArray[np.float64]]]


def freezing(book: Book, stamp: Stamp) -> Generator[None, None, Frozen]:
    """The copy, so that the book may go on.

    A step copies one bucket, as it lies in memory; others may read other versions in between.
    """
    buckets = {}
    for name in tuple(book.positions.table.buckets):
        buckets[name] = book.positions.table.buckets[name].columns()
        yield
    markets = tuple(book.markets.values())
    return Frozen(stamp=stamp, head=book.head, markets=markets, buckets=buckets)


def sealed(frozen: Frozen) -> list[bytes]:
    """The copy's bytes in pieces, the last of which is their digest: what `thawed` takes, in one.

    Long work that touches nothing of the book: for another thread.
    """
    counts: list[tuple[str, int]] = []
    columns: list[bytes] = []
    for name, (records, level, slope) in frozen.buckets.items():
        rows = np.flatnonzero(np.isfinite(level))
        if len(rows):
            counts.append((name.hex(), len(rows)))
            columns += [column[rows].tobytes() for column in (records, level, slope)]
    text = json.dumps(_header(frozen, counts)).encode()
    pieces = [MAGIC, len(text).to_bytes(_LENGTH_BYTES, "big"), text, *columns]
    digest = sha256()
    for piece in pieces:
        digest.update(piece)
    return [*pieces, digest.digest()]


def _header(frozen: Frozen, counts: list[tuple[str, int]]) -> Mapping[str, object]:
    return {
        "stamp": asdict(frozen.stamp),
        "head": asdict(frozen.head),
        "markets": [asdict(market) for market in frozen.markets],
        "buckets": counts,
    }


def thawed(data: bytes, stamp: Stamp) -> Book:
    """The book of these bytes; nothing before its block can be rewound to.

    Raises:
        CheckpointError: they are damaged, of another version or of another exchange.
    """
    body = memoryview(data)[:-_DIGEST_BYTES]
    if sha256(body).digest() != data[-_DIGEST_BYTES:] or not data.startswith(MAGIC):
        raise CheckpointError("it is damaged, or no checkpoint of this version")
    start = len(MAGIC) + _LENGTH_BYTES
    end = start + int.from_bytes(body[len(MAGIC) : start], "big")
    header = json.loads(bytes(body[start:end]))
    if header["stamp"] != asdict(stamp):
        raise CheckpointError(f"it is of {header['stamp']}")
    return Book(
        head=Head(**header["head"]),
        positions=Positions(_table(header["buckets"], body[end:])),
        markets={market.netuid: market for market in _markets(header["markets"])},
    )


def _table(buckets: list[list[Any]], body: memoryview) -> Table:
    table = Table()
    if sum(rows for _, rows in buckets) * _ROW_BYTES != len(body):
        raise CheckpointError("its columns are not as long as it says")
    at = 0
    for name, rows in buckets:
        records, at = _read(body, at, rows, RECORD_BYTES, np.uint8)
        level, at = _read(body, at, rows, 8, np.float64)
        slope, at = _read(body, at, rows, 8, np.float64)
        bucket = table.bucket(bytes.fromhex(name))
        bucket.load(records.reshape(-1, RECORD_BYTES), level, slope, rows)
    try:
        table.index()
    except HeldTwiceError as error:
        raise CheckpointError(f"its columns contradict themselves: {error}") from error
    return table


def _read(
    body: memoryview, at: int, rows: int, width: int, kind: type[Any]
) -> tuple[NDArray[Any], int]:
    """A column of its own with room for more rows, and where the next one begins."""
    end = at + rows * width
    found = np.frombuffer(body[at:end], dtype=kind)
    column = np.zeros((rows + spare_rows(rows)) * width // found.itemsize, dtype=kind)
    column[: len(found)] = found
    return column, end


def _markets(rows: list[Mapping[str, Any]]) -> Iterator[Market]:
    for row in rows:
        values = dict(row)
        parameters = MarketParameters(**values.pop("parameters"))
        feed = FeedRow(**values.pop("feed"))
        yield Market(
            **{**values, "netuid": Netuid(values["netuid"])}, parameters=parameters, feed=feed
        )

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
from keepers.liquidation.bucket import Bucket
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


def freezing(book: Book, stamp: Stamp) -> Generator[None, None, list[bytes]]:
    """The book's bytes in pieces, without the digest: a copy, so that the book may go on.

    A step copies one bucket; others may read other versions in between.
    """
    names = [name for name, bucket in book.positions.table.buckets.items() if bucket.count]
    counts: list[tuple[str, int]] = []
    columns: list[bytes] = []
    for name in names:
        bucket = book.positions.table.buckets[name]
        counts.append((name.hex(), bucket.count))
        columns += _columns(bucket)
        yield
    header = {
        "stamp": asdict(stamp),
        "head": asdict(book.head),
        "markets": [asdict(market) for market in book.markets.values()],
        "buckets": counts,
    }
    text = json.dumps(header).encode()
    return [MAGIC, len(text).to_bytes(_LENGTH_BYTES, "big"), text, *columns]


def sealed(pieces: list[bytes]) -> list[bytes]:
    """The pieces with their digest: what `thawed` takes, in one."""
    digest = sha256()
    for piece in pieces:
        digest.update(piece)
    return [*pieces, digest.digest()]


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


def _columns(bucket: Bucket) -> Iterator[bytes]:
    rows = bucket.rows()
    return iter([column[rows].tobytes() for column in (bucket.records, bucket.level, bucket.slope)])


def _table(buckets: list[list[Any]], body: memoryview) -> Table:
    table = Table()
    if sum(rows for _, rows in buckets) * _ROW_BYTES != len(body):
        raise CheckpointError("its columns are not as long as it says")
    at = 0
    for name, rows in buckets:
        records, at = _read(body, at, rows * RECORD_BYTES, np.uint8)
        level, at = _read(body, at, rows * 8, np.float64)
        slope, at = _read(body, at, rows * 8, np.float64)
        table.bucket(bytes.fromhex(name)).load(records.reshape(rows, RECORD_BYTES), level, slope)
    table.index()
    return table


def _read(body: memoryview, at: int, size: int, kind: type[Any]) -> tuple[NDArray[Any], int]:
    """A column of its own, and where the next one begins."""
    return np.frombuffer(body[at : at + size], dtype=kind).copy(), at + size


def _markets(rows: list[Mapping[str, Any]]) -> Iterator[Market]:
    for row in rows:
        values = dict(row)
        parameters = MarketParameters(**values.pop("parameters"))
        feed = FeedRow(**values.pop("feed"))
        yield Market(
            **{**values, "netuid": Netuid(values["netuid"])}, parameters=parameters, feed=feed
        )

"""Many logs of positions at once, as moves: columns of digits instead of a value a log.

Says the same as `protocol.events` does log by log, and takes a fraction of its time. A number that
does not fit into a record, rare enough to be somebody's trial, is left to it, and so is a market
or a side that is none. Words that no move has are not read. Pure.
"""

from binascii import unhexlify
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import compress, repeat
from operator import itemgetter, ne
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keepers.liquidation.moves import CHANGED, OPENED, REMOVED, BlockMoves, Move
from keepers.liquidation.packing import AMOUNT_BYTES, ID_BYTES, SEQUENCE_BYTES
from keepers.liquidation.positions import BookEvent
from protocol.abi import topic
from protocol.columns import (
    Bytes,
    Flags,
    Layout,
    fitting,
    layout_of,
    leading,
    number,
    record_layout,
    small,
    taken,
)
from protocol.events import RawLog, book_event
from protocol.words import WORD
from units import BlockHash, BlockNumber

Pairs = NDArray[np.uint16]
"""Two digits each: a row a log, and the cells of its words."""

FEW: Final = 16
"""So many logs of one kind are read one by one sooner than in columns."""

SLICE: Final = 1_000
"""So many logs at once are read in some milliseconds, and stay in a processor's cache meanwhile."""

_TOPICS: Final = 4
_TEXT: Final = 1 + WORD  # pairs of a topic: 0x, and a word
_PREFIX, _ZEROS, _ONES = np.frombuffer(b"0x00ff", dtype=np.uint16)
_TOPICS_OF: Final = itemgetter("topics")
_DATA_OF: Final = itemgetter("data")
_HASH_OF: Final = itemgetter("blockHash")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """How logs of one kind are read: of these topics and the first words of their data.

    `words`: how many their data has. A row is the position's id, and from `body` on the body.
    """

    kind: int
    topics: tuple[int, ...]
    words: int
    layout: Layout
    body: int = ID_BYTES

    def read(self, logs: Sequence[RawLog]) -> tuple[Iterator[Move], Flags]:
        """A move for each log, and whether it is that log's: otherwise it did not fit.

        Raises:
            ValueError: a log has other topics or another length, or no digits where it is read.
        """
        topics, data = _topics(logs), _data(logs, self.words)
        end = 1 + WORD * (self.layout.words - len(self.topics))
        words = [*(topics[:, at, 1:] for at in self.topics), data[:, 1:end]]
        cells = np.concatenate(words, axis=1)
        digits = taken(cells, self.layout)
        rows = np.frombuffer(unhexlify(digits.data), dtype=np.uint8).reshape(digits.shape)
        ids, bodies = _each(rows[:, :ID_BYTES]), _each(rows[:, self.body :])
        moves = zip(repeat(self.kind), ids, bodies, strict=False)
        return moves, fitting(cells, rows, self.layout, (_ZEROS, _ONES))


def _topics(logs: Sequence[RawLog]) -> Pairs:
    """The topics of each log.

    An x is no digit: none can be of another length when each 0x is where it must be, and what is
    read has only digits.
    """
    texts = [*map("".join, map(_TOPICS_OF, logs))]
    topics = _pairs(texts, _TOPICS * _TEXT, "topics").reshape(len(logs), _TOPICS, _TEXT)
    if (topics[:, :, 0] != _PREFIX).any():
        raise ValueError("a log of topics that are not whole")
    return topics


def _data(logs: Sequence[RawLog], words: int) -> Pairs:
    return _pairs([*map(_DATA_OF, logs)], 1 + WORD * words, "data")


def _pairs(texts: Sequence[str], count: int, name: str) -> Pairs:
    """A row of so many pairs for each text."""
    if {*map(len, texts)} != {2 * count}:
        raise ValueError(f"a log whose {name} are of another length than its event's")
    digits = "".join(texts).encode("ascii")
    return np.frombuffer(digits, dtype=np.uint16).reshape(len(texts), count)


def _each(rows: Bytes) -> list[bytes]:
    found = np.ascontiguousarray(rows)
    each: list[bytes] = found.view(f"V{found.shape[1]}").reshape(-1).tolist()
    return each


@cache
def _readers() -> Mapping[str, _Reader]:
    key = leading(0, ID_BYTES), number(1, SEQUENCE_BYTES)
    stake = number(2, AMOUNT_BYTES), number(3, AMOUNT_BYTES)
    market_too = leading(0, ID_BYTES), small(1, 2), number(2, SEQUENCE_BYTES)
    opened = record_layout(holder=1, market=2, sequence=3)
    return {
        topic("Exchange", "PositionOpened"): _Reader(
            kind=OPENED, topics=(1, 2, 3), words=7, layout=opened, body=0
        ),
        topic("Exchange", "PositionChanged"): _Reader(
            kind=CHANGED, topics=(1,), words=7, layout=layout_of(4, (*key, *stake))
        ),
        topic("Exchange", "PositionClosed"): _Reader(
            kind=REMOVED, topics=(1,), words=7, layout=layout_of(2, key)
        ),
        topic("Exchange", "PositionLiquidated"): _Reader(
            kind=REMOVED, topics=(1, 3), words=8, layout=layout_of(3, market_too)
        ),
    }


def reading(logs: Sequence[RawLog]) -> Generator[None, None, tuple[BlockMoves, ...]]:
    """Logs in chain order as blocks, in steps of some milliseconds.

    Blocks without events are left out. Raises ValueError as `moves` does.
    """
    blocks: list[BlockMoves] = []
    for first in range(0, len(logs), SLICE):
        some = logs[first : first + SLICE]
        for block in _blocks(some, moves(some)):
            if blocks and blocks[-1].hash == block.hash:
                blocks[-1] = replace(block, events=blocks[-1].events + block.events)
            else:
                blocks.append(block)
        yield
    return tuple(blocks)


def _blocks(
    logs: Sequence[RawLog], events: Sequence[BookEvent | Move | None]
) -> Iterator[BlockMoves]:
    for first, end in _runs([*map(_HASH_OF, logs)]):
        found = tuple([event for event in events[first:end] if event is not None])
        if found:
            number, block_hash = int(logs[first]["blockNumber"], 16), logs[first]["blockHash"]
            yield BlockMoves(number=BlockNumber(number), hash=BlockHash(block_hash), events=found)


def _runs(values: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where each value that stands several times one after the other begins and ends."""
    count = len(values)
    starts = [0, *compress(range(1, count), map(ne, values, values[1:]))] if count else []
    return zip(starts, [*starts[1:], count], strict=True)


def moves(logs: Sequence[RawLog]) -> list[BookEvent | Move | None]:
    """What `book_event` says of each log, as a move where it is of a position and fits into one.

    Raises:
        ValueError: the topics or data of a log do not fit the event they claim to be.
    """
    found: list[BookEvent | Move | None] = [None] * len(logs)
    for name, places in _by_topic(logs).items():
        for place, event in zip(places, _read(name, [logs[at] for at in places]), strict=True):
            found[place] = event
    return found


def _by_topic(logs: Sequence[RawLog]) -> Mapping[str, list[int]]:
    """At which places the logs of each name stand."""
    found: dict[str, list[int]] = {}
    for place, topics in enumerate(map(_TOPICS_OF, logs)):
        if topics:
            found.setdefault(topics[0], []).append(place)
    return found


def _read(name: str, logs: Sequence[RawLog]) -> list[BookEvent | Move | None]:
    reader = _readers().get(name)
    if reader is None or len(logs) < FEW:
        return [book_event(log) for log in logs]
    read, fits = reader.read(logs)
    found: list[BookEvent | Move | None] = [*read]
    for place in np.flatnonzero(~fits).tolist():
        found[place] = book_event(logs[place])
    return found

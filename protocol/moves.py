"""Many logs of positions at once, as moves: columns of words instead of a value a log.

Says the same as `protocol.events` does log by log, and takes a fraction of its time. A number that
does not fit into a record, rare enough to be somebody's trial, is left to it. Words that no move
has are not read. Pure.
"""

from binascii import unhexlify
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keepers.liquidation.moves import CHANGED, OPENED, REMOVED, BlockMoves, Move
from keepers.liquidation.packing import (
    AMOUNT_BYTES,
    BUCKET,
    ENTRY_INDEX,
    ENTRY_PRICE,
    HOLDER,
    ID_BYTES,
    MARGIN,
    RECORD_BYTES,
    SEQUENCE,
    SEQUENCE_BYTES,
    SIZE,
)
from keepers.liquidation.positions import BookEvent
from protocol.abi import topic
from protocol.events import RawLog, book_event
from protocol.words import WORD
from units import BlockHash, BlockNumber

Bytes = NDArray[np.uint8]
"""A row a log."""

FEW: Final = 16
"""So many logs of one kind are read one by one sooner than in columns."""

SLICE: Final = 1_000
"""So many logs at once are read in some milliseconds, and stay in a processor's cache meanwhile."""

_TOPICS: Final = 4
_TOPIC_DIGITS: Final = 2 + 2 * WORD
_ADDRESS: Final = 12  # where an address begins within its word
_NETUID: Final = 30  # and where the number of a subnet does
_SIGN: Final = 128
_PREFIX: Final = np.frombuffer(b"0x", dtype=np.uint8)


class _Logs:
    """Logs of one kind, of four topics and so many words of data. Words are read when asked for.

    An x is no digit, so that no topic can be of another length when each 0x is where it must be.
    Raises ValueError where something is not, or where a word that is asked for has no digits.
    """

    def __init__(self, logs: Sequence[RawLog], words: int) -> None:
        texts = [f"{''.join(log['topics'])}{log['data']}" for log in logs]
        width = _TOPICS * _TOPIC_DIGITS + 2 + 2 * WORD * words
        if {*map(len, texts)} != {width}:
            raise ValueError(f"a log that has not {_TOPICS} topics and {words} words of data")
        text = np.frombuffer("".join(texts).encode("ascii"), dtype=np.uint8)
        self._text = text.reshape(len(logs), width)
        for at in range(0, (_TOPICS + 1) * _TOPIC_DIGITS, _TOPIC_DIGITS):
            if (self._text[:, at : at + 2] != _PREFIX).any():
                raise ValueError("a log of topics that are not whole")

    @property
    def ids(self) -> Bytes:
        return self._topic(1)[:, :ID_BYTES]

    @property
    def holders(self) -> Bytes:
        return self._topic(2)[:, _ADDRESS:]

    @property
    def markets(self) -> Bytes:
        """Their netuids, with the low byte first as a record has them.

        Raises:
            ValueError: no subnet has such a number.
        """
        market = self._topic(3)
        if market[:, :_NETUID].any():
            raise ValueError("a log of a market whose number no subnet has")
        return market[:, : _NETUID - 1 : -1]

    def words(self, first: int, end: int) -> Bytes:
        """Words of the data: a row a log, in it a row a word."""
        start = _TOPICS * _TOPIC_DIGITS + 2 + first * 2 * WORD
        return self._digits(start, 2 * WORD * (end - first)).reshape(-1, end - first, WORD)

    def _topic(self, number: int) -> Bytes:
        return self._digits(number * _TOPIC_DIGITS + 2, 2 * WORD)

    def _digits(self, start: int, count: int) -> Bytes:
        digits = np.ascontiguousarray(self._text[:, start : start + count])
        found = np.frombuffer(unhexlify(digits.data), dtype=np.uint8)
        return found.reshape(len(self._text), count // 2)


def sliced(logs: Sequence[RawLog]) -> Iterator[list[BookEvent | Move | None]]:
    """`moves` of all logs, slice by slice. Raises ValueError as they do."""
    for first in range(0, len(logs), SLICE):
        yield moves(logs[first : first + SLICE])


def block_moves(
    logs: Sequence[RawLog], events: Sequence[BookEvent | Move | None]
) -> tuple[BlockMoves, ...]:
    """Events of logs in chain order as blocks; blocks without events are left out."""
    hashes = [log["blockHash"] for log in logs]
    return tuple(
        BlockMoves(
            number=BlockNumber(int(logs[places[0]]["blockNumber"], 16)),
            hash=BlockHash(block_hash),
            events=found,
        )
        for block_hash, places in _runs(hashes)
        if (found := tuple([e for e in events[places.start : places.stop] if e is not None]))
    )


def _runs(values: Sequence[str]) -> Iterator[tuple[str, range]]:
    """Each value with the places at which it stands, one after the other."""
    end = 0
    for value, each in groupby(values):
        first, end = end, end + sum(1 for _ in each)
        yield value, range(first, end)


def moves(logs: Sequence[RawLog]) -> list[BookEvent | Move | None]:
    """What `book_event` says of each log, as a move where it is of a position and fits into one.

    Raises:
        ValueError: the topics or data of a log do not fit the event they claim to be.
    """
    found: list[BookEvent | Move | None] = [None] * len(logs)
    for name, places in _by_topic(logs).items():
        each = [logs[place] for place in places]
        reader = _readers().get(name)
        if reader is None or len(each) < FEW:
            read: Sequence[BookEvent | Move | None] = [book_event(log) for log in each]
        else:
            read = _or_values(reader(each), each)
        for place, event in zip(places, read, strict=True):
            found[place] = event
    return found


def _by_topic(logs: Sequence[RawLog]) -> dict[str, list[int]]:
    """At which places the logs of each name stand."""
    names = [log["topics"][0] if log["topics"] else "" for log in logs]
    return {
        name: [place for place, each in enumerate(names) if each == name]
        for name in set(names)
        if name
    }


_Read = tuple[list[Move], NDArray[np.bool_]]
"""A move for each log, and whether it is that log's: otherwise it did not fit."""


@cache
def _readers() -> Mapping[str, Callable[[Sequence[RawLog]], _Read]]:
    return {
        topic("Exchange", "PositionOpened"): _opened,
        topic("Exchange", "PositionChanged"): _changed,
        topic("Exchange", "PositionClosed"): lambda logs: _removed(_Logs(logs, 7)),
        topic("Exchange", "PositionLiquidated"): _liquidated,
    }


def _or_values(read: _Read, logs: Sequence[RawLog]) -> list[BookEvent | Move | None]:
    found: list[BookEvent | Move | None] = [*read[0]]
    for place in np.flatnonzero(~read[1]).tolist():
        found[place] = book_event(logs[place])
    return found


def _opened(logs: Sequence[RawLog]) -> _Read:
    read = _Logs(logs, 7)
    words = read.words(0, 6)
    records = np.empty((len(logs), RECORD_BYTES), dtype=np.uint8)
    records[:, :ID_BYTES] = read.ids
    records[:, BUCKET.start : BUCKET.stop - 1] = read.markets
    records[:, BUCKET.stop - 1] = words[:, 1].any(axis=1)
    records[:, HOLDER] = read.holders
    fits = _put(records, SEQUENCE, words[:, 0])
    for place, word in ((MARGIN, 2), (SIZE, 3), (ENTRY_PRICE, 4), (ENTRY_INDEX, 5)):
        fits &= _put(records, place, words[:, word], is_signed=place is ENTRY_INDEX)
    return _moves(OPENED, records[:, :ID_BYTES], records), fits


def _changed(logs: Sequence[RawLog]) -> _Read:
    read = _Logs(logs, 7)
    words = read.words(0, 3)
    bodies = np.empty((len(logs), SEQUENCE_BYTES + 2 * AMOUNT_BYTES), dtype=np.uint8)
    fits = _put(bodies, slice(0, SEQUENCE_BYTES), words[:, 0])
    for word, start in ((1, SEQUENCE_BYTES), (2, SEQUENCE_BYTES + AMOUNT_BYTES)):
        fits &= _put(bodies, slice(start, start + AMOUNT_BYTES), words[:, word])
    return _moves(CHANGED, read.ids, bodies), fits


def _liquidated(logs: Sequence[RawLog]) -> _Read:
    read = _Logs(logs, 8)
    _ = read.markets  # refused where they are none
    return _removed(read)


def _removed(read: _Logs) -> _Read:
    ids = read.ids
    bodies = np.empty((len(ids), SEQUENCE_BYTES), dtype=np.uint8)
    fits = _put(bodies, slice(0, SEQUENCE_BYTES), read.words(0, 1)[:, 0])
    return _moves(REMOVED, ids, bodies), fits


def _put(rows: Bytes, place: slice, word: Bytes, *, is_signed: bool = False) -> NDArray[np.bool_]:
    """Puts the low bytes of a word, the lowest first; in which rows they are all of it."""
    size = place.stop - place.start
    rows[:, place] = word[:, : -size - 1 : -1]
    high = word[:, : WORD - size]
    if not is_signed:
        return np.logical_not(high.any(axis=1))
    sign = np.where(word[:, WORD - size] >= _SIGN, 255, 0)
    return np.asarray((high == sign[:, None]).all(axis=1))


def _moves(kind: int, ids: Bytes, bodies: Bytes) -> list[Move]:
    return [*zip([kind] * len(bodies), _rows(ids), _rows(bodies), strict=True)]


def _rows(found: Bytes) -> list[bytes]:
    rows = np.ascontiguousarray(found)
    each: list[bytes] = rows.view(f"V{rows.shape[1]}").reshape(-1).tolist()
    return each

"""Logs of the exchange and the price feed as the keepers' events, read word by word.

Pure. Knows topics and layouts; a log it has no use for is None, a log that does not fit its
layout is an error, never a guess.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from itertools import groupby
from typing import Any

from keepers.liquidation.outcomes import LiquidationCallFailed, LiquidationSkipped, SkipReason
from keepers.liquidation.positions import (
    BlockEvents,
    BookEvent,
    FundingAccrued,
    MarketResumed,
    MarketSuspended,
    ParametersChanged,
    Position,
    PositionChanged,
    PositionClosed,
    PositionKey,
    PositionLiquidated,
    PositionOpened,
    PricePushed,
    address_of,
)
from protocol.abi import describe_revert, topic
from protocol.markets import netuid_of
from protocol.words import WORD, read_int, read_uint, read_uints
from units import (
    Address,
    BlockHash,
    BlockNumber,
    FundingIndex,
    Netuid,
    PositionId,
    PriceWei,
    Sequence,
    Timestamp,
    Wei,
)

RawLog = Mapping[str, Any]
"""A log as JSON-RPC gives it."""

SKIP_REASONS = {
    1: SkipReason.HEALTHY,
    2: SkipReason.CLOSED,
    3: SkipReason.STALE,
    4: SkipReason.SUSPENDED,
    5: SkipReason.GAS,
}
"""Exchange.Outcome, without Liquidated (0)."""

_WHOLE = [[2 + 2 * WORD] * topics for topics in range(5)]
"""Digits of so many whole topics."""


def book_event(log: RawLog) -> BookEvent | None:
    """The event the book folds, or None for one it has no use for.

    Raises:
        ValueError: the log's topics or data do not fit the event they claim to be.
    """
    reader = _book_readers().get(_first_topic(log))
    return None if reader is None else reader(log)


def liquidation_event(
    log: RawLog,
) -> PositionLiquidated | LiquidationSkipped | LiquidationCallFailed | None:
    """What a log says of one position of a liquidation, None when nothing.

    Raises:
        ValueError: as `book_event`.
    """
    first = _first_topic(log)
    if first == topic("Exchange", "PositionLiquidated"):
        return _liquidated(log)
    if first == topic("Exchange", "LiquidationSkipped"):
        return _skipped(log)
    if first == topic("KeeperRouter", "LiquidationCallFailed"):
        return LiquidationCallFailed(detail=describe_revert(_bytes_argument(log)))
    return None


def block_events(logs: Iterable[RawLog]) -> tuple[BlockEvents, ...]:
    """Logs in chain order as blocks of events; blocks without events are left out."""
    blocks = groupby(logs, key=lambda log: (int(log["blockNumber"], 16), log["blockHash"]))
    return tuple(
        BlockEvents(number=BlockNumber(number), hash=BlockHash(block_hash), events=events)
        for (number, block_hash), each in blocks
        if (events := tuple(e for e in map(book_event, each) if e is not None))
    )


@cache
def _book_readers() -> dict[str, Callable[[RawLog], BookEvent]]:
    return {
        topic("Exchange", "PositionOpened"): _opened,
        topic("Exchange", "PositionChanged"): _changed,
        topic("Exchange", "PositionClosed"): _closed,
        topic("Exchange", "PositionLiquidated"): _liquidated,
        topic("Exchange", "FundingAccrued"): _accrued,
        topic("Exchange", "ParametersChanged"): _parameters_changed,
        topic("PriceFeed", "PricePushed"): _pushed,
        topic("PriceFeed", "MarketSuspended"): _suspended,
        topic("PriceFeed", "MarketResumed"): _resumed,
    }


def _first_topic(log: RawLog) -> str:
    topics = log["topics"]
    return str(topics[0]) if topics else "anonymous"


def _data(log: RawLog, *, topics: int, words: int) -> bytes:
    """The data of a log that has so many topics, its name's among them, and words of data."""
    found = log["topics"]
    if len(found) != topics or [*map(len, found)] != _WHOLE[topics]:
        raise ValueError(f"a log of {len(found)} topics where {topics} whole ones were expected")
    data = bytes.fromhex(log["data"][2:])
    if len(data) != words * WORD:
        raise ValueError(f"a log of {len(data)} bytes where {words} words were expected")
    return data


def _bytes_argument(log: RawLog) -> bytes:
    """The only argument, of type bytes: offset, length, and the bytes filled up to whole words."""
    data = bytes.fromhex(log["data"][2:])
    length = read_uint(data, 1)
    words = 2 - (-length // WORD)
    if read_uint(_data(log, topics=1, words=words), 0) != WORD:
        raise ValueError("a log whose bytes stand somewhere else")
    return data[2 * WORD : 2 * WORD + length]


def _position_id(log: RawLog) -> PositionId:
    return PositionId(bytes.fromhex(log["topics"][1][2:34]))


def _holder(log: RawLog) -> bytes:
    return bytes.fromhex(log["topics"][2][-40:])


def _trader(log: RawLog) -> Address:
    return address_of(_holder(log))


def _market(log: RawLog, topic_index: int) -> Netuid:
    return netuid_of(int(log["topics"][topic_index], 16))


def _key(log: RawLog, sequence: Sequence) -> PositionKey:
    return PositionKey(id=_position_id(log), sequence=sequence)


def _opened(log: RawLog) -> PositionOpened:
    data = _data(log, topics=4, words=7)
    sequence, is_long, margin, size, entry_price = read_uints(data, 5)
    return PositionOpened(
        position=Position(
            key=_key(log, sequence),
            holder=_holder(log),
            netuid=_market(log, 3),
            is_long=is_long != 0,
            margin=margin,
            size=size,
            entry_price=entry_price,
            entry_index=FundingIndex(read_int(data, 5)),
        )
    )


def _changed(log: RawLog) -> PositionChanged:
    sequence, margin, size = read_uints(_data(log, topics=4, words=7), 3)
    return PositionChanged(key=_key(log, sequence), margin=margin, size=size)


def _closed(log: RawLog) -> PositionClosed:
    (sequence,) = read_uints(_data(log, topics=4, words=7), 1)
    return PositionClosed(key=_key(log, sequence))


def _liquidated(log: RawLog) -> PositionLiquidated:
    data = _data(log, topics=4, words=8)
    return PositionLiquidated(
        key=_key(log, Sequence(read_uint(data, 0))),
        trader=_trader(log),
        netuid=_market(log, 3),
        price=PriceWei(read_uint(data, 1)),
        index=FundingIndex(read_int(data, 2)),
        remaining=read_int(data, 3),
        penalty=Wei(read_uint(data, 4)),
        keeper_share=Wei(read_uint(data, 5)),
        bad_debt=Wei(read_uint(data, 6)),
    )


def _skipped(log: RawLog) -> LiquidationSkipped:
    outcome = read_uint(_data(log, topics=2, words=1), 0)
    if outcome not in SKIP_REASONS:
        raise ValueError(f"a position was skipped with outcome {outcome}, which is no reason")
    return LiquidationSkipped(id=_position_id(log), reason=SKIP_REASONS[outcome])


def _accrued(log: RawLog) -> FundingAccrued:
    data = _data(log, topics=2, words=3)
    return FundingAccrued(
        netuid=_market(log, 1),
        index=FundingIndex(read_int(data, 0)),
        until=Timestamp(read_uint(data, 2)),
    )


def _parameters_changed(log: RawLog) -> ParametersChanged:
    _data(log, topics=2, words=0)
    return ParametersChanged(netuid=_market(log, 1))


def _pushed(log: RawLog) -> PricePushed:
    data = _data(log, topics=2, words=3)
    return PricePushed(
        netuid=_market(log, 1),
        price=PriceWei(read_uint(data, 0)),
        source_block=BlockNumber(read_uint(data, 1)),
        source_time=Timestamp(read_uint(data, 2)),
    )


def _suspended(log: RawLog) -> MarketSuspended:
    data = _data(log, topics=2, words=1)
    return MarketSuspended(
        netuid=_market(log, 1),
        at=BlockNumber(int(log["blockNumber"], 16)),
        suspension=read_uint(data, 0),
    )


def _resumed(log: RawLog) -> MarketResumed:
    _data(log, topics=2, words=0)
    return MarketResumed(netuid=_market(log, 1))

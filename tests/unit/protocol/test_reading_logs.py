"""Logs read as blocks of events, and what the reader learns from them of when a push landed.

An empty answer is the dangerous one: it must never mean "no events" when it means "not my chain".
"""

from dataclasses import replace

import pytest

from fleet.chain.failures import ChainError, LogsTooOld, NodeUnavailable, TooManyLogs
from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.positions import (
    BlockEvents,
    MarketResumed,
    ParametersChanged,
    PricePushed,
)
from oracle.ports import FeedState
from protocol.reading import ExchangeReader
from tests.unit.protocol.chain import DEPLOYMENT, FakeChain, market_of, pushed, with_row
from units import BlockNumber, Head, Netuid

RESUMED = ("PriceFeed", "MarketResumed", {"netuid": 8})
OF_NO_CONCERN = ("Exchange", "OpeningPaused", dict[str, object]())
PARAMETERS = ("Exchange", "ParametersChanged", {"market": market_of(64)})


def reader_of(chain: FakeChain) -> ExchangeReader:
    return ExchangeReader(chain=chain, deployment=DEPLOYMENT, markets=[Netuid(8), Netuid(64)])


async def events(reader: ExchangeReader, first: int, last: Head) -> tuple[BlockEvents, ...]:
    found = await reader.events(BlockNumber(first), last)
    assert not isinstance(found, Unreadable)
    return found


async def test_events__of_several_blocks__are_those_with_events_in_order() -> None:
    chain = FakeChain()
    first = chain.seal(pushed(8, 99), RESUMED)
    chain.seal(OF_NO_CONCERN)
    last = chain.seal(PARAMETERS)
    blocks = await events(reader_of(chain), 101, last)
    assert [(block.number, block.hash) for block in blocks] == [(101, first.hash), (103, last.hash)]
    kinds = [[type(event) for event in block.events] for block in blocks]
    assert kinds == [[PricePushed, MarketResumed], [ParametersChanged]]


async def test_events__only_part_of_the_range__leaves_the_others_out() -> None:
    chain = FakeChain()
    chain.seal(RESUMED)
    middle = chain.seal(RESUMED)
    chain.seal(RESUMED)
    assert [block.number for block in await events(reader_of(chain), 102, middle)] == [102]


async def test_events__of_another_contract__are_not_asked_for() -> None:
    chain = FakeChain()
    last = chain.seal(("KeeperRouter", "LiquidationCallFailed", {"reason": b""}), RESUMED)
    (block,) = await events(reader_of(chain), 101, last)
    assert len(block.events) == 1


async def test_events__none_and_the_block_stands__are_none() -> None:
    chain = FakeChain()
    last = chain.seal()
    assert await events(reader_of(chain), 101, last) == ()


async def test_events__logs_of_the_last_block_itself__need_no_second_request() -> None:
    chain = FakeChain()
    last = chain.seal(OF_NO_CONCERN)
    await events(reader_of(chain), 101, last)
    assert chain.requests == ["logs"]


@pytest.mark.parametrize("before", [(), (RESUMED,)], ids=["empty", "older logs"])
@pytest.mark.parametrize(
    "instead", [(), (OF_NO_CONCERN,), (RESUMED,)], ids=["nothing", "no concern", "other events"]
)
async def test_events__last_block_was_replaced__are_unreadable(
    before: tuple[tuple[str, str, dict[str, object]], ...],
    instead: tuple[tuple[str, str, dict[str, object]], ...],
) -> None:
    chain = FakeChain()
    chain.seal(*before)
    gone = chain.seal(RESUMED)
    chain.replace_newest(*instead)
    found = await reader_of(chain).events(BlockNumber(101), gone)
    assert isinstance(found, Unreadable)
    assert "block 102" in found.reason.removeprefix("logs of blocks 101 to 102: ")


async def test_events__last_block_is_unknown_to_the_node__are_unreadable() -> None:
    chain = FakeChain()
    ahead = chain.seal(RESUMED)
    chain.blocks.pop()
    assert isinstance(await reader_of(chain).events(BlockNumber(101), ahead), Unreadable)


@pytest.mark.parametrize("before", [(), (RESUMED,)], ids=["empty", "older logs"])
@pytest.mark.parametrize("of", [RESUMED, OF_NO_CONCERN], ids=["the feed", "the exchange"])
async def test_events__last_block_has_logs_that_do_not_come__are_unreadable(
    before: tuple[tuple[str, str, dict[str, object]], ...],
    of: tuple[str, str, dict[str, object]],
) -> None:
    chain = FakeChain()
    chain.seal(*before)
    last = chain.seal(of)
    chain.unindexed.add(last.number)
    found = await reader_of(chain).events(BlockNumber(101), last)
    assert isinstance(found, Unreadable)
    assert "has logs by its header" in found.reason


async def test_events__last_block_has_logs_of_others_only__are_none() -> None:
    chain = FakeChain()
    last = chain.seal(("KeeperRouter", "LiquidationCallFailed", {"reason": b""}))
    assert await events(reader_of(chain), 101, last) == ()


async def test_events__node_answers_for_another_fork_and_then_for_this_one__are_unreadable() -> (
    None
):
    chain = FakeChain()
    chain.seal()
    ours = chain.blocks[-1]
    chain.replace_newest(RESUMED)
    chain.before_request(1, lambda: chain.blocks.__setitem__(-1, ours))
    found = await reader_of(chain).events(BlockNumber(101), ours.head)
    assert isinstance(found, Unreadable)


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize(
    "failure",
    [NodeUnavailable("nobody answered"), LogsTooOld("too old"), TooManyLogs("too many")],
    ids=lambda failure: type(failure).__name__,
)
async def test_events__a_request_fails__are_unreadable(index: int, failure: ChainError) -> None:
    chain = FakeChain()
    last = chain.seal()
    chain.fail_request(index, failure)
    found = await reader_of(chain).events(BlockNumber(101), last)
    assert found == Unreadable(reason=f"logs of blocks 101 to 101: {failure}")


@pytest.mark.parametrize(
    "change",
    [{"data": "0x"}, {"data": "0xzz"}, {"topics": ()}, {"blockNumber": "0xzz"}],
    ids=["no data", "no hex", "anonymous", "no height"],
)
async def test_events__a_log_that_cannot_be_read__is_unreadable_or_passed_over(
    change: dict[str, object],
) -> None:
    chain = FakeChain()
    last = chain.seal(pushed(8, 99))
    (log,) = chain.blocks[-1].logs
    chain.blocks[-1] = replace(chain.blocks[-1], logs=({**log, **change},))
    found = await reader_of(chain).events(BlockNumber(101), last)
    assert found == () if "topics" in change else isinstance(found, Unreadable)


# When a push landed


async def landed(reader: ExchangeReader, netuid: int) -> int | None:
    state = await reader.rows([Netuid(netuid)])
    assert isinstance(state, FeedState)
    return state.rows[Netuid(netuid)].landed_time


def push(chain: FakeChain, netuid: int, source_block: int) -> Head:
    ledger = with_row(chain.blocks[-1].ledger, netuid, source_block)
    return chain.seal(pushed(netuid, source_block), ledger=ledger)


async def test_rows__push_was_seen_in_the_head_block__landed_at_its_time() -> None:
    chain = FakeChain()
    reader = reader_of(chain)
    head = push(chain, 8, 99)
    assert await landed(reader, 8) is None
    await events(reader, 101, head)
    assert await landed(reader, 8) == head.time
    assert await landed(reader, 64) is None


async def test_rows__push_was_seen_below_the_head__landing_is_unknown() -> None:
    chain = FakeChain()
    reader = reader_of(chain)
    push(chain, 8, 99)
    head = push(chain, 64, 100)
    await events(reader, 101, head)
    assert await landed(reader, 8) is None
    assert await landed(reader, 64) == head.time


async def test_rows__a_later_push_was_not_seen__landing_is_unknown_again() -> None:
    chain = FakeChain()
    reader = reader_of(chain)
    await events(reader, 101, push(chain, 8, 99))
    push(chain, 8, 101)
    assert await landed(reader, 8) is None


async def test_rows__two_pushes_in_the_head_block__the_last_one_counts() -> None:
    chain = FakeChain()
    reader = reader_of(chain)
    ledger = with_row(chain.blocks[-1].ledger, 8, 100)
    head = chain.seal(pushed(8, 99), pushed(8, 100), ledger=ledger)
    await events(reader, 101, head)
    assert await landed(reader, 8) == head.time


async def test_rows__landing_lasts__while_blocks_without_a_push_follow() -> None:
    chain = FakeChain()
    reader = reader_of(chain)
    landing = push(chain, 8, 99)
    await events(reader, 101, landing)
    await events(reader, 102, chain.seal(RESUMED))
    assert await landed(reader, 8) == landing.time


async def test_rows__push_moved_to_a_later_block_by_a_fork__landed_there() -> None:
    chain = FakeChain()
    reader = reader_of(chain)
    await events(reader, 101, push(chain, 8, 99))
    chain.replace_newest(ledger=chain.blocks[0].ledger)
    later = push(chain, 8, 99)
    await events(reader, 101, chain.blocks[-2].head)
    await events(reader, 102, later)
    assert await landed(reader, 8) == later.time

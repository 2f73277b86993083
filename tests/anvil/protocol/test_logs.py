"""Logs of the real contracts, decoded by us and by web3: the same events, none passed over."""

from dataclasses import replace
from typing import Any

import pytest

from fleet.chain.node import Node
from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.moves import BlockMoves, as_moves, moved
from keepers.liquidation.outcomes import LiquidationCallFailed
from keepers.liquidation.positions import BookEvent, MarketSuspended
from protocol.events import book_event, liquidation_event
from protocol.reading import ExchangeReader
from tests.anvil.protocol.session import session
from tests.anvil.protocol.witness import Witness
from tests.contracts.world import World
from tests.unit.protocol.expected_events import BOOK, RECEIPTS
from units import Address, BlockNumber

pytestmark = pytest.mark.anvil

ROUTER_REFUSED = "AccessControlUnauthorizedAccount(account="


def expected_book_event(seen: dict[str, Any]) -> BookEvent | None:
    """The keepers' event of what web3 decoded."""
    if seen["event"] not in BOOK:
        return None
    _, made = BOOK[seen["event"]]
    event = made(seen["args"])
    if isinstance(event, MarketSuspended):
        return replace(event, at=BlockNumber(seen["blockNumber"]))
    return event


async def played(world: World, chain: Node) -> tuple[BlockNumber, BlockNumber]:
    """The first and the last block of a session."""
    before = (await chain.head()).number
    for _ in session(world):
        pass
    return BlockNumber(before + 1), (await chain.head()).number


async def test_book_event__every_log_of_a_session__is_web3_s(
    world: World, chain: Node, witness: Witness
) -> None:
    first, last = await played(world, chain)
    ours = [book_event(log) for log in await chain.logs(first, last, contracts_of(world))]
    seen = witness.logs(first, last)
    assert ours == [expected_book_event(log) for log in seen]
    assert {log["event"] for log in seen} >= {*BOOK, *RECEIPTS}


async def test_liquidation_event__every_log_of_a_session__is_web3_s(
    world: World, chain: Node, witness: Witness
) -> None:
    first, last = await played(world, chain)
    ours = [liquidation_event(log) for log in await chain.logs(first, last, contracts_of(world))]
    seen = witness.logs(first, last)
    for event, log in zip(ours, seen, strict=True):
        if log["event"] == "LiquidationCallFailed":
            assert isinstance(event, LiquidationCallFailed)
            router = world.addresses["router"].lower()
            assert event.detail.lower().startswith(f"{ROUTER_REFUSED}{router}".lower())
        elif log["event"] in RECEIPTS:
            assert event == RECEIPTS[log["event"]][1](log["args"])
        else:
            assert event is None


async def test_events__of_a_whole_session__are_web3_s_by_block(
    world: World, chain: Node, reader: ExchangeReader, witness: Witness
) -> None:
    first, _ = await played(world, chain)
    head = await chain.head()
    blocks = await reader.events(first, head)
    assert not isinstance(blocks, Unreadable)
    expected: dict[int, list[BookEvent]] = {}
    for log in witness.logs(first, head.number):
        if (event := expected_book_event(log)) is not None:
            expected.setdefault(log["blockNumber"], []).append(event)
    assert {block.number: list(block.events) for block in blocks} == expected
    for block in blocks:
        assert await reader.block_hash(block.number) == block.hash
    moves = await reader.moves(first, head)
    assert not isinstance(moves, Unreadable)
    assert [as_known(block) for block in moves] == list(as_moves(blocks))


async def test_events__block_by_block__are_those_of_the_whole_range(
    world: World, chain: Node, reader: ExchangeReader
) -> None:
    before = await chain.head()
    singly: list[object] = []
    at = before.number
    for _ in session(world):
        head = await chain.head()
        for number in range(at + 1, head.number + 1):
            block = await chain.block(BlockNumber(number))
            assert block is not None
            found = await reader.events(block.number, block)
            assert not isinstance(found, Unreadable)
            singly += found
        at = head.number
    assert await reader.events(BlockNumber(before.number + 1), head) == tuple(singly)


def as_known(block: BlockMoves) -> BlockMoves:
    """What was few of its kind came as values."""
    events = tuple(each if isinstance(each, tuple) else moved(each) for each in block.events)
    return BlockMoves(number=block.number, hash=block.hash, events=events)


def contracts_of(world: World) -> list[Address]:
    return [Address(world.addresses[name]) for name in ("feed", "exchange", "router")]

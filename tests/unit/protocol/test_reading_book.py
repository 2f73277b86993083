"""Snapshots of the book: pages of positions, forks and failures while the views are read."""

from dataclasses import replace

import pytest

from fleet.chain.failures import CallReverted, ChainError, LogsTooOld, NodeUnavailable
from keepers.liquidation.exchange_log import ExchangeLog, Unreadable
from keepers.liquidation.positions import BookOutline, BookSnapshot
from protocol.deployment import Deployment
from protocol.reading import PAGE_IDS, ExchangeReader
from tests.unit.protocol.chain import (
    DEPLOYMENT,
    PRICE_FEED,
    ROUTER,
    FakeChain,
    Ledger,
    position,
)
from units import BlockNumber, Netuid, PositionId

FAILURES = [
    NodeUnavailable("nobody answered"),
    CallReverted(b""),
    LogsTooOld("beyond the horizon"),
]


def reader_of(chain: FakeChain, deployment: Deployment = DEPLOYMENT) -> ExchangeReader:
    return ExchangeReader(chain=chain, deployment=deployment, markets=[Netuid(8), Netuid(64)])


def crowded(count: int) -> Ledger:
    return Ledger(positions=tuple(position(n + 1) for n in range(count)))


def test_reader__as_the_keepers_port__fits() -> None:
    port: ExchangeLog = reader_of(FakeChain())
    assert port is not None


# Snapshots


@pytest.mark.parametrize("count", [0, 1, PAGE_IDS - 1, PAGE_IDS, PAGE_IDS + 1, 2 * PAGE_IDS + 7])
async def test_snapshot__any_number_of_positions__has_each_of_them(count: int) -> None:
    chain = FakeChain(crowded(count))
    snapshot = await reader_of(chain).snapshot(chain.newest)
    assert isinstance(snapshot, BookSnapshot)
    assert snapshot.head == chain.newest
    assert [p.key.id for p in snapshot.positions] == [
        p["id"] for p in chain.blocks[-1].ledger.positions
    ]
    assert [market.netuid for market in snapshot.markets] == [8, 64]


async def test_snapshot__more_than_a_page__asks_no_call_for_more_than_a_page() -> None:
    chain = FakeChain(crowded(2 * PAGE_IDS + 7))
    await reader_of(chain).snapshot(chain.newest)
    assert chain.requests.count("positionIds") == 3
    assert chain.requests.count("positionsById") == 3
    assert max(chain.sizes) <= 32 * (2 + 9 * PAGE_IDS)


async def test_snapshot__of_an_older_block__is_of_that_block() -> None:
    chain = FakeChain(crowded(2))
    older = chain.newest
    chain.seal(ledger=crowded(5))
    snapshot = await reader_of(chain).snapshot(older)
    assert isinstance(snapshot, BookSnapshot)
    assert len(snapshot.positions) == 2


async def test_snapshot__markets_are_the_exchange_s__not_the_fleet_s() -> None:
    chain = FakeChain(Ledger(listed=(3, 8, 120)))
    snapshot = await reader_of(chain).snapshot(chain.newest)
    assert isinstance(snapshot, BookSnapshot)
    assert [market.netuid for market in snapshot.markets] == [3, 8, 120]


REQUESTS = 7
"""What the snapshot of two pages asks: markets listed, markets, two of ids, two of positions,
and whether the block still stands."""


async def test_snapshot__of_two_pages__asks_that_often() -> None:
    chain = FakeChain(crowded(PAGE_IDS + 1))
    await reader_of(chain).snapshot(chain.newest)
    assert len(chain.requests) == REQUESTS
    assert chain.requests[-1] == "block"


@pytest.mark.parametrize("index", range(REQUESTS))
@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
async def test_snapshot__any_request_fails__is_unreadable(index: int, failure: ChainError) -> None:
    chain = FakeChain(crowded(PAGE_IDS + 1))
    chain.fail_request(index, failure)
    snapshot = await reader_of(chain).snapshot(chain.newest)
    assert snapshot == Unreadable(reason=f"views at block 100: {failure}")


@pytest.mark.parametrize("index", range(REQUESTS))
@pytest.mark.parametrize("count", [0, 3, PAGE_IDS + 1, PAGE_IDS + 500])
async def test_snapshot__block_is_replaced_while_it_is_read__is_unreadable(
    index: int, count: int
) -> None:
    chain = FakeChain(crowded(PAGE_IDS + 1))
    at = chain.newest
    chain.before_request(index, lambda: _replaced(chain, count))
    assert isinstance(await reader_of(chain).snapshot(at), Unreadable)


def _replaced(chain: FakeChain, count: int) -> None:
    chain.replace_newest(ledger=crowded(count))


async def test_snapshot__node_forgets_the_chain__is_unreadable() -> None:
    chain = FakeChain(crowded(1))
    at = chain.newest
    chain.before_request(4, chain.blocks.clear)
    assert isinstance(await reader_of(chain).snapshot(at), Unreadable)


async def test_snapshot__block_is_not_there_yet__is_unreadable() -> None:
    chain = FakeChain()
    at = chain.seal()
    chain.blocks.pop()
    assert isinstance(await reader_of(chain).snapshot(at), Unreadable)


async def test_snapshot__nothing_at_the_address__is_unreadable_not_empty() -> None:
    chain = FakeChain(crowded(1))
    wrong = Deployment(exchange=ROUTER, price_feed=PRICE_FEED, keeper_router=None)
    assert isinstance(await reader_of(chain, wrong).snapshot(chain.newest), Unreadable)


async def test_snapshot__an_id_without_a_position__is_unreadable() -> None:
    chain = FakeChain(Ledger(positions=(position(1), position(2), position(3) | {"size": 0})))
    found = await reader_of(chain).snapshot(chain.newest)
    assert isinstance(found, Unreadable)
    assert "2 positions were read where 3 are open" in found.reason


# Some positions by their ids


async def test_held__of_an_older_block__are_those_that_were_open_then() -> None:
    chain = FakeChain(crowded(3))
    older = chain.newest
    chain.seal(ledger=crowded(1))
    reader = reader_of(chain)
    ids = [PositionId(number.to_bytes(16, "big")) for number in (3, 1, 9)]
    then, now = await reader.held(ids, older), await reader.held(ids, chain.newest)
    assert not isinstance(then, Unreadable)
    assert not isinstance(now, Unreadable)
    assert [[each.key.id for each in found] for found in (then, now)] == [ids[:2], [ids[1]]]


async def test_held__block_was_replaced_meanwhile__is_unreadable() -> None:
    chain = FakeChain(crowded(3))
    at = chain.seal()

    def replace_it() -> None:
        chain.replace_newest()

    chain.before_request(1, replace_it)
    assert isinstance(await reader_of(chain).held([PositionId(bytes(16))], at), Unreadable)


# Counts, heads and hashes


async def test_outline__of_a_block__is_the_chain_s() -> None:
    chain = FakeChain(crowded(7))
    at = chain.newest
    reader = reader_of(chain)
    chain.seal(ledger=replace(crowded(9), listed=(8,)))
    found, whole = await reader.outline(at), await reader.snapshot(at)
    assert isinstance(found, BookOutline)
    assert not isinstance(whole, Unreadable)
    assert (found.positions, found.markets) == (7, whole.markets)
    assert len(found.markets) == 2
    assert chain.sizes[2] == 3 * 32  # not one id


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
async def test_small_reads__node_fails__are_unreadable(failure: ChainError) -> None:
    chain = FakeChain()
    for index in range(3):
        chain.fail_request(index, failure)
    reader = reader_of(chain)
    assert await reader.head() == Unreadable(reason=f"head: {failure}")
    assert await reader.block_hash(BlockNumber(99)) == Unreadable(reason=f"block 99: {failure}")
    assert isinstance(await reader.outline(chain.newest), Unreadable)


async def test_small_reads__node_answers__are_what_it_says() -> None:
    chain = FakeChain()
    reader = reader_of(chain)
    assert await reader.head() == chain.newest
    assert await reader.block_hash(BlockNumber(99)) == chain.blocks[1].head.hash
    assert await reader.block_hash(BlockNumber(101)) is None

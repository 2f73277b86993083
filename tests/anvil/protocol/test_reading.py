"""What the reader says of the real contracts is what web3's own objects say, at every block."""

from dataclasses import replace
from typing import Any

import pytest

from fleet.chain.failures import ChainError
from fleet.chain.node import Node
from keepers.funding.calendar import FundingRow, FundingSnapshot
from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.positions import BookSnapshot
from oracle.ports import FeedState
from protocol.deployment import Deployment
from protocol.reading import PAGE_IDS, ExchangeReader
from tests.anvil.keepers.crowd import crowd, open_all
from tests.anvil.protocol.session import FLEET, session
from tests.anvil.protocol.witness import Witness, named
from tests.contracts.deployment import FIRST_PRICE, NETUIDS
from tests.contracts.world import ALICE, BOB, STRANGER, World, market
from tests.unit.protocol.expected_views import expected_market, expected_position, expected_row
from units import Address, BlockNumber, Head, Netuid

pytestmark = pytest.mark.anvil


async def test_snapshot__after_everything_that_can_happen__is_what_web3_reads(
    world: World, chain: Node, reader: ExchangeReader, witness: Witness
) -> None:
    most, markets = 0, set()
    for happened in session(world):
        head = await chain.head()
        found = await reader.snapshot(head)
        assert isinstance(found, BookSnapshot), happened
        require_equal(found, witness, head)
        most = max(most, len(found.positions))
        markets.add(len(found.markets))
    assert most == 4
    assert markets == {12, 13}


def require_equal(found: BookSnapshot, witness: Witness, head: Head) -> None:
    listed = [int(at, 16) for at in witness.ask("exchange", "listedMarkets", at=head)]
    seen = [named(each) for each in witness.markets(listed, head)]
    assert found.head == head
    assert list(found.markets) == [expected_market(each) for each in seen]
    held = [named(each) for each in witness.positions(head)]
    assert list(found.positions) == [expected_position(each) for each in held]


async def test_snapshot__of_a_block_that_passed__is_still_of_that_block(
    world: World, chain: Node, reader: ExchangeReader, witness: Witness
) -> None:
    world.open(ALICE, 8)
    passed = await chain.head()
    world.open(BOB, 8)
    world.price(8, FIRST_PRICE * 2)
    found = await reader.snapshot(passed)
    assert isinstance(found, BookSnapshot)
    assert len(found.positions) == 1
    require_equal(found, witness, passed)


async def test_rows__after_everything_that_can_happen__are_what_web3_reads(
    world: World, chain: Node, reader: ExchangeReader, witness: Witness
) -> None:
    netuids = [Netuid(n) for n in (8, 64, 51, 3, 777)]
    reasons: set[int] = set()
    for happened in session(world):
        state = await reader.rows(netuids)
        assert isinstance(state, FeedState), happened
        assert state.head == await chain.head()
        seen = [named(row) for row in witness.ask("feed", "rows", netuids, at=state.head)]
        assert list(state.rows.values()) == [expected_row(row) for row in seen]
        reasons |= {int(row.suspension) for row in state.rows.values()}
    assert reasons == {0, 1, 4}


async def test_funding_rows__after_everything_that_can_happen__are_what_web3_reads(
    world: World, reader: ExchangeReader, witness: Witness
) -> None:
    listed: list[list[bool]] = []
    for happened in session(world):
        snapshot = await reader.read()
        assert isinstance(snapshot, FundingSnapshot), happened
        seen = [named(each) for each in witness.markets(list(FLEET), snapshot.head)]
        assert list(snapshot.rows) == [expected_funding_row(each) for each in seen]
        listed.append([row.is_listed for row in snapshot.rows])
    assert listed[0] == [True, True, False]
    assert listed[-1] == [True, True, True]


def expected_funding_row(seen: dict[str, Any]) -> FundingRow:
    return FundingRow(
        netuid=Netuid(int(seen["market"], 16)),
        is_listed=seen["listed"],
        last_accrual=seen["lastAccrual"],
        interval=seen["parameters"]["fundingInterval"],
        cap=seen["parameters"]["fundingCap"],
    )


async def test_vault_tiers_and_count__after_everything_that_can_happen__are_what_web3_reads(
    world: World, chain: Node, reader: ExchangeReader, witness: Witness
) -> None:
    paused, debts, tiers = set(), set(), set()
    for happened in session(world):
        head = await chain.head()
        vault = await reader.vault()
        seen = named(witness.ask("exchange", "vaultState", at=head))
        assert vault.reserves == seen["reserves"], happened
        assert vault.insurance == seen["insurance"]
        assert vault.claims == seen["claims"]
        assert vault.bad_debt == seen["badDebt"]
        assert vault.is_opening_paused == seen["openingPaused"]
        found = await reader.warning_tiers()
        assert not isinstance(found, Unreadable)
        assert list(found) == list(witness.ask("exchange", "warningTiers", market(8), at=head))
        outline, whole = await reader.outline(head), await reader.snapshot(head)
        assert not isinstance(outline, Unreadable)
        assert not isinstance(whole, Unreadable)
        assert outline.positions == len(witness.positions(head))
        assert outline.markets == whole.markets
        paused.add(vault.is_opening_paused)
        debts.add(vault.bad_debt > 0)
        tiers.add(found)
    assert paused == debts == {False, True}
    assert (3_600, 2_600) in tiers


async def test_rows__push_followed_in_the_head_block__has_the_time_of_that_block(
    world: World, chain: Node, reader: ExchangeReader
) -> None:
    receipt = world.price(8, FIRST_PRICE)
    head = await chain.head()
    assert not isinstance(await reader.events(head.number, head), Unreadable)
    world.mine()
    state = await reader.rows([Netuid(8), Netuid(64)])
    assert isinstance(state, FeedState)
    assert state.rows[Netuid(8)].landed_time == receipt.time
    assert state.rows[Netuid(64)].landed_time is None


async def test_reads__block_was_replaced__are_unreadable(
    world: World, chain: Node, reader: ExchangeReader
) -> None:
    with world.undone():
        world.open(ALICE, 8)
        gone = await chain.head()
    world.elapse(24)
    world.mine()
    assert (await chain.head()).number == gone.number
    assert isinstance(await reader.snapshot(gone), Unreadable)
    assert isinstance(await reader.events(gone.number, gone), Unreadable)


async def test_reads__block_is_not_there_yet__are_unreadable(
    world: World, chain: Node, reader: ExchangeReader
) -> None:
    with world.undone():
        world.mine()
        ahead = await chain.head()
    assert isinstance(await reader.snapshot(ahead), Unreadable)
    assert isinstance(await reader.events(ahead.number, ahead), Unreadable)
    assert await reader.block_hash(BlockNumber(ahead.number)) is None


@pytest.mark.parametrize("instead", [STRANGER, None], ids=["nothing there", "another contract"])
async def test_reads__the_exchange_is_not_there__are_never_empty(
    world: World, chain: Node, deployment: Deployment, instead: str | None
) -> None:
    wrong = replace(deployment, exchange=Address(instead or world.addresses["feed"]))
    reader = ExchangeReader(chain=chain, deployment=wrong, markets=FLEET)
    head = await chain.head()
    assert isinstance(await reader.snapshot(head), Unreadable)
    assert isinstance(await reader.outline(head), Unreadable)
    assert isinstance(await reader.warning_tiers(), Unreadable)
    assert not isinstance(await reader.read(), FundingSnapshot)
    with pytest.raises(ChainError):
        await reader.vault()


@pytest.mark.slow
async def test_snapshot__more_positions_than_a_page__has_each_of_them(
    world: World, chain: Node, reader: ExchangeReader, witness: Witness
) -> None:
    traders = crowd(world, PAGE_IDS // len(NETUIDS) + 2, tao=100)
    opened = open_all(world, traders, NETUIDS)
    assert len(opened) > PAGE_IDS
    head = await chain.head()
    found = await reader.snapshot(head)
    assert isinstance(found, BookSnapshot)
    assert {position.key.id for position in found.positions} == set(opened)
    require_equal(found, witness, head)

"""A book that turned out to be wrong liquidates nobody until it is made anew, however long it is.

The book is one that takes pages to compare, as a million positions do.
"""

import asyncio
from dataclasses import replace

import pytest

from keepers.liquidation.book import Book
from keepers.liquidation.comparison import ComparisonPolicy
from keepers.liquidation.evidence import Judgement
from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.follower import BookFollower, FollowerPolicy
from keepers.liquidation.keeper import (
    LiquidationKeeper,
    LiquidationPolicy,
    LiquidationsHeld,
    LiquidationsSubmitted,
)
from keepers.liquidation.positions import BookSnapshot
from keepers.liquidation.rebuilds import RebuildReason
from keepers.liquidation.reconciliation import Mismatched
from keepers.liquidation.risk import RiskEngine, RiskPolicy, RiskUnknown
from keepers.liquidation.selection import SelectionPolicy
from tests.unit.keepers.liquidation.following import Shelf, opens
from tests.unit.keepers.liquidation.simulated import SimulatedExchange
from tests.unit.keepers.liquidation.test_keeper import CRASH, GAS, Mempool, crash
from units import Head, Netuid, PositionId, PriceWei, Wei

PAGED = FollowerPolicy(comparison=ComparisonPolicy(whole_max=4, page=2))
POSITIONS = 7
NOT_COMPARED = RiskUnknown(reason="the book is not compared with the chain yet")


class SlowViews(SimulatedExchange):
    """Gives no snapshot while a test holds them back."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.wanted, self.views = asyncio.Event(), asyncio.Event()
        self.views.set()

    async def snapshot(self, at: Head) -> BookSnapshot | Unreadable:
        self.wanted.set()
        await self.views.wait()
        return await super().snapshot(at)


class World:
    """Longs, all of whom fall at `CRASH`, and a book that is right until `spoil`."""

    def __init__(self) -> None:
        self.exchange = SlowViews()
        self.spoilt = PositionId(bytes(16))
        self.exchange.grow(*(opens(number) for number in range(1, POSITIONS + 1)))
        self.follower = BookFollower(log=self.exchange, policy=PAGED)
        self.risk = RiskEngine(follower=self.follower, policy=RiskPolicy(answer_s_max=None))
        self.hurried = RiskEngine(follower=self.follower, policy=RiskPolicy(answer_s_max=0.01))
        self.mempool = Mempool()
        self.keeper = LiquidationKeeper(
            risk=self.risk,
            follower=self.follower,
            liquidations=self.mempool,
            policy=LiquidationPolicy(selection=SelectionPolicy(), gas=GAS, reconcile_blocks=1),
        )

    def spoil(self) -> None:
        """The chain has another margin for a position of the next page than the book was told."""
        block = self.exchange.grow()
        held = list(block.positions.values())[PAGED.comparison.page]
        block.positions[held.key.id] = replace(held, margin=Wei(held.margin + 1))
        self.spoilt = held.key.id

    async def falling(self, head: Head, *, in_time: bool = False) -> Judgement | RiskUnknown:
        """Who falls at a crash; `in_time`: for a push that does not wait."""
        engine = self.hurried if in_time else self.risk
        return await engine.liquidatable_at({Netuid(8): PriceWei(CRASH)}, head)


@pytest.fixture
async def world() -> World:
    made = World()
    assert isinstance(await made.keeper.step(made.exchange.tip.head), LiquidationsSubmitted)
    made.spoil()
    return made


async def test_reconcile__differs_and_the_views_are_away__nobody_is_liquidated_by_it(
    world: World,
) -> None:
    world.exchange.down = {"snapshot"}
    head = world.exchange.tip.head
    assert isinstance(await world.follower.reconcile(head), Mismatched)
    assert world.follower.reconciled_at is None
    assert await world.falling(head) == NOT_COMPARED
    child = world.exchange.grow(crash).head
    assert await world.falling(child) == NOT_COMPARED, "nor by a book one behind"
    for _ in range(3):
        held = await world.keeper.step(world.exchange.grow().head)
        assert isinstance(held, LiquidationsHeld)
    assert world.mempool.sent == []


async def test_reconcile__the_views_are_back__the_book_is_made_anew_and_goes_on(
    world: World,
) -> None:
    world.exchange.down = {"snapshot"}
    await world.follower.reconcile(world.exchange.tip.head)
    world.exchange.grow(crash)
    await world.keeper.step(world.exchange.grow().head)
    world.exchange.down = set()
    done = await world.keeper.step(world.exchange.grow().head)
    assert isinstance(done, LiquidationsSubmitted)
    assert sum(map(len, world.mempool.sent)) == POSITIONS
    counts = world.follower.counts
    assert (counts.mismatches, counts.rebuilds[RebuildReason.MISMATCH]) == (1, 1)
    book = world.follower.book
    assert isinstance(book, Book)
    assert book.positions == world.exchange.tip.positions


async def test_reconcile__differs__is_told_though_it_is_not_made_anew_yet(world: World) -> None:
    world.exchange.down = {"snapshot"}
    await world.follower.reconcile(world.exchange.tip.head)
    counts = world.follower.counts
    assert counts.mismatches == 1
    assert counts.last_mismatch.startswith(f"position 0x{world.spoilt.hex()}:")
    assert RebuildReason.MISMATCH not in counts.rebuilds


async def test_reconcile__the_views_take_long__who_asks_meanwhile_is_told_that_nothing_is_known(
    world: World,
) -> None:
    world.exchange.wanted.clear()
    world.exchange.views.clear()
    head = world.exchange.tip.head
    async with asyncio.TaskGroup() as tasks:
        comparing = tasks.create_task(world.follower.reconcile(head))
        async with asyncio.timeout(20):
            await world.exchange.wanted.wait()
        child = world.exchange.grow(crash).head
        for at in (head, child):
            assert await world.falling(at, in_time=True) == NOT_COMPARED
        assert not comparing.done()
        world.exchange.views.set()
    found = await world.falling(world.exchange.tip.head)
    assert isinstance(found, Judgement)
    assert len(found.ids) == POSITIONS


async def test_reconcile__differs_and_the_views_are_away__the_wrong_book_is_not_kept(
    world: World,
) -> None:
    shelf = Shelf()
    world.follower.keep(shelf)
    world.exchange.down = {"snapshot"}
    await world.follower.reconcile(world.exchange.tip.head)
    assert shelf.book is None


async def test_at_head__an_event_does_not_fit_and_the_views_are_away__nobody_is_liquidated_by_it(
    world: World,
) -> None:
    await world.falling(world.exchange.tip.head)
    missed = world.exchange.grow(opens(POSITIONS + 1))
    world.exchange.hidden.add(missed.head.hash)
    assert isinstance(await world.falling(missed.head), Judgement)
    world.exchange.down = {"snapshot"}
    head = world.exchange.grow(lambda block: block.close(list(block.positions.values())[-1])).head
    assert await world.falling(head) == NOT_COMPARED

"""A process that starts with a saved book: what it may do with it before the chain confirmed it."""

import asyncio
from dataclasses import replace

from keepers.liquidation.book import Book, open_book
from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.follower import BookFollower
from keepers.liquidation.keeping import NoCheckpoint
from keepers.liquidation.positions import PositionKey
from keepers.liquidation.rebuilds import RebuildReason
from keepers.liquidation.reconciliation import Mismatched
from keepers.liquidation.risk import Exposure, RiskEngine, RiskPolicy, RiskUnknown
from keepers.liquidation.upkeep import BookUpkeep
from tests.unit.keepers.liquidation.examples import TAO
from tests.unit.keepers.liquidation.following import GAP_MAX, Shelf, followed, follower_of, opens
from tests.unit.keepers.liquidation.simulated import SimulatedExchange
from units import BlockHash, BlockNumber, Netuid, PositionId, PriceWei, Sequence


def restarted(exchange: SimulatedExchange, shelf: Shelf) -> BookFollower:
    follower = follower_of(exchange)
    follower.keep(shelf)
    exchange.asked.clear()
    return follower


async def shelf_of(exchange: SimulatedExchange) -> Shelf:
    """What a process left that reconciled at the tip."""
    shelf = Shelf()
    before = restarted(exchange, shelf)
    await before.reconcile(exchange.tip.head)
    assert shelf.book is not None
    return shelf


async def test_at_head__book_was_saved_a_few_blocks_ago__logs_lead_on_and_no_view_is_paged() -> (
    None
):
    exchange = SimulatedExchange()
    exchange.grow(opens(1))
    shelf = await shelf_of(exchange)
    exchange.grow(opens(2))
    exchange.grow(opens(3))
    follower = restarted(exchange, shelf)
    await followed(follower, exchange.tip)
    assert "snapshot" not in exchange.asked
    assert (follower.counts.restored, follower.reconciled_at) == (1, None)


async def test_at_head__saved_beyond_the_horizon__is_built_from_views() -> None:
    exchange = SimulatedExchange()
    shelf = await shelf_of(exchange)
    exchange.grow_many(GAP_MAX + 1)
    follower = restarted(exchange, shelf)
    await followed(follower, exchange.tip)
    assert follower.counts.rebuilds == {RebuildReason.START: 1}
    assert follower.reconciled_at == exchange.tip.head.number


async def test_at_head__saved_on_a_fork_that_is_gone__is_built_from_views() -> None:
    exchange = SimulatedExchange()
    first = exchange.tip
    exchange.grow(opens(1))
    shelf = await shelf_of(exchange)
    exchange.grow(opens(2), on=first, salt="other")
    exchange.grow()
    follower = restarted(exchange, shelf)
    await followed(follower, exchange.tip)
    assert (follower.counts.restored, sum(follower.counts.rebuilds.values())) == (0, 1)


async def test_at_head__saved_later_than_the_head__is_built_from_views() -> None:
    exchange = SimulatedExchange()
    first = exchange.tip
    exchange.grow(opens(1))
    shelf = await shelf_of(exchange)
    exchange.tip = first
    follower = restarted(exchange, shelf)
    await followed(follower, first)
    assert (follower.counts.restored, sum(follower.counts.rebuilds.values())) == (0, 1)


async def test_at_head__a_push_did_not_wait_for_the_saved_book__it_is_restored_later() -> None:
    class SlowShelf(Shelf):
        """The first to look waits for ever."""

        looks = 0

        async def load(self) -> Book | NoCheckpoint:
            self.looks += 1
            if self.looks == 1:
                await asyncio.Event().wait()
            return await super().load()

    exchange = SimulatedExchange()
    exchange.grow(opens(1))
    follower = restarted(exchange, SlowShelf((await shelf_of(exchange)).book))
    exchange.asked.clear()
    risk = RiskEngine(follower=follower, policy=RiskPolicy(answer_s_max=0.01))
    head = exchange.grow().head
    assert isinstance(await risk.liquidatable_at({Netuid(8): PriceWei(TAO)}, head), RiskUnknown)
    await followed(follower, exchange.tip)
    assert "snapshot" not in exchange.asked
    assert follower.counts.restored == 1


async def test_at_head__a_push_did_not_wait_for_the_saved_block__it_is_restored_later() -> None:
    class SlowExchange(SimulatedExchange):
        """Whoever is next to ask for a block's hash waits for ever, when it is told so."""

        is_slow = False

        async def block_hash(self, number: BlockNumber) -> BlockHash | Unreadable | None:
            if self.is_slow:
                self.is_slow = False
                await asyncio.Event().wait()
            return await super().block_hash(number)

    exchange = SlowExchange()
    exchange.grow(opens(1))
    follower = restarted(exchange, await shelf_of(exchange))
    exchange.is_slow = True
    risk = RiskEngine(follower=follower, policy=RiskPolicy(answer_s_max=0.01))
    head = exchange.grow().head
    assert isinstance(await risk.liquidatable_at({Netuid(8): PriceWei(TAO)}, head), RiskUnknown)
    await followed(follower, exchange.tip)
    assert "snapshot" not in exchange.asked
    assert follower.counts.restored == 1


async def test_at_head__nobody_says_whether_the_saved_block_stands__it_is_restored_later() -> None:
    exchange = SimulatedExchange()
    exchange.grow(opens(1))
    follower = restarted(exchange, await shelf_of(exchange))
    exchange.grow()
    exchange.down = {"block_hash"}
    assert isinstance(await follower.at_head(exchange.tip.head), Unreadable)
    exchange.down = set()
    await followed(follower, exchange.tip)
    assert (follower.counts.restored, sum(follower.counts.rebuilds.values())) == (1, 0)


async def test_risk__book_is_restored__nobody_is_liquidated_before_it_was_compared() -> None:
    exchange = SimulatedExchange()
    exchange.grow(opens(1), lambda block: block.push(8, TAO // 100))
    follower = restarted(exchange, await shelf_of(exchange))
    risk = RiskEngine(follower=follower, policy=RiskPolicy(answer_s_max=None))
    head = exchange.tip.head
    assert isinstance(await risk.exposure(head), RiskUnknown)
    pushed = await risk.liquidatable_at({Netuid(8): PriceWei(TAO // 100)}, head)
    assert isinstance(pushed, RiskUnknown)
    assert "not compared" in pushed.reason
    assert await BookUpkeep(follower=follower, reconcile_blocks=100).confirm_restored(head)
    exposure = await risk.exposure(head)
    assert isinstance(exposure, Exposure)
    assert len(exposure.candidates) == 1


async def test_confirm_restored__the_saved_book_is_wrong__the_views_win() -> None:
    exchange = SimulatedExchange()
    exchange.grow(opens(1))
    tip = exchange.tip.snapshot()
    wrong = tuple(
        replace(p, key=PositionKey(id=PositionId(bytes(16)), sequence=Sequence(1)))
        for p in tip.positions
    )
    follower = restarted(exchange, Shelf(open_book(replace(tip, positions=wrong))))
    head = exchange.tip.head
    assert await follower.at_head(head) is not None
    assert isinstance(await follower.reconcile(head), Mismatched)
    await followed(follower, exchange.tip)
    assert follower.reconciled_at == head.number

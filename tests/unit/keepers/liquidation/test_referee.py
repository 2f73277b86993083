"""Every so many blocks a look at every position checks whom the ladders nominate."""

from keepers.liquidation.book import Book
from keepers.liquidation.follower import BookFollower, FollowerPolicy
from keepers.liquidation.risk import Exposure, RiskEngine, RiskPolicy
from keepers.liquidation.upkeep import BookUpkeep
from tests.unit.keepers.liquidation.examples import TAO
from tests.unit.keepers.liquidation.following import opens
from tests.unit.keepers.liquidation.simulated import Block, SimulatedExchange

POLICY = RiskPolicy(answer_s_max=None, referee_blocks=2)


def crash(block: Block) -> None:
    block.push(8, TAO * 8 // 100)


def engine_of(exchange: SimulatedExchange) -> tuple[RiskEngine, BookFollower]:
    follower = BookFollower(log=exchange, policy=FollowerPolicy())
    return RiskEngine(follower=follower, policy=POLICY), follower


async def test_exposure__block_of_the_referee__says_that_nobody_was_missed() -> None:
    exchange = SimulatedExchange()
    exchange.grow(opens(1), crash)
    engine, _ = engine_of(exchange)
    seen = []
    for _ in range(4):
        exposure = await engine.exposure(exchange.grow().head)
        assert isinstance(exposure, Exposure)
        assert len(exposure.candidates) == 1
        seen.append(exposure.missed)
    assert seen == [0, None, 0, None]


async def test_exposure__the_ladder_lost_somebody__the_referee_finds_and_counts_them() -> None:
    exchange = SimulatedExchange()
    exchange.grow(opens(1), opens(2))
    engine, follower = engine_of(exchange)
    healthy = await engine.exposure(exchange.tip.head)
    await BookUpkeep(follower=follower, reconcile_blocks=100).step(exchange.tip.head)
    assert isinstance(healthy, Exposure)
    assert healthy.candidates == ()
    crashed = exchange.grow(crash)
    book = await follower.at_head(crashed.head)
    assert isinstance(book, Book)
    for bucket in book.positions.table.buckets.values():
        bucket.lineup._ladder._rows = bucket.lineup._ladder._rows[:0]
        bucket.lineup._ladder._keys = bucket.lineup._ladder._keys[:0]
    exposure = await engine.exposure(crashed.head)
    assert isinstance(exposure, Exposure)
    assert (len(exposure.candidates), exposure.missed) == (2, 2)

"""A pool that anybody can move has no price that people may be liquidated by."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from oracle.depth import DepthPolicy, WhenThin, is_thin, thinned, widened
from oracle.due import PublicationPolicy
from oracle.feed import SuspensionReason
from oracle.feeder import Feeder, FeederPolicy
from oracle.judge import JudgePolicy
from oracle.markets import PerMarket
from oracle.quotes import Depth, NoPrice, NoPriceReason, Price, Reading, Unavailable
from tests.unit.oracle.simulated import (
    FINALITY_LAG,
    SN,
    TAO,
    SimulatedFeed,
    SimulatedRisk,
    SimulatedSubtensor,
    restarted,
    source_head,
    time_of,
)
from units import BlockNumber, Bps, Netuid, Rao

FLOOR = Rao(1_000 * TAO)
PRICE = Price(netuid=SN, rao=TAO, block=BlockNumber(7), time=time_of(7))


def depth(tao: int) -> Depth:
    return Depth(tao=Rao(tao * TAO), alpha=10**15)


def test_is_thin__below_the_floor_and_only_there() -> None:
    policy = DepthPolicy(floor=FLOOR)
    assert is_thin(depth(999), policy)
    assert not is_thin(depth(1_000), policy)


def test_is_thin__without_a_floor_or_without_a_reading__never() -> None:
    assert not is_thin(depth(0), DepthPolicy())
    assert not is_thin(None, DepthPolicy(floor=FLOOR))


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        (WhenThin.WITHHOLD, NoPriceReason.THIN),
        (WhenThin.SUSPEND, NoPriceReason.THIN_UNTIL_RESUMED),
    ],
)
def test_thinned__has_no_price_and_says_why(when: WhenThin, reason: NoPriceReason) -> None:
    found = thinned(PRICE, DepthPolicy(floor=FLOOR, when_thin=when))
    assert found == NoPrice(netuid=SN, reason=reason)


def test_thinned__to_be_widened__keeps_its_price() -> None:
    assert thinned(PRICE, DepthPolicy(when_thin=WhenThin.WIDEN)) is PRICE


def test_thinned__without_a_price__keeps_the_reason_it_has() -> None:
    gone = NoPrice(netuid=SN, reason=NoPriceReason.REREGISTERED)
    assert thinned(gone, DepthPolicy(when_thin=WhenThin.SUSPEND)) is gone


def test_widened__never_narrower_than_the_market_s_own() -> None:
    policy = DepthPolicy(when_thin=WhenThin.WIDEN, deviation=Bps(19))
    assert widened(PublicationPolicy(deviation=Bps(10)), policy).deviation == 19
    assert widened(PublicationPolicy(deviation=Bps(30)), policy).deviation == 30


@dataclass
class PoolOf(SimulatedSubtensor):
    """Subtensor with a pool; `tao_at(block)` is what it holds, None: not read."""

    tao_at: Callable[[int], int | None] = lambda _: None

    async def read(self, number: BlockNumber) -> Reading | Unavailable:
        said, tao = await super().read(number), self.tao_at(number)
        if tao is None or not isinstance(said, Reading):
            return said
        return replace(said, depths={SN: depth(tao)})


@dataclass
class Pooled:
    """A feeder over that pool, and the feed it writes to."""

    feed: SimulatedFeed
    feeder: Feeder

    async def run(self, to: int) -> None:
        for number in range(self.feed.number + 1, to + 1):
            self.feed.advance_to(number)
            await self.feeder.step(source_head(number - FINALITY_LAG))

    @property
    def suspensions(self) -> list[tuple[int, SuspensionReason]]:
        return [(at, reason) for at, _, reason in self.feed.suspended]


def pooled(
    when: WhenThin,
    tao_at: Callable[[int], int | None],
    price_at: Callable[[Netuid, int], Rao] = lambda *_: TAO,
) -> Pooled:
    source = PoolOf(price_at=price_at, tao_at=tao_at)
    policy = JudgePolicy(depth=PerMarket(DepthPolicy(floor=FLOOR, when_thin=when)))
    feed = SimulatedFeed(number=100)
    feeder = restarted(source, feed, SimulatedRisk(), policy=FeederPolicy(judge=policy))
    return Pooled(feed=feed, feeder=feeder)


def thin_from_110_to_119(block: int) -> int:
    return 500 if 110 <= block < 120 else 2_000


async def test_feeder__thin_and_withheld__suspended_until_the_first_deep_block() -> None:
    market = pooled(WhenThin.WITHHOLD, thin_from_110_to_119)
    await market.run(to=125)
    assert market.suspensions == [(113, SuspensionReason.NO_PRICE)]
    assert market.feed.accepted[-1][1].source_block == 120
    assert market.feed.row(SN).suspension is SuspensionReason.NONE


async def test_feeder__thin_and_to_be_suspended__stays_so_until_somebody_resumes_it() -> None:
    market = pooled(WhenThin.SUSPEND, thin_from_110_to_119)
    await market.run(to=140)
    assert market.suspensions == [(113, SuspensionReason.OPERATOR)]
    assert market.feed.row(SN).suspension is SuspensionReason.OPERATOR


async def test_feeder__thin_while_a_jump_is_held__the_lasting_suspension_takes_its_place() -> None:
    def jumping(_: Netuid, block: int) -> Rao:
        return Rao(2 * TAO if block >= 105 else TAO)

    market = pooled(WhenThin.SUSPEND, thin_from_110_to_119, jumping)
    await market.run(to=140)
    assert market.suspensions == [
        (108, SuspensionReason.JUMP),
        (113, SuspensionReason.OPERATOR),
    ]


async def test_feeder__thin_and_widened__small_moves_wait() -> None:
    def creeping(_: Netuid, block: int) -> Rao:
        return Rao(TAO + TAO * min(max(block - 109, 0), 15) // 10_000)

    wide = pooled(WhenThin.WIDEN, lambda block: 500 if block >= 105 else 2_000, creeping)
    await wide.run(to=130)
    assert len(wide.feed.accepted) == 1  # 15 bps are within 19
    deep = pooled(WhenThin.WIDEN, lambda _: 2_000, creeping)
    await deep.run(to=130)
    assert len(deep.feed.accepted) == 2


async def test_feeder__depths_that_cannot_be_read__are_no_reason_to_have_no_price() -> None:
    market = pooled(WhenThin.WITHHOLD, lambda _: None)
    await market.run(to=125)
    assert market.suspensions == []

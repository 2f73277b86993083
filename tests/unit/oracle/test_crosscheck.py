"""Two prices of one block are no price."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

import pytest

from oracle.crosscheck import CrossCheck, CrossCheckPolicy, is_contradicted
from oracle.feed import SuspensionReason
from oracle.feeder import Feeder, FeederPolicy, FeedOutcome
from oracle.plan import FeedPlan
from oracle.quotes import Price, Unavailable
from tests.unit.oracle.simulated import (
    FINALITY_LAG,
    OTHER,
    REGISTERED_AT,
    SN,
    TAO,
    SimulatedFeed,
    SimulatedRisk,
    SimulatedSubtensor,
    source_head,
    time_of,
)
from units import RAO_IN_PRICE_WEI, BlockNumber, Bps, Netuid, PriceWei, Rao

ONE = TAO * RAO_IN_PRICE_WEI


@dataclass
class Precompile:
    """Says what Subtensor says, but for `lies`; `outage` is why it says nothing."""

    lies: dict[Netuid, int] = field(default_factory=dict)
    outage: str | None = None
    asked: list[tuple[int, tuple[Netuid, ...]]] = field(default_factory=list)

    async def at(
        self, netuids: Sequence[Netuid], block: BlockNumber
    ) -> Mapping[Netuid, PriceWei] | Unavailable:
        self.asked.append((block, tuple(netuids)))
        if self.outage == "slow":
            raise TimeoutError
        if self.outage is not None:
            return Unavailable(detail=self.outage)
        return {netuid: PriceWei(self.lies.get(netuid, ONE)) for netuid in netuids}


@dataclass
class Checked:
    """A feeder of two calm markets beside a precompile."""

    precompile: Precompile
    feed: SimulatedFeed
    feeder: Feeder

    async def run(self, to: int) -> list[FeedOutcome]:
        outcomes = []
        for number in range(self.feed.number + 1, to + 1):
            self.feed.advance_to(number)
            outcomes.append(await self.feeder.step(source_head(number - FINALITY_LAG)))
        return outcomes


def checked(precompile: Precompile, markets_max: int) -> Checked:
    markets = (SN, OTHER)
    feed = SimulatedFeed(number=100)
    feeder = Feeder(
        source=SimulatedSubtensor(price_at=lambda *_: TAO, markets=markets),
        feed=feed,
        risk=SimulatedRisk(),
        markets=markets,
        pins=dict.fromkeys(markets, REGISTERED_AT),
        policy=FeederPolicy(),
        cross_check=CrossCheck(
            chain=precompile,
            policy=CrossCheckPolicy(markets_max=markets_max),
            deadline=lambda _: nullcontext(),
        ),
    )
    return Checked(precompile=precompile, feed=feed, feeder=feeder)


@pytest.mark.parametrize(("chain", "is_off"), [(10_000, False), (10_010, False), (10_011, True)])
def test_is_contradicted__by_more_than_the_band(chain: int, is_off: bool) -> None:
    price = Price(netuid=SN, rao=Rao(TAO), block=BlockNumber(7), time=time_of(7))
    assert is_contradicted(price, PriceWei(ONE * chain // 10_000), Bps(10)) is is_off


def test_is_contradicted__the_chain_knows_no_price__it_is() -> None:
    price = Price(netuid=SN, rao=Rao(TAO), block=BlockNumber(7), time=time_of(7))
    assert is_contradicted(price, PriceWei(0), Bps(10))


async def test_feeder__contradicted__suspended_in_that_step_and_resumed_when_they_agree() -> None:
    both = checked(Precompile(), 2)
    await both.run(105)
    both.precompile.lies[SN] = 2 * ONE
    await both.run(110)
    assert both.feed.suspended == [(107, SN, SuspensionReason.NO_PRICE)]
    both.precompile.lies.clear()
    await both.run(115)
    assert both.feed.row(SN).suspension is SuspensionReason.NONE
    assert both.feed.suspended == [(107, SN, SuspensionReason.NO_PRICE)]


async def test_feeder__a_first_price_that_is_contradicted__is_never_pushed() -> None:
    both = checked(Precompile(lies={SN: 2 * ONE}), 2)
    await both.run(110)
    assert {update.netuid for _, update in both.feed.accepted} == {OTHER}


async def test_feeder__what_is_pushed_comes_first_and_the_others_in_turn() -> None:
    both = checked(Precompile(), 1)
    await both.run(107)
    assert [netuids for _, netuids in both.precompile.asked] == [
        *((SN,), (OTHER,), (SN,), (OTHER,), (SN,), (OTHER,), (SN,)),
    ]
    assert [block for block, _ in both.precompile.asked] == list(range(99, 106)), "at its height"


async def test_feeder__contradicted__is_looked_at_every_step_until_it_agrees() -> None:
    both = checked(Precompile(lies={SN: 2 * ONE}), 1)
    await both.run(105)
    assert all(SN in netuids for _, netuids in both.precompile.asked)
    assert [row[1] for row in both.feed.suspended] == [SN]


@pytest.mark.parametrize("outage", ["the node is away", "slow"])
async def test_feeder__the_precompile_cannot_be_read__prices_go_on_and_it_is_said(
    outage: str,
) -> None:
    both = checked(Precompile(outage=outage), 2)
    (*_, last) = await both.run(105)
    assert isinstance(last.plan, FeedPlan)
    assert last.plan.alerts[0].startswith("prices are not cross-checked: ")
    assert {update.netuid for _, update in both.feed.accepted} == {SN, OTHER}


async def test_feeder__it_cannot_be_read_any_more__who_was_contradicted_stays_so() -> None:
    both = checked(Precompile(lies={SN: 2 * ONE}), 2)
    await both.run(103)
    both.precompile.outage = "the node is away"
    await both.run(110)
    assert SN not in {update.netuid for _, update in both.feed.accepted}


async def test_feeder__none_is_to_be_looked_at__nothing_is_asked() -> None:
    both = checked(Precompile(lies={SN: 2 * ONE}), 0)
    await both.run(105)
    assert both.precompile.asked == []

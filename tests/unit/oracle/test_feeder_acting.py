"""What is planned, and what of it is sent with whom."""

import asyncio
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace

from oracle.due import PublishReason
from oracle.falls import OverBudget
from oracle.feed import SuspensionReason
from oracle.feeder import Feeder, FeederPolicy
from oracle.plan import FeedPlan, NotPlanned
from oracle.ports import NotSent
from oracle.publication import Publish
from oracle.quotes import Reading, Unavailable
from tests.unit.oracle.prices import flat, rising, stepping
from tests.unit.oracle.simulated import (
    OTHER,
    REGISTERED_AT,
    SN,
    TAO,
    Fallen,
    SimulatedFeed,
    SimulatedRisk,
    SimulatedSubtensor,
    restarted,
    source_head,
    world,
)
from units import BlockNumber, Head, Netuid, PositionId, PriceWei, Rao

FALLING = (PositionId(b"a" * 16), PositionId(b"b" * 16))


async def test_plan__identities_unread__prices_go_on_with_an_alert() -> None:
    class Blind(SimulatedSubtensor):
        async def read(self, number: BlockNumber) -> Reading | Unavailable:
            said = await super().read(number)
            assert isinstance(said, Reading)
            return replace(said, identities=None, detail="identities are not checked")

    source, feed = Blind(price_at=flat), SimulatedFeed(number=110)
    plan = await restarted(source, feed, SimulatedRisk()).plan(source_head(108))
    assert isinstance(plan, FeedPlan)
    assert plan.alerts == ("identities are not checked",)
    assert len(plan.updates) == 1


async def test_plan__the_feed_is_unreadable__plans_nothing_and_acts_on_nothing() -> None:
    blind = world(flat)
    blind.feed.is_unreadable = True
    plan = await blind.feeder.plan(source_head(98))
    assert isinstance(plan, NotPlanned)
    outcome = await blind.feeder.act(plan)
    assert outcome.push is None
    assert outcome.suspensions == ()


async def test_plan__every_market__is_listed_with_its_decision_and_reason() -> None:
    listed = world(flat, markets=(SN, OTHER), pins={SN: REGISTERED_AT})
    plan = await listed.feeder.plan(source_head(98))
    assert isinstance(plan, FeedPlan)
    first, second = plan.markets
    assert isinstance(first.decision, Publish)
    assert first.decision.reason is PublishReason.FIRST
    assert second.netuid == OTHER
    assert plan.suspensions == {SuspensionReason.NO_PRICE: (OTHER,)}
    assert plan.holds == ()


async def test_plan__alone__sends_nothing() -> None:
    dry = world(flat)
    await dry.feeder.plan(source_head(98))
    assert dry.feed.publications == []


async def test_act__nothing_was_sent__the_same_is_planned_again() -> None:
    dry = world(flat)
    dry.feed.refusal = "no key is configured: dry run"
    for number in (98, 98, 99):
        outcome = await dry.feeder.step(source_head(number))
        assert outcome.push is not None
        assert outcome.push.submission == NotSent(reason="no key is configured: dry run")


async def test_act__positions_fall_at_the_pushed_price__travel_with_it() -> None:
    falling = world(rising)
    await falling.run(to=105)
    falling.risk.falling = FALLING
    await falling.run(to=106)
    assert falling.feed.publications[-1].liquidations == FALLING
    assert falling.risk.asked[-1] == {SN: rising(SN, 104) * 10**9}


async def test_act__who_falls_is_unknown__the_price_goes_alone_and_says_so() -> None:
    unknown = world(rising)
    await unknown.run(to=105)
    unknown.risk.unknown = "the book is behind"
    unknown.feed.advance_to(106)
    outcome = await unknown.feeder.step(source_head(104))
    assert outcome.push is not None
    assert outcome.push.publication.liquidations == ()
    assert outcome.push.risk_unknown == "the book is behind"


class SlowRisk(SimulatedRisk):
    """Never answers while the test is patient."""

    async def liquidatable_at(
        self, prices: Mapping[Netuid, PriceWei], head: Head
    ) -> Fallen | OverBudget:
        await asyncio.sleep(0.05)
        return Fallen(FALLING)


async def test_act__risk_takes_too_long__the_push_does_not_wait_for_it() -> None:
    source, feed = SimulatedSubtensor(price_at=flat), SimulatedFeed(number=110)
    policy = FeederPolicy(risk_budget_ms=1)
    feeder = restarted(source, feed, SlowRisk(), policy=policy)
    await feeder.step(source_head(108))
    source.price_at = stepping((109, TAO * 101 // 100))
    feed.advance_to(111)
    outcome = await feeder.step(source_head(109))
    assert outcome.push is not None
    assert outcome.push.risk_unknown == "who falls was not known within 1 ms"
    assert len(feed.publications) == 2


async def test_act__several_things_to_ask__share_one_budget_and_the_push_goes_alone() -> None:
    """Who confirms a first price is asked for first, and takes most of the time there is."""

    def price_at(netuid: Netuid, block: int) -> Rao:
        return TAO if netuid == SN else rising(netuid, block)

    source = SimulatedSubtensor(price_at=price_at, markets=(SN, OTHER))
    feed, risk = SimulatedFeed(number=110), SlowRisk()
    policy = FeederPolicy(risk_budget_ms=70)
    feeder = restarted(source, feed, risk, markets=(SN, OTHER), policy=policy)
    await feeder.step(source_head(108))
    feed.advance_to(111)
    outcome = await feeder.step(source_head(109))
    assert outcome.push is not None
    assert outcome.push.risk_unknown == "who falls was not known within 70 ms"
    assert OTHER in {update.netuid for update in outcome.push.publication.updates}
    assert outcome.push.publication.liquidations == ()


async def test_act__lock_step_without_a_deadline__waits_for_risk() -> None:
    feed = SimulatedFeed(number=110)
    feeder = Feeder(
        source=SimulatedSubtensor(price_at=rising),
        feed=feed,
        risk=SlowRisk(),
        markets=(SN,),
        pins={SN: REGISTERED_AT},
        policy=FeederPolicy(risk_budget_ms=1),
        deadline=lambda _: nullcontext(),
    )
    await feeder.step(source_head(108))
    feed.advance_to(111)
    await feeder.step(source_head(109))
    assert feed.publications[1].liquidations == FALLING


async def test_step__two_finalized_blocks_in_one_of_the_chain__each_push_takes_its_own() -> None:
    moving = world(rising)
    await moving.run(to=105)
    moving.feed.advance_to(106)
    moving.risk.falling = FALLING[:1]
    await moving.feeder.step(source_head(104))
    moving.risk.falling = FALLING
    await moving.feeder.step(source_head(105))
    first, second = moving.feed.publications[-2:]
    assert (first.liquidations, second.liquidations) == (FALLING[:1], FALLING)
    moving.feed.advance_to(107)
    assert moving.feed.row(SN).source_block == 105


async def test_step__nothing_is_due__risk_is_not_asked() -> None:
    quiet = world(flat)
    await quiet.run(to=110)
    assert len(quiet.risk.asked) == 1

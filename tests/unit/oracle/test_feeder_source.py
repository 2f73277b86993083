"""The source is away, stalls, lies or hangs."""

import asyncio

from fleet.runtime.loop import LoopPolicy
from oracle.feed import SuspensionReason
from oracle.feeder import Feeder, FeederPolicy
from oracle.judge import JudgePolicy
from oracle.plan import FeedPlan
from oracle.publication import Hold, HoldReason
from oracle.quotes import Reading, Unavailable
from tests.unit.oracle.prices import flat, stepping
from tests.unit.oracle.simulated import (
    FINALITY_LAG,
    OTHER,
    REGISTERED_AT,
    SN,
    TAO,
    SimulatedFeed,
    SimulatedRisk,
    SimulatedSubtensor,
    World,
    restarted,
    source_head,
    world,
)
from units import BlockNumber, Rao


async def test_step__the_source_is_away_for_a_while__never_repeats_the_last_price() -> None:
    quiet = world(flat)
    await quiet.run(to=110)
    quiet.source.outage = "connection refused"
    plan = await quiet.feeder.plan(source_head(109))
    assert isinstance(plan, FeedPlan)
    assert [each.decision for each in plan.markets] == [Hold(reason=HoldReason.NO_READING)]
    assert plan.source is None


async def test_step__the_source_stalls__all_markets_are_suspended_and_resume_with_it() -> None:
    stalling = world(flat, markets=(SN, OTHER))
    await stalling.run(to=110)
    stalling.source.outage = "connection refused"
    await stalling.run(to=130)
    # Block 108 was the last one read; ten blocks later, at head 118, it is a stall.
    assert stalling.feed.suspended == [
        (119, SN, SuspensionReason.STALL),
        (119, OTHER, SuspensionReason.STALL),
    ]
    stalling.source.outage = None
    await stalling.run(to=140)
    assert stalling.feed.row(SN).suspension is SuspensionReason.NONE
    assert stalling.feed.row(OTHER).source_block >= 129


async def test_step__no_finalized_head_comes_at_all__is_a_stall_too() -> None:
    silent = world(flat)
    await silent.run(to=110)
    for number in range(111, 130):
        silent.feed.advance_to(number)
        await silent.feeder.step(None)
    assert silent.feed.suspended == [(119, SN, SuspensionReason.STALL)]


async def test_step__never_a_reading_since_the_start__stalls_from_the_first_head_on() -> None:
    silent = world(flat)
    for number in range(101, 115):
        silent.feed.advance_to(number)
        await silent.feeder.step(None)
    assert silent.feed.suspended == [(112, SN, SuspensionReason.STALL)]


async def test_step__the_subscription_alone_is_dead__heads_are_asked_for() -> None:
    deaf = world(lambda _, block: Rao(TAO + block * TAO // 500))
    await deaf.run(to=110)
    for number in range(111, 140):
        deaf.feed.advance_to(number)
        deaf.source.announces = number - FINALITY_LAG
        await deaf.feeder.step(None)
    assert deaf.feed.suspended == []
    assert deaf.feed.row(SN).source_block == 136


async def test_step__asked_for_a_head_and_told_the_last_one__is_a_stall_and_not_read_again() -> (
    None
):
    stalled = world(flat)
    await stalled.run(to=110)
    stalled.source.announces = 108
    for number in range(111, 125):
        stalled.feed.advance_to(number)
        await stalled.feeder.step(None)
    assert stalled.feed.suspended == [(119, SN, SuspensionReason.STALL)]
    assert stalled.source.reads.count(108) == 1
    plan = await stalled.feeder.plan(None)
    assert isinstance(plan, FeedPlan)
    assert plan.alerts == ("no finalized head has come after block 108",)


def digging() -> World:
    return world(
        lambda _, block: Rao(TAO + block * TAO // 500),
        policy=FeederPolicy(judge=JudgePolicy(buried_blocks=6)),
    )


async def finality_stands(stalled: World, first: int, last: int, *, final: int) -> None:
    """Blocks come, and what was final last is `final`."""
    for number in range(first, last + 1):
        stalled.feed.advance_to(number)
        stalled.source.announces, stalled.source.best = final, number
        await stalled.feeder.step(None)


async def test_step__finality_stands_and_that_is_allowed__prices_come_of_buried_blocks() -> None:
    stalled = digging()
    await stalled.run(to=110)
    await finality_stands(stalled, 111, 130, final=108)
    assert stalled.feed.suspended == []
    assert stalled.feed.row(SN).source_block == 129 - 6
    plan = await stalled.feeder.plan(None)
    assert isinstance(plan, FeedPlan)
    assert plan.unfinal_blocks == 130 - 108


async def test_step__finality_is_back_after_buried_blocks__final_ones_alone_count() -> None:
    stalled = digging()
    await stalled.run(to=110)
    await finality_stands(stalled, 111, 130, final=108)
    stalled.source.reads.clear()
    await stalled.run(to=135)
    assert stalled.source.reads == [129, 130, 131, 132, 133]
    assert stalled.feed.row(SN).source_block == 132
    plan = await stalled.feeder.plan(source_head(133))
    assert isinstance(plan, FeedPlan)
    assert plan.unfinal_blocks is None


async def test_step__blocks_are_final_in_time__none_that_is_buried_is_read() -> None:
    steady = digging()
    steady.source.best = 10**6
    await steady.run(to=130)
    assert max(steady.source.reads) == 128


async def test_step__finality_stands_and_too_few_have_the_buried_block__is_a_stall() -> None:
    stalled = digging()
    await stalled.run(to=110)
    for number in range(111, 125):
        stalled.feed.advance_to(number)
        stalled.source.announces, stalled.source.best = 108, None
        await stalled.feeder.step(None)
    assert [reason for _, _, reason in stalled.feed.suspended] == [SuspensionReason.STALL]


async def test_step__a_head_of_the_far_future__is_not_believed_and_harms_nothing_later() -> None:
    lied_to = world(stepping((110, 102 * TAO // 100)))
    await lied_to.run(to=105)
    plan = await lied_to.feeder.plan(source_head(10**9))
    assert isinstance(plan, FeedPlan)
    assert plan.source is None
    assert plan.alerts == (
        "source block 1000000000 is 999999895 blocks ahead of chain 964: it is not believed",
    )
    await lied_to.run(to=120)
    assert lied_to.feed.suspended == []
    assert lied_to.feed.prices(SN)[-1] == 102 * TAO // 100 * 10**9
    lied_to.source.outage = "connection refused"
    await lied_to.run(to=135)
    assert [reason for *_, reason in lied_to.feed.suspended] == [SuspensionReason.STALL]


async def test_step__a_head_of_before_the_last_one__is_not_judged() -> None:
    moving = world(stepping((104, 102 * TAO // 100)))
    await moving.run(to=110)
    plan = await moving.feeder.plan(source_head(101))
    assert isinstance(plan, FeedPlan)
    assert [each.decision for each in plan.markets] == [Hold(reason=HoldReason.NO_READING)]
    assert plan.alerts == ("source block 101 is older than 108, read before",)


async def test_step__the_chains_node_lags_behind_finality__prices_go_on() -> None:
    lagging = world(lambda _, block: Rao(TAO + block * TAO // 500))
    for number in range(101, 120):
        lagging.feed.advance_to(number)
        await lagging.feeder.step(source_head(number + 1))  # lands one block later
    assert lagging.feed.row(SN).source_block == 119
    assert lagging.feed.suspended == []


class HangingSource(SimulatedSubtensor):
    """Answers nothing, from an outage on."""

    async def read(self, number: BlockNumber) -> Reading | Unavailable:
        if self.outage is not None:
            await asyncio.Event().wait()
        return await super().read(number)

    async def buried(self, depth: int) -> Reading | Unavailable:
        await asyncio.Event().wait()
        return await super().buried(depth)


async def test_step__the_source_hangs__the_stall_is_decided_on_all_the_same() -> None:
    source, feed = HangingSource(price_at=flat), SimulatedFeed(number=110)
    feeder = restarted(
        source, feed, SimulatedRisk(), policy=FeederPolicy(reading_s_max=0.005, risk_budget_ms=1)
    )
    await feeder.step(source_head(108))
    source.outage = "hangs"
    for number in range(111, 121):
        feed.advance_to(number)
        outcome = await feeder.step(source_head(number - FINALITY_LAG))
    assert feed.suspended == [(119, SN, SuspensionReason.STALL)]
    assert isinstance(outcome.plan, FeedPlan)
    assert outcome.plan.alerts == ("the source was not read within 0.005 s",)


async def test_step__the_source_hangs_for_buried_blocks_too__is_decided_on_within_the_minute() -> (
    None
):
    limits: list[float] = []

    def at_once(limit_s: float) -> asyncio.Timeout:
        limits.append(limit_s)
        return asyncio.timeout(0.001)

    source, feed = HangingSource(price_at=flat, outage="hangs"), SimulatedFeed(number=110)
    feeder = Feeder(
        source=source,
        feed=feed,
        risk=SimulatedRisk(),
        markets=(SN,),
        pins={SN: REGISTERED_AT},
        policy=FeederPolicy(judge=JudgePolicy(buried_blocks=6)),
        deadline=at_once,
    )
    for number in (110, 120):
        feed.advance_to(number)
        limits.clear()
        await feeder.step(source_head(number - FINALITY_LAG))
    assert len(limits) == 2
    assert sum(limits) < (LoopPolicy().step_s_max or 0)
    feed.advance_to(121)
    assert feed.suspended == [(121, SN, SuspensionReason.STALL)]

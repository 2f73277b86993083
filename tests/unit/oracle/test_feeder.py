import asyncio
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise

from oracle.due import PublicationPolicy, PublishReason
from oracle.falls import OverBudget
from oracle.feed import SuspensionReason
from oracle.feeder import Feeder, FeederPolicy
from oracle.guard import GuardPolicy
from oracle.judge import JudgePolicy
from oracle.markets import PerMarket
from oracle.plan import FeedPlan, NotPlanned
from oracle.ports import NotSent
from oracle.publication import Hold, HoldReason, Publish
from oracle.quotes import Reading, Unavailable
from tests.unit.oracle.simulated import (
    FINALITY_LAG,
    ORDINARY,
    OTHER,
    REGISTERED_AT,
    SN,
    TAO,
    Fallen,
    PriceAt,
    SimulatedFeed,
    SimulatedRisk,
    SimulatedSubtensor,
    World,
    restarted,
    source_head,
    world,
)
from units import BlockNumber, Bps, Head, Netuid, PositionId, PriceWei, Rao

FALLING = (PositionId(b"a" * 16), PositionId(b"b" * 16))
M = GuardPolicy().confirm_blocks


def flat(_netuid: Netuid, _block: int) -> Rao:
    return TAO


def rising(_netuid: Netuid, block: int) -> Rao:
    """A price that is due in every block."""
    return Rao(TAO + block * 2 * TAO // 1_000)


def stepping(*steps: tuple[int, int]) -> PriceAt:
    """A price from each block on."""

    def price(_netuid: Netuid, at: int) -> Rao:
        return Rao([rao for block, rao in ((0, TAO), *steps) if block <= at][-1])

    return price


async def test_step__a_quiet_market__is_pushed_once_and_then_by_heartbeat() -> None:
    quiet = world(flat)
    await quiet.run(to=100 + 120)
    landed = [number for number, _ in quiet.feed.accepted]
    # 600 s after the block it landed in: 50 blocks on the head that sees it, one more to land.
    assert landed == [102, 153, 204]


async def test_step__when_pushes_landed_is_unknown__the_heartbeat_comes_sooner_not_later() -> None:
    quiet = world(flat)
    quiet.feed.knows_landing = False
    await quiet.run(to=100 + 120)
    landed = [number for number, _ in quiet.feed.accepted]
    gaps = [later - earlier for earlier, later in pairwise(landed)]
    assert max(gaps) <= 51
    assert len(landed) >= 3


async def test_step__the_price_moves_every_block__is_pushed_every_block_and_never_twice() -> None:
    moving = world(rising)
    await moving.run(to=130)
    blocks = [update.source_block for _, update in moving.feed.accepted]
    assert blocks == sorted(set(blocks))
    assert len(blocks) == 29


async def test_step__a_slow_chain__nothing_is_pushed_twice_while_it_is_in_flight() -> None:
    slow = world(flat)
    slow.feed.delay = 3
    await slow.run(to=110)
    assert len(slow.feed.publications) == 1


async def test_step__a_slow_chain__nothing_is_suspended_twice_while_it_is_in_flight() -> None:
    slow = world(stepping((110, 2 * TAO)))
    slow.feed.delay = 3
    await slow.run(to=119)
    assert slow.feed.suspensions_sent == 1


async def test_step__a_jump_is_interrupted_by_an_empty_pool__has_to_stand_again() -> None:
    jumping = world(stepping((110, 2 * TAO), (115, 0), (116, 2 * TAO)))
    await jumping.run(to=140)
    doubled = [update for _, update in jumping.feed.accepted if update.price > TAO * 10**9]
    assert doubled[0].source_block == 116 + M - 1


async def test_step__a_push_is_lost__is_sent_again_after_the_flight_time() -> None:
    unlucky = world(flat)
    unlucky.feed.loses_next = 1
    await unlucky.run(to=110)
    assert [publication.head.number for publication in unlucky.feed.publications] == [101, 105]
    assert len(unlucky.feed.accepted) == 1


async def test_step__several_markets_are_due__go_in_one_transaction() -> None:
    several = world(flat, markets=(SN, OTHER))
    await several.run(to=101)
    assert [len(each.updates) for each in several.feed.publications] == [2]


async def test_step__a_jump_that_stands__is_published_after_exactly_the_confirming_blocks() -> None:
    jumping = world(stepping((110, 530 * TAO // 1_000)))
    await jumping.run(to=140)
    halved = [each for each in jumping.feed.accepted if each[1].price < TAO * 10**9]
    assert halved[0][1].source_block == 110 + M - 1
    assert jumping.feed.suspended == [(110 + FINALITY_LAG + 1, SN, SuspensionReason.JUMP)]
    assert jumping.feed.row(SN).suspension is SuspensionReason.NONE


async def test_step__a_spike_that_returns__never_reaches_the_feed_and_the_market_resumes() -> None:
    for length in (1, 2, 5, M - 1):
        spiking = world(stepping((110, 8 * TAO), (110 + length, TAO)))
        await spiking.run(to=140)
        assert set(spiking.feed.prices(SN)) == {TAO * 10**9}
        assert [reason for *_, reason in spiking.feed.suspended] == [SuspensionReason.JUMP]
        row = spiking.feed.row(SN)
        assert row.suspension is SuspensionReason.NONE
        assert row.source_block >= 110 + length


async def test_step__only_one_market_jumps__the_other_goes_on() -> None:
    def price(netuid: Netuid, block: int) -> Rao:
        if netuid == SN:
            return Rao(3 * TAO) if block >= 110 else TAO
        return Rao(TAO + block * TAO // 500)

    both = world(price, markets=(SN, OTHER))
    await both.run(to=115)
    assert {netuid for _, netuid, _ in both.feed.suspended} == {SN}
    assert both.feed.row(OTHER).source_block == 112


async def test_step__heads_are_skipped_during_a_hold__the_skipped_blocks_are_read() -> None:
    jumping = world(stepping((110, 2 * TAO)))
    await jumping.run(to=140, every=3)
    doubled = [update for _, update in jumping.feed.accepted if update.price > TAO * 10**9]
    # Heads 111, 114, 117, 120 … are announced: block 110 is not seen, 111 begins the hold, and
    # its 11th block is 121, accepted on the way and published with the head after it.
    assert set(range(112, 123)) <= set(jumping.source.reads)
    assert doubled[0].source_block == 123


async def test_step__too_many_heads_are_skipped__only_what_was_read_counts() -> None:
    jumping = world(stepping((110, 2 * TAO)))
    await jumping.run(to=170, every=5)
    doubled = [update for _, update in jumping.feed.accepted if update.price > TAO * 10**9]
    assert doubled[0].source_block == 110 + 5 * (M - 1)


async def test_step__no_hold__skipped_blocks_are_not_read() -> None:
    quiet = world(flat)
    await quiet.run(to=130, every=3)
    assert all(
        (block - 100) % 3 == (quiet.source.reads[0] - 100) % 3 for block in quiet.source.reads
    )


async def test_step__restarted_during_a_jump__the_row_is_the_reference() -> None:
    jumping = world(stepping((110, 2 * TAO)))
    await jumping.run(to=115)
    jumping.feeder = restarted(jumping.source, jumping.feed, jumping.risk)
    await jumping.run(to=140)
    doubled = [update for _, update in jumping.feed.accepted if update.price > TAO * 10**9]
    # Block 114 is the first that the new process reads.
    assert doubled[0].source_block == 114 + M - 1


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


async def test_step__the_source_hangs__the_stall_is_decided_on_all_the_same() -> None:
    class Hanging(SimulatedSubtensor):
        async def read(self, number: BlockNumber) -> Reading | Unavailable:
            if self.outage is not None:
                await asyncio.Event().wait()
            return await super().read(number)

    source, feed = Hanging(price_at=flat), SimulatedFeed(number=110)
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


async def test_step__a_suspension_is_lost__is_sent_again_after_the_flight_time() -> None:
    jumping = world(stepping((110, 2 * TAO)))
    await jumping.run(to=111)
    jumping.feed.loses_next = 1
    await jumping.run(to=120)
    assert jumping.feed.suspensions_sent == 2
    assert jumping.feed.suspended == [(117, SN, SuspensionReason.JUMP)]


async def test_step__the_subnet_is_registered_again__is_suspended_for_good() -> None:
    stolen = world(flat)
    await stolen.run(to=110)
    stolen.source.identities[SN] = replace(ORDINARY, registered_at=BlockNumber(108))
    await stolen.run(to=115)
    stolen.source.identities.clear()
    await stolen.run(to=130)
    assert [reason for *_, reason in stolen.feed.suspended] == [SuspensionReason.IDENTITY]
    assert stolen.feed.row(SN).suspension is SuspensionReason.IDENTITY
    plan = await stolen.feeder.plan(source_head(128))
    assert isinstance(plan, FeedPlan)
    assert plan.alerts == (f"market {SN}: {HoldReason.IDENTITY}",)


async def test_step__the_pool_is_empty_for_a_while__is_suspended_and_resumed() -> None:
    emptied = world(stepping((110, 0), (115, TAO)))
    await emptied.run(to=130)
    assert [reason for *_, reason in emptied.feed.suspended] == [SuspensionReason.NO_PRICE]
    assert emptied.feed.row(SN).suspension is SuspensionReason.NONE
    assert 0 not in emptied.feed.prices(SN)


async def test_step__an_operator_was_faster_than_a_stall__it_stays_closed() -> None:
    stalling = world(flat)
    await stalling.run(to=110)
    stalling.source.outage = "away"
    await stalling.run(to=118)
    assert stalling.feed.suspensions_sent == 1
    stalling.feed.land_suspension([SN], SuspensionReason.OPERATOR)
    stalling.source.outage = None
    await stalling.run(to=140)
    assert stalling.feed.row(SN).suspension is SuspensionReason.OPERATOR
    assert [reason for *_, reason in stalling.feed.suspended] == [SuspensionReason.OPERATOR]


async def test_step__the_guardian_suspends__nothing_is_sent_until_the_admin_resumes() -> None:
    guarded = world(flat)
    await guarded.run(to=110)
    guarded.feed.land_suspension([SN], SuspensionReason.GUARDIAN)
    sent = len(guarded.feed.publications)
    await guarded.run(to=200)
    assert len(guarded.feed.publications) == sent
    row = guarded.feed.row(SN)
    guarded.feed.stored[SN] = replace(
        row, suspension=SuspensionReason.NONE, suspended_at=BlockNumber(0)
    )
    await guarded.run(to=203)
    assert len(guarded.feed.publications) == sent + 1


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


async def test_step__a_market_with_a_wider_limit__is_not_held() -> None:
    guard = PerMarket(GuardPolicy(), {SN: GuardPolicy(jump_limit=Bps(10_000))})
    policy = FeederPolicy(judge=JudgePolicy(guard=guard))
    wide = world(stepping((110, 19 * TAO // 10)), policy=policy)
    await wide.run(to=115)
    assert wide.feed.suspended == []
    assert 19 * TAO // 10 * 10**9 in wide.feed.prices(SN)


def early(percent: int) -> FeederPolicy:
    return FeederPolicy(publication=PerMarket(PublicationPolicy(early_percent=percent)))


async def pushed_together(percent: int, other_moves_bps: int) -> list[int]:
    """The market moves by its band at block 110, the other one by so much: who is pushed then."""

    def moving(netuid: Netuid, block: int) -> Rao:
        bps = 10 if netuid == SN else other_moves_bps
        return Rao(TAO + TAO * bps // 10_000 if block >= 110 else TAO)

    both = world(moving, markets=(SN, OTHER), policy=early(percent))
    await both.run(to=115)
    return [update.netuid for landed, update in both.feed.accepted if landed > 110]


async def test_step__half_way_to_its_band__goes_along_with_another_push() -> None:
    assert await pushed_together(50, 5) == [SN, OTHER]
    assert await pushed_together(50, 4) == [SN]
    assert await pushed_together(100, 9) == [SN]


async def test_step__half_way_to_its_band_and_nothing_else_is_due__waits() -> None:
    lone = world(stepping((110, TAO + TAO * 9 // 10_000)), policy=early(50))
    await lone.run(to=115)
    assert len(lone.feed.accepted) == 1


async def test_step__half_a_heartbeat_old__goes_along_and_all_go_together_from_then_on() -> None:
    def moving(netuid: Netuid, block: int) -> Rao:
        return Rao(2 * TAO + block // 30 * TAO // 400) if netuid == SN else TAO

    both = world(moving, markets=(SN, OTHER), policy=early(50))
    await both.run(to=250)
    transactions = [tuple(u.netuid for u in each.updates) for each in both.feed.publications]
    assert transactions[:2] == [(SN, OTHER), (SN,)]  # 17 blocks later, and 25 are half
    assert len(transactions) >= 5
    assert set(transactions[2:]) == {(SN, OTHER)}

from dataclasses import replace
from itertools import pairwise

from oracle.due import PublicationPolicy
from oracle.feed import SuspensionReason
from oracle.feeder import FeederPolicy
from oracle.guard import GuardPolicy
from oracle.judge import JudgePolicy
from oracle.markets import PerMarket
from oracle.plan import FeedPlan
from oracle.publication import HoldReason
from tests.unit.oracle.prices import flat, rising, stepping
from tests.unit.oracle.simulated import (
    FINALITY_LAG,
    ORDINARY,
    OTHER,
    SN,
    TAO,
    restarted,
    source_head,
    world,
)
from units import BlockNumber, Bps, Netuid, Rao

M = GuardPolicy().confirm_blocks


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

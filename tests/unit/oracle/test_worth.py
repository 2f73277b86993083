"""A move smaller than the band is pushed when those who would fall at it are worth the push."""

from dataclasses import replace
from itertools import pairwise

import pytest

from oracle.due import PublishReason
from oracle.feeder import FeederPolicy
from oracle.plan import FeedPlan
from oracle.publication import Publish
from oracle.worth import WorthPolicy
from tests.unit.oracle.prices import stepping
from tests.unit.oracle.simulated import OTHER, SN, TAO, World, restarted, source_head, world
from tests.unit.oracle.test_continuity import taken
from tests.unit.oracle.test_feeder_acting import FALLING
from units import Netuid, Rao, Wei

COST = 1_000
CREEP = TAO // 2_500  # less than goes along with another market


def creeping(netuid: Netuid, block: int) -> Rao:
    """Moves by less than half the band at block 105 and stays."""
    return Rao(TAO - CREEP if netuid == SN and block >= 105 else TAO)


def trembling(_netuid: Netuid, block: int) -> Rao:
    """Another price within the band in every block."""
    return Rao(TAO - block % 7)


def patient(policy: FeederPolicy | None = None) -> FeederPolicy:
    """The policy, with all the time that a busy machine may take to answer."""
    return replace(policy or FeederPolicy(), risk_budget_ms=60_000)


def expecting(price_at: object, at_stake: int, policy: FeederPolicy | None = None) -> World:
    found = world(price_at, policy=patient(policy))  # type: ignore[arg-type]
    found.risk.at_stake = {SN: Wei(at_stake)}
    return found


@pytest.mark.parametrize(("at_stake", "is_pushed"), [(COST, False), (COST + 1, True)])
async def test_step__within_the_band__is_pushed_from_one_wei_above_the_cost(
    at_stake: int, is_pushed: bool
) -> None:
    quiet = expecting(creeping, at_stake)
    await quiet.run(to=106)
    quiet.risk.falling = FALLING
    await quiet.run(to=110)
    late = [each for each in taken(quiet.feed) if each[0] > 106]
    assert late == ([(107, True)] if is_pushed else [])


async def test_step__worth_a_push__the_plan_says_why() -> None:
    quiet = expecting(creeping, COST + 1)
    await quiet.run(to=106)
    quiet.feed.advance_to(107)
    outcome = await quiet.feeder.step(source_head(105))
    decision = outcome.plan.markets[0].decision  # type: ignore[union-attr]
    assert isinstance(decision, Publish)
    assert decision.reason is PublishReason.AT_STAKE


async def test_step__pushed_every_time__at_most_so_often_an_hour() -> None:
    policy = FeederPolicy(worth=WorthPolicy(pushes_hour_max=4))
    busy = expecting(trembling, COST + 1, policy)
    await busy.run(to=100 + 900)
    heads = [push.head.number for push in busy.feed.publications]
    # four bought pushes and the heartbeats in every hour, and an hour is 300 blocks
    for first in range(100, 700, 50):
        assert len([at for at in heads if first <= at < first + 300]) <= 4 + 6
    early = [at for at in heads if at < 120]
    assert len(early) == 1 + 4
    assert all(later - earlier <= 51 for earlier, later in pairwise(heads))


async def test_step__another_process_takes_over__buys_nothing_at_its_first_price() -> None:
    quiet = expecting(creeping, COST + 1)
    await quiet.run(to=106)
    quiet.feeder = restarted(quiet.source, quiet.feed, quiet.risk, policy=patient())
    quiet.risk.falling = FALLING
    await quiet.run(to=110)
    assert [each for each in taken(quiet.feed) if each[0] > 106] == [(108, True)]


async def bought(busy: World, *, to: int) -> list[tuple[int, Netuid]]:
    """Which pushes were bought, by the head they were decided at."""
    found = []
    for number in range(busy.feed.number + 1, to + 1):
        busy.feed.advance_to(number)
        outcome = await busy.feeder.step(source_head(number - 2))
        assert isinstance(outcome.plan, FeedPlan)
        due = outcome.plan.due
        found += [(number, p.update.netuid) for p in due if p.reason is PublishReason.AT_STAKE]
    return found


async def test_step__an_hour_later__as_many_may_be_bought_again() -> None:
    policy = FeederPolicy(worth=WorthPolicy(pushes_hour_max=2))
    heads = [at for at, _ in await bought(expecting(trembling, COST + 1, policy), to=760)]
    first, second, *later = heads
    assert (second < 120, len(later)) == (True, 4)
    for before, after in zip(heads, later, strict=False):
        assert after - before >= 300, "an hour of blocks"
    assert later[0] - first < 300 + 60, "and not much more"


async def test_step__two_markets__each_has_an_allowance_of_its_own() -> None:
    def price_at(netuid: Netuid, block: int) -> Rao:
        """The second market begins to tremble when the first has used up what it may."""
        return trembling(netuid, block) if netuid == SN or block >= 150 else Rao(TAO)

    policy = FeederPolicy(worth=WorthPolicy(pushes_hour_max=2))
    both = world(price_at, markets=(SN, OTHER), policy=patient(policy))
    both.risk.at_stake = {SN: Wei(COST + 1), OTHER: Wei(COST + 1)}
    found = await bought(both, to=190)
    assert [netuid for _, netuid in found] == [SN, SN, OTHER, OTHER]


async def test_step__another_market_has_enough_at_stake__that_buys_nothing_for_this_one() -> None:
    both = world(trembling, markets=(SN, OTHER), policy=patient())
    both.risk.at_stake = {SN: Wei(COST + 1), OTHER: Wei(COST)}
    assert {netuid for _, netuid in await bought(both, to=115)} == {SN}


async def test_step__none_may_be_bought__nothing_is_asked() -> None:
    policy = FeederPolicy(worth=WorthPolicy(pushes_hour_max=0))
    quiet = expecting(creeping, COST + 1, policy)
    await quiet.run(to=120)
    assert len(quiet.feed.publications) == 1
    assert len(quiet.risk.asked) == 1


async def test_step__the_fee_is_not_known__nothing_is_bought() -> None:
    quiet = expecting(creeping, COST + 1)
    quiet.feed.cost = None
    await quiet.run(to=120)
    assert len(quiet.feed.publications) == 1


async def test_step__the_fee_takes_too_long__what_is_due_goes_out_without_it() -> None:
    def price_at(netuid: Netuid, block: int) -> Rao:
        """One market creeps within the band when the other moves beyond it."""
        moved = TAO * 101 // 100 if block >= 105 else TAO
        return creeping(netuid, block) if netuid == SN else Rao(moved)

    both = world(price_at, markets=(SN, OTHER), policy=FeederPolicy(risk_budget_ms=250))
    both.risk.at_stake = {SN: Wei(COST + 1)}
    both.feed.cost_s = 5.0
    await both.run(to=110)
    assert both.feed.costs_asked > 0
    assert {u.netuid for u in both.feed.publications[1].updates} == {OTHER}
    assert both.feed.prices(SN) == [TAO * 10**9]


async def test_step__nothing_at_stake__nobody_asks_what_a_push_costs() -> None:
    quiet = expecting(creeping, 0)
    await quiet.run(to=120)
    assert quiet.feed.costs_asked == 0


async def test_step__who_falls_is_unknown__nothing_is_bought_and_no_push_went_alone() -> None:
    quiet = expecting(creeping, COST + 1)
    await quiet.run(to=106)
    quiet.risk.unknown = "the book is behind"
    await quiet.run(to=120)
    assert len(quiet.feed.publications) == 1


async def test_step__a_bought_push_is_on_its_way__is_not_bought_again() -> None:
    slow = expecting(trembling, COST + 1)
    slow.feed.delay = 3
    await slow.run(to=118)
    heads = [push.head.number for push in slow.feed.publications]
    assert all(later - earlier >= 3 for earlier, later in pairwise(heads))


async def test_step__another_market_is_due__only_those_of_what_is_pushed_travel() -> None:
    both = world(stepping((105, TAO * 101 // 100)), markets=(SN, OTHER))
    await both.run(to=110)
    assert {u.netuid for u in both.feed.publications[-1].updates} == {SN, OTHER}


async def test_step__first_price_after_a_break__is_not_bought_before_it_is_confirmed() -> None:
    fresh = expecting(trembling, COST + 1)
    fresh.risk.falling = FALLING
    await fresh.run(to=101)
    assert taken(fresh.feed) == [(101, False)]

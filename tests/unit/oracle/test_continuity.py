"""The first price after a break travels alone; who falls at it is taken once it is confirmed."""

import pytest

from oracle.continuity import Continuity, followed
from oracle.feed import SuspensionReason
from oracle.guard import Accept, Jump, Reference, Side, Withhold
from oracle.plan import Publication
from oracle.publication import Knowledge, Stalled, Unread
from oracle.quotes import NoPrice, NoPriceReason, Price
from tests.unit.oracle.prices import flat, rising, stepping
from tests.unit.oracle.simulated import (
    EMPTY_ROW,
    SN,
    TAO,
    SimulatedFeed,
    World,
    restarted,
    time_of,
    world,
)
from tests.unit.oracle.test_feeder_acting import FALLING
from units import BlockNumber, PriceWei

WHOLE = Continuity(first=BlockNumber(5), is_confirmed=True)


def price(block: int) -> Price:
    return Price(netuid=SN, rao=TAO, block=BlockNumber(block), time=time_of(block))


def held(block: int) -> Withhold:
    reference = Reference(price=PriceWei(1), block=BlockNumber(1))
    last = Reference(price=PriceWei(2), block=BlockNumber(block))
    jump = Jump(side=Side.ABOVE, since=BlockNumber(block), last=last, count=1)
    return Withhold(price=price(block), reference=reference, jump=jump)


def after(*known: Knowledge, before: Continuity | None = None) -> Continuity:
    state = before or Continuity()
    for each in known:
        state = followed(state, each, EMPTY_ROW)
    return state


def test_followed__one_price__is_not_confirmed_by_itself() -> None:
    assert not after(Accept(price=price(7))).is_confirmed
    assert not after(Accept(price=price(7)), Accept(price=price(7))).is_confirmed


def test_followed__a_later_block_has_a_price_too__confirmed() -> None:
    assert after(Accept(price=price(7)), Accept(price=price(8))).is_confirmed


def test_followed__a_guard_s_hold__is_itself_the_confirmation() -> None:
    assert after(held(7), held(8), Accept(price=price(9))).is_confirmed
    assert after(held(9), before=WHOLE).is_confirmed


@pytest.mark.parametrize(
    "breaks",
    [Stalled(blocks=10), *(NoPrice(netuid=SN, reason=reason) for reason in NoPriceReason)],
)
def test_followed__a_break__begins_anew(breaks: Knowledge) -> None:
    assert after(breaks, before=WHOLE) == Continuity()


def test_followed__one_reading_missed__is_no_break() -> None:
    assert after(Unread(), before=WHOLE) == WHOLE


@pytest.mark.parametrize("reason", SuspensionReason)
def test_followed__suspended_by_hand__is_a_break_and_by_the_fleet_s_guard_none(
    reason: SuspensionReason,
) -> None:
    row = EMPTY_ROW.__class__(
        price=PriceWei(1),
        source_block=BlockNumber(1),
        source_time=time_of(1),
        landed_time=None,
        suspended_at=BlockNumber(2),
        suspension=reason,
    )
    by_hand = reason in {
        SuspensionReason.GUARDIAN,
        SuspensionReason.IDENTITY,
        SuspensionReason.OPERATOR,
    }
    found = followed(WHOLE, Accept(price=price(9)), row)
    assert found == (Continuity() if by_hand else WHOLE)


# --- the feeder ---------------------------------------------------------------------------------


def taken(feed: SimulatedFeed) -> list[tuple[int, bool]]:
    """Of every publication: the head it was decided at, and whether it liquidates."""
    return [(each.head.number, bool(each.liquidations)) for each in feed.publications]


async def test_step__restarted__first_push_alone_and_the_liquidations_a_block_later() -> None:
    fresh = world(flat)
    fresh.risk.falling = FALLING
    await fresh.run(to=104)
    assert taken(fresh.feed) == [(101, False), (102, True)]
    second: Publication = fresh.feed.publications[1]
    assert [update.source_block for update in second.updates] == [100]


async def test_step__restarted_and_nobody_falls__nothing_follows_until_the_heartbeat() -> None:
    fresh = world(flat)
    await fresh.run(to=110)
    assert taken(fresh.feed) == [(101, False)]


async def test_step__confirming_and_risk_unknown__asked_again_until_it_is_known() -> None:
    fresh = world(flat)
    fresh.risk.unknown = "the book is behind"
    await fresh.run(to=104)
    fresh.risk.unknown, fresh.risk.falling = None, FALLING
    await fresh.run(to=105)
    assert taken(fresh.feed) == [(101, False), (105, True)]


async def test_step__price_was_gone_for_a_while__first_push_alone_again() -> None:
    broken = world(stepping((110, 0), (115, TAO)))
    await broken.run(to=116)
    broken.risk.falling = FALLING
    await broken.run(to=120)
    resumed = [each for each in taken(broken.feed) if each[0] > 110]
    assert resumed == [(117, False), (118, True)]


async def test_step__a_jump_ends_after_its_hold__carries_its_liquidations() -> None:
    jumping = world(stepping((110, TAO // 2)))
    await jumping.run(to=111)
    jumping.risk.falling = FALLING
    await jumping.run(to=125)
    assert taken(jumping.feed)[-1] == (122, True)


async def test_step__finality_was_lost__first_push_alone() -> None:
    stalled = world(flat)
    await stalled.run(to=105)
    await silence(stalled, to=120)
    stalled.risk.falling = FALLING
    await stalled.run(to=123)
    late = [each for each in taken(stalled.feed) if each[0] > 105]
    assert late == [(121, False), (122, True)]


async def silence(quiet: World, *, to: int) -> None:
    """Chain 964 goes on and no finalized head is heard of."""
    quiet.source.announces = None
    for number in range(quiet.feed.number + 1, to + 1):
        quiet.feed.advance_to(number)
        await quiet.feeder.step(None)


async def test_step__another_process_takes_over__its_second_price_carries_who_falls() -> None:
    before = world(stepping((104, TAO * 101 // 100)))
    await before.run(to=104)
    before.risk.falling = FALLING
    successor = restarted(before.source, before.feed, before.risk)
    before.feeder = successor
    await before.run(to=108)
    assert [each for each in taken(before.feed) if each[0] > 104] == [(106, True)]


async def test_step__the_first_price_was_wrong__the_next_one_says_so_at_once() -> None:
    """Who fell at the first price alone is healthy on chain a block later, and nobody is taken."""
    glitched = world(stepping((99, TAO * 9_995 // 10_000), (100, TAO)))
    glitched.risk.falling = FALLING
    glitched.risk.only_at = PriceWei(TAO * 9_995 // 10_000 * 10**9)
    await glitched.run(to=104)
    assert taken(glitched.feed) == [(101, False), (102, False)]
    assert glitched.feed.prices(SN)[-1] == TAO * 10**9


async def test_unconfirmed__first_price_went_alone__until_the_second_is_in_the_feed() -> None:
    fresh = world(flat)
    fresh.risk.falling = FALLING
    told = []
    for number in range(101, 106):
        await fresh.run(to=number)
        told.append((number, set(fresh.feeder.unconfirmed)))
    # sent at 101 and 102, so in the feed at 102 and 103
    assert told == [(101, {SN}), (102, {SN}), (103, set()), (104, set()), (105, set())]


async def test_unconfirmed__the_second_price_went_without_knowing_who_falls__goes_on() -> None:
    fresh = world(rising)
    fresh.risk.falling = FALLING
    await fresh.run(to=101)
    fresh.risk.unknown = "the book is behind"
    await fresh.run(to=105)
    assert len(fresh.feed.publications) == 5
    assert fresh.feeder.unconfirmed == {SN}
    fresh.risk.unknown = None
    await fresh.run(to=107)
    assert taken(fresh.feed)[-2:] == [(106, True), (107, True)]
    assert fresh.feeder.unconfirmed == frozenset()


async def test_unconfirmed__nobody_falls_at_either_price__until_that_is_known() -> None:
    fresh = world(flat)
    await fresh.run(to=101)
    assert fresh.feeder.unconfirmed == {SN}
    await fresh.run(to=102)
    assert fresh.feeder.unconfirmed == frozenset()

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.due import PublicationPolicy, PublishReason
from oracle.feed import (
    FeedRowView,
    MarketFeed,
    PendingPush,
    PendingSuspension,
    SuspensionReason,
    Update,
)
from oracle.guard import Accept, Jump, Reference, Side, Withhold
from oracle.publication import (
    Decision,
    Hold,
    HoldReason,
    Knowledge,
    Publish,
    Stalled,
    Suspend,
    Unread,
    decide,
    describe_jump,
)
from oracle.quotes import NoPrice, NoPriceReason, Price
from tests.unit.oracle.simulated import EMPTY_ROW, SN, head, time_of
from units import BlockNumber, PriceWei, Rao, Timestamp

POLICY = PublicationPolicy()
HEAD = head(1_000)
PUBLISHED = 10**9
"""RAO: the price in the row of these tests, pushed at block 990 and landed at 992."""

ROW = FeedRowView(
    price=PriceWei(PUBLISHED * 10**9),
    source_block=BlockNumber(990),
    source_time=time_of(990),
    landed_time=time_of(992),
    suspended_at=BlockNumber(0),
    suspension=SuspensionReason.NONE,
)


def accepted(rao: int = PUBLISHED, block: int = 998) -> Accept:
    return Accept(
        price=Price(netuid=SN, rao=Rao(rao), block=BlockNumber(block), time=time_of(block))
    )


def held(rao: int = 2 * PUBLISHED) -> Withhold:
    jump = Jump(
        side=Side.ABOVE,
        since=BlockNumber(996),
        last=Reference(price=PriceWei(rao * 10**9), block=BlockNumber(998)),
        count=3,
    )
    reference = Reference(price=ROW.price, block=BlockNumber(995))
    return Withhold(price=accepted(rao).price, reference=reference, jump=jump)


def no_price(reason: NoPriceReason) -> NoPrice:
    return NoPrice(netuid=SN, reason=reason)


def suspended(reason: SuspensionReason, at: int = 995) -> FeedRowView:
    return replace(ROW, suspension=reason, suspended_at=BlockNumber(at))


def decided(known: Knowledge, market: MarketFeed | FeedRowView = ROW) -> Decision:
    market = market if isinstance(market, MarketFeed) else MarketFeed(row=market)
    return decide(known, market, HEAD, POLICY)


def push_in_flight(
    rao: int, *, block: int = 997, sent_at: int = 999, row: FeedRowView = ROW
) -> MarketFeed:
    update = Update(
        netuid=SN,
        price=PriceWei(rao * 10**9),
        source_block=BlockNumber(block),
        source_time=time_of(block),
    )
    return MarketFeed(row=row, push=PendingPush(update=update, sent_at=head(sent_at)))


def suspension_in_flight(
    reason: SuspensionReason, *, sent_at: int = 999, row: FeedRowView = ROW
) -> MarketFeed:
    return MarketFeed(row=row, suspension=PendingSuspension(reason=reason, sent_at=head(sent_at)))


def reason_of(decision: Decision) -> object:
    return decision.reason


def test_decide__a_market_without_a_price__is_published_first() -> None:
    decision = decided(accepted(), EMPTY_ROW)
    assert decision == Publish(
        update=Update(
            netuid=SN,
            price=PriceWei(PUBLISHED * 10**9),
            source_block=BlockNumber(998),
            source_time=time_of(998),
        ),
        reason=PublishReason.FIRST,
    )


@pytest.mark.parametrize("sign", [1, -1])
def test_decide__the_price_has_moved_by_the_deviation__is_published(sign: int) -> None:
    at_band = PUBLISHED + sign * PUBLISHED // 1_000
    assert reason_of(decided(accepted(at_band))) is PublishReason.DEVIATION
    assert reason_of(decided(accepted(at_band - sign))) is HoldReason.WITHIN_BAND


@given(st.integers(1, 2**63 - 1), st.integers(1, 2**63 - 1))
def test_decide__any_two_prices__are_due_exactly_at_the_band(published: int, now: int) -> None:
    decision = decided(accepted(now), replace(ROW, price=PriceWei(published * 10**9)))
    is_due = abs(now - published) * 1_000 >= published
    assert isinstance(decision, Publish) == is_due


def landed_seconds_ago(seconds: int) -> Timestamp:
    return Timestamp(HEAD.time - seconds)


def test_decide__the_last_push_landed_a_heartbeat_ago__is_published_unchanged() -> None:
    assert reason_of(decided(accepted(), replace(ROW, landed_time=landed_seconds_ago(600)))) is (
        PublishReason.HEARTBEAT
    )
    assert reason_of(decided(accepted(), replace(ROW, landed_time=landed_seconds_ago(599)))) is (
        HoldReason.WITHIN_BAND
    )


def test_decide__when_it_landed_is_unknown__the_source_time_stands_for_it() -> None:
    row = replace(ROW, landed_time=None, source_time=landed_seconds_ago(600))
    assert reason_of(decided(accepted(), row)) is PublishReason.HEARTBEAT


def test_decide__a_push_is_in_flight__counts_as_published() -> None:
    moved = PUBLISHED * 2
    assert reason_of(decided(accepted(moved), push_in_flight(moved))) is HoldReason.IN_FLIGHT
    assert reason_of(decided(accepted(moved), push_in_flight(PUBLISHED))) is PublishReason.DEVIATION


def test_decide__the_push_in_flight_is_of_this_block__is_not_sent_twice() -> None:
    market = push_in_flight(PUBLISHED, block=998)
    assert reason_of(decided(accepted(PUBLISHED * 2), market)) is HoldReason.IN_FLIGHT


def test_decide__an_old_row_with_a_push_in_flight__needs_no_heartbeat() -> None:
    old = replace(ROW, landed_time=landed_seconds_ago(5_000))
    assert reason_of(decided(accepted(), push_in_flight(PUBLISHED, row=old))) is (
        HoldReason.IN_FLIGHT
    )


def test_decide__the_push_in_flight_is_overdue__is_pushed_again() -> None:
    moved = PUBLISHED * 2
    assert reason_of(decided(accepted(moved), push_in_flight(moved, sent_at=997))) is (
        HoldReason.IN_FLIGHT
    )
    assert reason_of(decided(accepted(moved), push_in_flight(moved, sent_at=996))) is (
        PublishReason.DEVIATION
    )


def test_decide__another_has_published_beyond_the_push_in_flight__the_row_counts() -> None:
    row = replace(ROW, source_block=BlockNumber(997), price=PriceWei(2 * PUBLISHED * 10**9))
    market = push_in_flight(PUBLISHED, block=997, row=row)
    assert reason_of(decided(accepted(2 * PUBLISHED), market)) is HoldReason.WITHIN_BAND


def test_decide__the_row_is_as_new_as_the_reading__holds() -> None:
    assert reason_of(decided(accepted(PUBLISHED * 2, block=990))) is HoldReason.NOT_NEWER


def test_decide__the_source_block_is_too_old_for_the_next_block__holds() -> None:
    row = replace(ROW, source_block=BlockNumber(900))
    assert reason_of(decided(accepted(PUBLISHED * 2, block=976), row)) is PublishReason.DEVIATION
    assert reason_of(decided(accepted(PUBLISHED * 2, block=975), row)) is HoldReason.TOO_OLD


def test_decide__the_node_of_the_chain_lags_behind_finality__does_not_keep_a_price_back() -> None:
    at_most = HEAD.number + POLICY.ahead_blocks_max
    assert reason_of(decided(accepted(PUBLISHED * 2, block=at_most))) is PublishReason.DEVIATION
    beyond = decided(accepted(PUBLISHED * 2, block=at_most + 1))
    assert reason_of(beyond) is HoldReason.AHEAD_OF_CHAIN


def test_decide__the_source_time_alone_is_ahead_of_the_chain__holds() -> None:
    price = replace(accepted(PUBLISHED * 2).price, time=time_of(1_006))
    assert reason_of(decided(Accept(price=price))) is HoldReason.AHEAD_OF_CHAIN


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (held(), SuspensionReason.JUMP),
        (no_price(NoPriceReason.ZERO_PRICE), SuspensionReason.NO_PRICE),
        (no_price(NoPriceReason.NOT_DYNAMIC), SuspensionReason.NO_PRICE),
        (no_price(NoPriceReason.NO_PRICE_API), SuspensionReason.NO_PRICE),
        (no_price(NoPriceReason.REREGISTERED), SuspensionReason.IDENTITY),
        (no_price(NoPriceReason.UNKNOWN_SUBNET), SuspensionReason.IDENTITY),
        (Stalled(blocks=12), SuspensionReason.STALL),
    ],
)
def test_decide__the_price_is_not_known__the_market_is_suspended(
    known: Knowledge, reason: SuspensionReason
) -> None:
    decision = decided(known)
    assert isinstance(decision, Suspend)
    assert decision.reason is reason


def test_decide__nothing_was_read_this_time__holds_and_does_not_suspend() -> None:
    assert decided(Unread()) == Hold(reason=HoldReason.NO_READING)


def test_decide__suspended_already__is_not_suspended_again() -> None:
    assert reason_of(decided(held(), suspended(SuspensionReason.NO_PRICE))) is (
        HoldReason.ALREADY_SUSPENDED
    )


def test_decide__a_suspension_is_in_flight__neither_suspends_nor_publishes() -> None:
    market = suspension_in_flight(SuspensionReason.JUMP)
    assert reason_of(decided(held(), market)) is HoldReason.SUSPENSION_IN_FLIGHT
    assert reason_of(decided(accepted(PUBLISHED * 2), market)) is HoldReason.SUSPENSION_IN_FLIGHT


def test_decide__the_suspension_has_landed__is_in_flight_no_more() -> None:
    landed = suspended(SuspensionReason.JUMP, at=1_000)
    market = suspension_in_flight(SuspensionReason.JUMP, row=landed)
    assert reason_of(decided(accepted(), market)) is HoldReason.BEFORE_SUSPENSION
    assert reason_of(decided(held(), market)) is HoldReason.ALREADY_SUSPENDED


def test_decide__the_suspension_in_flight_is_overdue__is_suspended_again() -> None:
    market = suspension_in_flight(SuspensionReason.JUMP, sent_at=996)
    assert isinstance(decided(held(), market), Suspend)


def test_decide__a_resuming_push_is_in_flight_and_the_price_jumps__is_suspended_behind_it() -> None:
    row = suspended(SuspensionReason.JUMP, at=990)
    assert isinstance(decided(held(), push_in_flight(PUBLISHED, row=row)), Suspend)


def test_decide__the_identity_changed_in_a_suspended_market__the_stronger_reason_is_set() -> None:
    known = no_price(NoPriceReason.REREGISTERED)
    decision = decided(known, suspended(SuspensionReason.JUMP))
    assert isinstance(decision, Suspend)
    assert decision.reason is SuspensionReason.IDENTITY
    coming = suspension_in_flight(SuspensionReason.IDENTITY, row=suspended(SuspensionReason.JUMP))
    assert reason_of(decided(known, coming)) is HoldReason.SUSPENSION_IN_FLIGHT


@pytest.mark.parametrize(
    "reason",
    [
        SuspensionReason.NO_PRICE,
        SuspensionReason.JUMP,
        SuspensionReason.STALL,
    ],
)
def test_decide__suspended_and_the_price_is_known__a_push_resumes(reason: SuspensionReason) -> None:
    assert reason_of(decided(accepted(), suspended(reason))) is PublishReason.RESUME


def test_decide__the_price_is_older_than_the_suspension__waits_for_a_newer_one() -> None:
    row = suspended(SuspensionReason.JUMP, at=999)
    assert reason_of(decided(accepted(block=998), row)) is HoldReason.BEFORE_SUSPENSION
    assert reason_of(decided(accepted(block=999), row)) is PublishReason.RESUME


def test_decide__a_push_of_before_the_suspension_is_in_flight__does_not_count() -> None:
    row = suspended(SuspensionReason.JUMP, at=998)
    assert reason_of(decided(accepted(block=999), push_in_flight(PUBLISHED, row=row))) is (
        PublishReason.RESUME
    )


def test_decide__a_resuming_push_is_in_flight__is_not_sent_twice() -> None:
    row = suspended(SuspensionReason.JUMP, at=996)
    assert reason_of(decided(accepted(), push_in_flight(PUBLISHED, row=row))) is (
        HoldReason.IN_FLIGHT
    )


@pytest.mark.parametrize(
    ("reason", "hold"),
    [
        (SuspensionReason.GUARDIAN, HoldReason.GUARDIAN),
        (SuspensionReason.IDENTITY, HoldReason.IDENTITY),
        (SuspensionReason.OPERATOR, HoldReason.OPERATOR),
    ],
)
def test_decide__suspended_by_somebody_who_must_resume_it__holds_and_needs_a_human(
    reason: SuspensionReason, hold: HoldReason
) -> None:
    for known in (accepted(PUBLISHED * 2), held()):
        decision = decided(known, suspended(reason))
        assert isinstance(decision, Hold)
        if hold is not HoldReason.OPERATOR or isinstance(known, Accept):
            assert decision.reason is hold
            assert decision.needs_a_human


def test_decide__an_ordinary_hold__needs_nobody() -> None:
    decision = decided(accepted())
    assert isinstance(decision, Hold)
    assert not decision.needs_a_human


def test_describe_jump__a_doubled_price__says_how_far_and_how_long() -> None:
    assert describe_jump(held()) == ("+10000 bps, beyond the limit since block 996, stood 3 blocks")


def test_silence_s_max__the_defaults__fit_a_trading_age_of_fifteen_minutes() -> None:
    assert POLICY.silence_s_max == 900

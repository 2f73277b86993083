"""When a price is published and when it waits."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.due import PublishReason
from oracle.feed import Update
from oracle.guard import Accept
from oracle.publication import HoldReason, Publish, describe_jump
from tests.unit.oracle.deciding import (
    HEAD,
    POLICY,
    PUBLISHED,
    ROW,
    accepted,
    decided,
    held,
    push_in_flight,
    reason_of,
)
from tests.unit.oracle.simulated import EMPTY_ROW, SN, time_of
from units import BlockNumber, PriceWei, Timestamp


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


def test_decide__the_push_was_sent_at_a_block_that_was_made_up__is_pushed_again() -> None:
    market = push_in_flight(PUBLISHED * 2, sent_at=10**9)
    assert reason_of(decided(accepted(PUBLISHED * 2), market)) is PublishReason.DEVIATION


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


def test_describe_jump__a_doubled_price__says_how_far_and_how_long() -> None:
    assert describe_jump(held()) == ("+10000 bps, held since block 996, stood 3 blocks")


def test_silence_s_max__the_defaults__fit_a_trading_age_of_fifteen_minutes() -> None:
    assert POLICY.silence_s_max == 900

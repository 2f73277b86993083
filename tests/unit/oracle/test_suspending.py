"""When a market is suspended, and what ends that."""

import pytest

from oracle.due import PublishReason
from oracle.feed import SuspensionReason
from oracle.guard import Accept
from oracle.publication import Hold, HoldReason, Knowledge, Stalled, Suspend, Unread
from oracle.quotes import NoPriceReason
from tests.unit.oracle.deciding import (
    PUBLISHED,
    accepted,
    decided,
    held,
    no_price,
    push_in_flight,
    reason_of,
    suspended,
    suspension_in_flight,
)


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

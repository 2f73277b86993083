import pytest

from keepers.liquidation.outcomes import (
    Liquidated,
    LiquidationCallFailed,
    LiquidationOutcome,
    LiquidationResult,
    LiquidationSkipped,
    NotAttempted,
    ReceiptEvent,
    Skipped,
    SkipReason,
    lost_results,
    may_be_sent_again,
    mined_results,
)
from tests.unit.keepers.liquidation.examples import liquidated, position

ONE, TWO, THREE = (position(n) for n in (1, 2, 3))
KEYS = [p.key for p in (ONE, TWO, THREE)]


def test_mined_results__events_in_any_order__gives_each_position_its_own_outcome() -> None:
    events: list[ReceiptEvent] = [
        LiquidationSkipped(id=THREE.key.id, reason=SkipReason.HEALTHY),
        liquidated(ONE),
        LiquidationSkipped(id=TWO.key.id, reason=SkipReason.CLOSED),
    ]
    assert mined_results(KEYS, events) == (
        LiquidationResult(key=ONE.key, outcome=Liquidated(event=liquidated(ONE))),
        LiquidationResult(key=TWO.key, outcome=Skipped(reason=SkipReason.CLOSED)),
        LiquidationResult(key=THREE.key, outcome=Skipped(reason=SkipReason.HEALTHY)),
    )


def test_mined_results__id_reopened_and_liquidated_since__is_closed_for_the_one_meant() -> None:
    event = liquidated(position(1, sequence=2))
    (result,) = mined_results([ONE.key], [event])
    assert result.outcome == Skipped(reason=SkipReason.CLOSED)


def test_mined_results__liquidated_and_skipped_in_one_receipt__is_liquidated() -> None:
    skipped = LiquidationSkipped(id=ONE.key.id, reason=SkipReason.CLOSED)
    done = liquidated(ONE)
    orders: list[list[ReceiptEvent]] = [[done, skipped], [skipped, done]]
    for events in orders:
        (result,) = mined_results([ONE.key], events)
        assert isinstance(result.outcome, Liquidated)


def test_mined_results__call_into_the_exchange_failed__says_so_of_every_position() -> None:
    results = mined_results(KEYS, [LiquidationCallFailed(detail="0x")])
    assert {result.outcome for result in results} == {
        NotAttempted(detail="the call into the exchange failed: 0x")
    }


def test_mined_results__receipt_is_silent__is_not_taken_for_done() -> None:
    (result,) = mined_results([ONE.key], [])
    assert result.outcome == NotAttempted(detail="the receipt does not mention it")


def test_lost_results__any_keys__gives_each_the_detail() -> None:
    assert lost_results(KEYS[:1], "it expired") == (
        LiquidationResult(key=ONE.key, outcome=NotAttempted(detail="it expired")),
    )


@pytest.mark.parametrize(
    ("outcome", "again"),
    [
        (Liquidated(event=liquidated(ONE)), False),
        (Skipped(reason=SkipReason.CLOSED), False),
        (Skipped(reason=SkipReason.HEALTHY), True),
        (Skipped(reason=SkipReason.STALE), True),
        (Skipped(reason=SkipReason.SUSPENDED), True),
        (Skipped(reason=SkipReason.GAS), True),
        (NotAttempted(detail=""), True),
    ],
    ids=str,
)
def test_may_be_sent_again__each_outcome__only_when_it_may_still_be_there(
    outcome: LiquidationOutcome, again: bool
) -> None:
    assert may_be_sent_again(outcome) is again

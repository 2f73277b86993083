"""What a receipt said of each position survives as text."""

import pytest

from keepers.liquidation.outcomes import (
    Liquidated,
    LiquidationCallFailed,
    LiquidationSkipped,
    NotAttempted,
    Skipped,
    SkipReason,
)
from keepers.liquidation.records import RecordError
from keepers.liquidation.reports import Report, read, write
from tests.unit.keepers.liquidation.examples import liquidated, position
from units import BlockNumber, Wei

KEYS = tuple(position(number).key for number in range(1, 4))
SKIPS = tuple(LiquidationSkipped(id=KEYS[1].id, reason=reason) for reason in SkipReason)
REPORTS = {
    "liquidated and left": Report(
        block=BlockNumber(7),
        gas_used=10**6,
        fee=Wei(2**90),
        events=(liquidated(position(1)), *SKIPS, LiquidationCallFailed(detail="paused")),
    ),
    "reverted": Report(block=BlockNumber(7), gas_used=1, fee=Wei(1), lost="reverted: no role"),
    "expired": Report(lost="expired: its last block passed"),
}


@pytest.mark.parametrize("report", REPORTS.values(), ids=list(REPORTS))
def test_report__written_and_read__is_the_same(report: Report) -> None:
    assert read(write(report)) == report


def test_results__mined__are_of_each_position() -> None:
    report = Report(events=(liquidated(position(1)), SKIPS[0]))
    outcomes = [result.outcome for result in report.results(KEYS)]
    assert outcomes == [
        Liquidated(event=liquidated(position(1))),
        Skipped(reason=SkipReason.HEALTHY),
        NotAttempted(detail="the receipt does not mention it"),
    ]


def test_results__lost__no_position_was_attempted() -> None:
    results = Report(lost="expired: too late").results(KEYS)
    assert {result.outcome for result in results} == {NotAttempted(detail="expired: too late")}


@pytest.mark.parametrize(
    "text", ["", "{}", write(REPORTS["liquidated and left"]).replace("HEALTHY", "HALE")]
)
def test_read__something_else__is_refused(text: str) -> None:
    with pytest.raises(RecordError, match="not a report"):
        read(text)

"""What a contest comes to: who was late, and what its document says."""

from dataclasses import replace

import pytest

from devnet.chaos.audit import Verdict
from devnet.leadership.faults import Fault, Takeover
from devnet.leadership.report import STOPS_WITHIN_S, WITHIN_S, ContestReport

CLEAN = Verdict(
    outcomes={},
    told_by_journal_alone=0,
    duplicates=(),
    lost=(),
    ended_twice=(),
    told_twice=(),
    gaps=(),
    inconsistent=(),
    misbooked=(),
)
REPORT = ContestReport(
    database="postgresql",
    lease_s=10.0,
    seed=1,
    processes=3,
    blocks=9,
    pieces=8,
    nonces=7,
    duration_s=6.0,
    takeovers=(
        Takeover(fault=Fault.KILLED, led_s=0.5, seconds=1.0),
        Takeover(fault=Fault.KILLED, led_s=1.5, seconds=4.0),
        Takeover(fault=Fault.STORE_AWAY, seconds=2.0, stopped_s=3.0),
    ),
    verdict=CLEAN,
)


def test_as_json__every_fault__has_its_count_and_its_times() -> None:
    found = REPORT.as_json()
    assert found["faults"] == {
        "killed": {
            "count": 2,
            "seconds_median": 2.5,
            "seconds_max": 4.0,
            "led_s_median": 1.0,
            "led_s_max": 1.5,
        },
        "store away": {
            "count": 1,
            "seconds_median": 2.0,
            "seconds_max": 2.0,
            "decided_s_max": 3.0,
        },
    }
    assert (found["duplicates"], found["slow"], found["is_clean"]) == (0, 0, True)


@pytest.mark.parametrize(
    "late",
    [
        Takeover(fault=Fault.STOPPED, seconds=WITHIN_S + 0.1),
        Takeover(fault=Fault.STORE_AWAY, seconds=1.0, stopped_s=STOPS_WITHIN_S + 0.1),
    ],
)
def test_is_clean__somebody_acted_too_late_or_decided_too_long__no(late: Takeover) -> None:
    report = replace(REPORT, takeovers=(*REPORT.takeovers, late))
    assert (report.is_clean, report.slow) == (False, (late,))


def test_is_clean__something_was_done_twice__no() -> None:
    report = replace(REPORT, verdict=replace(CLEAN, duplicates=(3,)))
    assert not report.is_clean
    assert (report.as_json()["duplicates"], report.as_json()["culprits"]) == (
        1,
        {"duplicates": [3]},
    )

"""What a run leaves behind says what was found, and which pieces it was found in."""

import io

from rich.console import Console

from devnet.chaos.audit import Verdict
from devnet.chaos.report import Report, print_report

VERDICT = Verdict(
    outcomes={"steady": {"expired": 1, "mined": 2}, "hasty": {"expired": 1}},
    told_by_journal_alone=1,
    duplicates=(3, 5),
    lost=(),
    ended_twice=(),
    told_twice=(),
    gaps=(),
    inconsistent=(),
    misbooked=(),
)
REPORT = Report(
    kills=2,
    requests=4,
    seed=1,
    duration_s=3.5,
    blocks=9,
    spikes=1,
    dropped=0,
    nonces=4,
    deaths={"seen": 2},
    network_faults={},
    idle_deaths=1,
    verdict=VERDICT,
)


def test_as_json__something_was_found__counted_and_the_culprits_are_named() -> None:
    plain = REPORT.as_json()
    assert plain["duplicates"] == 2
    assert plain["lost"] == plain["gaps"] == 0
    assert plain["culprits"] == {"duplicates": [3, 5]}
    assert plain["is_clean"] is False
    assert plain["deaths"] == {"seen": 2}
    assert "verdict" not in plain


def test_print_report__something_was_found__named_and_the_rest_is_none() -> None:
    written = io.StringIO()
    print_report(Console(file=written, width=100), REPORT)
    lines = written.getvalue().splitlines()
    assert any(line.split() == ["duplicates", "[3,", "5]"] for line in lines)
    assert any(line.split() == ["gaps", "none"] for line in lines)
    assert any("2, of which 1 with nothing in flight" in line for line in lines)

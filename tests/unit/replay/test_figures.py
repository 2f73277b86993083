"""What people read of a run is what the run was."""

from pathlib import Path
from typing import Any

import pytest

from replay.figures import figure_rows
from replay.run import ReplayOptions, run_blocking


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Of an hour in which somebody trades."""
    out: Path = tmp_path_factory.mktemp("replay")
    return run_blocking(ReplayOptions(out=out, hours=1, traders=5), lambda _done, _total: None)


def test_figures__of_an_hour__count_what_the_fleet_sent_for_each_work(
    summary: dict[str, Any],
) -> None:
    rows, gas = figure_rows(summary)["What it cost"], summary["gas"]
    pushing, every = gas["by_work"]["prices"]["transactions"], gas["transactions"]

    assert 0 < pushing < every
    assert rows["prices pushed"] == f"{summary['feed']['pushes']} in {pushing} transactions"
    assert rows["transactions"] == str(every)
    assert rows["funding accruals"] == "0", "trades accrue as well, and nothing is due yet"
    assert summary["positions_opened"] > 0


def test_figures__no_market_was_ever_open__has_no_distance(summary: dict[str, Any]) -> None:
    nothing = {"tracking_error_bps_mean": None, "tracking_error_bps_max": None}
    closed = {**summary, "feed": {**summary["feed"], **nothing}}

    assert figure_rows(closed)["What it cost"]["tracking error"] == "– mean, – at most"


def test_figures__a_duty_was_neglected__is_named(summary: dict[str, Any]) -> None:
    duty = "the feed follows the source"
    late = {**summary, "duties_neglected": {duty: ["block 7: …"]}}

    assert figure_rows(summary)["What it cost"]["duties neglected"] == "none"
    assert figure_rows(late)["What it cost"]["duties neglected"] == duty

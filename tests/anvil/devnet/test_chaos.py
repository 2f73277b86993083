"""A short run of what `make chaos` runs: real processes, real kills, a real chain."""

import pytest

from devnet.chaos.run import ChaosOptions, run_chaos

pytestmark = [pytest.mark.anvil, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.mark.parametrize("is_network_bad", [False, True], ids=["", "over a bad network"])
async def test_run_chaos__killed_at_random_instants__every_request_ends_exactly_once(
    is_network_bad: bool,
) -> None:
    kills: list[int] = []
    options = ChaosOptions(kills=8, requests=40, seed=7, is_network_bad=is_network_bad)
    report = await run_chaos(options, kills.append)
    assert report.verdict.is_clean, report.verdict
    assert kills == list(range(1, 9))
    assert report.deaths, "not one kill hit a transaction in flight"
    ended = sum(sum(counts.values()) for counts in report.verdict.outcomes.values())
    assert ended == report.requests == 40
    assert report.as_json()["duplicates"] == 0
    assert bool(report.network_faults) == is_network_bad

"""A short run of what `make chaos` runs: real processes, real kills, a real chain."""

import pytest

from devnet.chaos.run import ChaosOptions, run_chaos

pytestmark = [pytest.mark.anvil, pytest.mark.slow]


async def test_run_chaos__killed_at_random_instants__every_request_ends_exactly_once() -> None:
    kills: list[int] = []
    report = await run_chaos(ChaosOptions(kills=8, requests=40, seed=7), kills.append)
    assert report.verdict.is_clean, report.verdict
    assert kills == list(range(1, 9))
    assert report.deaths, "not one kill hit a transaction in flight"
    ended = sum(sum(counts.values()) for counts in report.verdict.outcomes.values())
    assert ended == report.requests == 40
    assert report.as_json()["duplicates"] == 0

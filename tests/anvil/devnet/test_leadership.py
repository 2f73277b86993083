"""A short run of `make chaos MODE=leadership`: real processes, a real server, a real chain."""

import pytest

from devnet.leadership.contest import ContestOptions, run_contest
from devnet.leadership.faults import Fault, Takeover

pytestmark = [pytest.mark.anvil, pytest.mark.slow]

LEASE_S = 6.0
WITHIN_S = 90.0
"""For what `make chaos` wants to see sooner, on a machine that does nothing else."""
_KILLED = {Fault.KILLED, Fault.KILLED_ELSEWHERE}
"""Which of the two it is depends on who leads."""


@pytest.mark.parametrize(
    ("is_file", "kinds"),
    [(False, tuple(Fault)), (True, (Fault.KILLED, Fault.TOLD))],
    ids=["a server", "a file"],
)
@pytest.mark.timeout(900)
async def test_run_contest__every_fault__somebody_takes_over_and_nothing_is_done_twice(
    is_file: bool, kinds: tuple[Fault, ...]
) -> None:
    told: list[Takeover] = []
    options = ContestOptions(faults=len(kinds), lease_s=LEASE_S, is_file=is_file, kinds=kinds)
    report = await run_contest(options, told.append)
    assert report.verdict.is_clean, report.verdict
    assert {each.fault for each in told} | _KILLED == set(kinds) | _KILLED
    assert report.nonces > 0
    assert report.as_json()["duplicates"] == 0
    assert all(each.seconds < WITHIN_S for each in told), told
    assert all((each.stopped_s or 0.0) < LEASE_S for each in told), "before another one may lead"
    by_seconds = {each.fault: each.seconds for each in told}
    for fault in (Fault.STOPPED, Fault.PARTITIONED, Fault.KILLED_ELSEWHERE):
        assert by_seconds.get(fault, LEASE_S) > LEASE_S * 0.7, (
            "nobody may be quicker than the lease"
        )

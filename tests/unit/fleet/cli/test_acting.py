"""Consent on a terminal, and the wait for outcomes."""

import asyncio
import io
import sys
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from fleet.cli.acting import Acting, Stop, stopped, tell_outcomes
from fleet.cli.exits import Exit
from fleet.cli.output import Output
from fleet.transactions.request import Expired, Settled, Superseded
from tests.unit.fleet.cli.simulated import SimulatedFleet

CAREFUL = Acting(yes=False, dry_run=False, wait_s=0.02)


class Terminal(io.StringIO):
    """Somebody types."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("y\n", None),
        ("n\n", Stop(reason="not confirmed: nothing was done", code=Exit.REFUSED)),
        ("\n", Stop(reason="not confirmed: nothing was done", code=Exit.REFUSED)),
    ],
)
async def test_stopped__on_a_terminal__does_as_it_is_told(
    fleet: SimulatedFleet, monkeypatch: pytest.MonkeyPatch, typed: str, expected: Stop | None
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    out = Output(is_json=False)

    assert await stopped(CAREFUL, out, "Act?", needs_key=True, fleet=fleet) == expected


async def test_stopped__a_script_reads__is_not_asked(
    fleet: SimulatedFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))

    stop = await stopped(CAREFUL, Output(is_json=True), "Act?", needs_key=True, fleet=fleet)

    assert stop == Stop(reason="not confirmed: add --yes to act", code=Exit.REFUSED)


@pytest.mark.parametrize(("wait_s", "code"), [(0.02, Exit.REFUSED), (0, Exit.DONE)])
async def test_tell_outcomes__later_than_the_wait__is_no_success_unless_none_was_waited_for(
    fleet: SimulatedFleet,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    wait_s: float,
    code: Exit,
) -> None:
    async def never() -> AsyncIterator[Settled]:
        await asyncio.Event().wait()
        yield fleet.journal.settled[0]

    monkeypatch.setattr(fleet, "outcomes", never)

    acting = replace(CAREFUL, wait_s=wait_s)
    assert await tell_outcomes(fleet, acting, Output(is_json=False)) is code
    assert "some are still on their way" in capsys.readouterr().out


async def test_tell_outcomes__withdrawn_or_overtaken__is_a_failure(
    fleet: SimulatedFleet, capsys: pytest.CaptureFixture[str]
) -> None:
    for outcome in (Expired(), Superseded()):
        fleet.journal.outcome = outcome
        fleet.journal.send(f"work that {type(outcome).__name__}")

    assert await tell_outcomes(fleet, CAREFUL, Output(is_json=False)) is Exit.REFUSED
    said = capsys.readouterr().out
    assert "work that Expired: without effect, its last block passed" in said
    assert "its nonce was used by a transaction from elsewhere" in said

"""The demo with a puppet in the fleet's place: what it says when the fleet does not do its part."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from devnet import replay
from devnet.demo import DemoOptions, drill, lead, run
from devnet.failure import DevnetError

pytestmark = pytest.mark.anvil

PUPPET = Path(__file__).with_name("puppet_fleet.py")


@pytest.fixture
def options(tmp_path: Path) -> DemoOptions:
    return DemoOptions(out=tmp_path / "demo", hours=1, traders=20)


@pytest.fixture
def console() -> Iterator[Console]:
    with Path("/dev/null").open("w") as nowhere:
        yield Console(file=nowhere)


def play(monkeypatch: pytest.MonkeyPatch, manner: str) -> None:
    def command(network: Path) -> list[str]:
        return [sys.executable, str(PUPPET), str(network), manner]

    monkeypatch.setattr(drill, "fleet_command", command)


async def test_demo__fleet_that_dies_at_once__its_last_lines_are_shown(
    options: DemoOptions, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(monkeypatch, "die")
    with pytest.raises(DevnetError, match=r"status 3[\s\S]*no database today"):
        await run(options, console=console)
    assert not options.summary.exists()


async def test_demo__fleet_that_never_takes_part__said_with_the_names_missing(
    options: DemoOptions, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(monkeypatch, "hide")
    monkeypatch.setattr(lead, "_JOIN_SECONDS_MAX", 1.0)
    with pytest.raises(DevnetError, match=r"did not join within .*feeder, funding, liquidator"):
        await run(options, console=console)


async def test_demo__fleet_that_leaves_the_lock_step__no_verdict_without_it(
    options: DemoOptions, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(monkeypatch, "leave")
    with pytest.raises(DevnetError, match=r"left the lock-step|ended with status 0"):
        await run(options, console=console)


async def test_demo__fleet_that_does_nothing__the_drill_has_failed_and_the_summary_says_why(
    options: DemoOptions, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(monkeypatch, "obey")
    with pytest.raises(DevnetError, match="duty neglected: the_feed_follows_the_source"):
        await run(options, console=console)
    summary = json.loads(options.summary.read_text())
    assert summary["blocks"] == 296
    assert summary["positions_opened"] == 0
    assert summary["invariants"]["tao_is_accounted_for"] is True
    assert summary["duties"]["the_feed_follows_the_source"] is False
    assert summary["fleet_transactions"] == 0
    assert (summary["left_alone"], summary["healthy_touched"]) == (0, 0)
    assert set(summary["markets"]["64"]) >= {"pushes", "gap_bps_max", "accruals"}


async def test_demo__sigterm_in_the_middle__ends_without_a_verdict(
    options: DemoOptions, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(monkeypatch, "obey")
    monkeypatch.setattr(replay, "BLOCKS_AN_HOUR", 100_000)
    asyncio.get_running_loop().call_later(2.0, os.kill, os.getpid(), signal.SIGTERM)
    with pytest.raises(DevnetError, match=r"stopped at block .*: no verdict"):
        await run(options, console=console)
    assert not options.summary.exists()


async def test_demo__tape_that_does_not_last__one_line(
    options: DemoOptions, console: Console, tmp_path: Path
) -> None:
    tape = tmp_path / "short.csv"
    tape.write_text(
        "block,timestamp_utc,sn64\n"
        "5000000,2025-03-07T00:00:00+00:00,202136670\n"
        "5000010,2025-03-07T00:02:00+00:00,202119418\n"
    )
    short = DemoOptions(out=options.out, hours=1, tape=tape)
    with pytest.raises(DevnetError, match=r"short\.csv: 0 h from the start to its end, 1 h wanted"):
        await run(short, console=console)

"""The demo as it is: the real fleet through a crash and a spike, twice with the same result."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from devnet.demo import DemoOptions, run

pytestmark = [pytest.mark.anvil, pytest.mark.slow, pytest.mark.timeout(900)]


async def drill(out: Path) -> dict[str, Any]:
    screen = StringIO()
    await run(DemoOptions(out=out, hours=1, traders=60), console=Console(file=screen))
    (out / "screen").write_text(screen.getvalue())
    summary: dict[str, Any] = json.loads((out / "summary.json").read_text())
    del summary["wall_clock_s"]
    return summary


def secrets(out: Path) -> set[bytes]:
    """Every key and every address of a service that the fleet was given, as it stands in a file."""
    files = [file for file in (out / "devnet.keys").iterdir() if file.is_file()]
    return {line.removeprefix(b"0x") for file in files for line in file.read_bytes().split()}


def told(out: Path) -> dict[str, bytes]:
    """All that was left behind: log, store, book, summary, configuration, and what was shown."""
    return {
        str(file.relative_to(out)): file.read_bytes()
        for file in out.rglob("*")
        if file.is_file() and "devnet.keys" not in file.parts and file.name != "devnet.json"
    }


async def test_demo__real_fleet_for_an_hour__nobody_wronged_and_the_same_again(
    tmp_path: Path,
) -> None:
    summary = await drill(tmp_path / "one")
    assert summary["left_alone"] == summary["healthy_touched"] == 0
    assert summary["liquidations"] > 0
    assert set(summary["late_blocks"]) == {"0"}
    assert all(summary["invariants"].values())
    assert all(summary["duties"].values())
    assert all(market["pushes"] > 0 for market in summary["markets"].values())
    assert summary["alerts"]["unreadable"] == 0
    assert summary["alerts"]["deliveries"] > 0
    hidden, said = secrets(tmp_path / "one"), told(tmp_path / "one")
    assert len(hidden) > 4, "keys of bots and operator, and where alerts go"
    assert b'"event": "step"' in said["fleet.log"]
    assert b"done    what is told has happened" in said["screen"]
    leaks = {name for name, text in said.items() for secret in hidden if secret in text}
    assert leaks == set()
    assert summary == await drill(tmp_path / "two")

"""The demo as it is: the real fleet through a crash and a spike, twice with the same result."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from devnet.demo import DemoOptions, run

pytestmark = [pytest.mark.anvil, pytest.mark.slow]


async def drill(out: Path) -> dict[str, Any]:
    await run(DemoOptions(out=out, hours=1, traders=60), console=Console(file=StringIO()))
    summary: dict[str, Any] = json.loads((out / "summary.json").read_text())
    del summary["wall_clock_s"]
    return summary


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
    assert summary == await drill(tmp_path / "two")

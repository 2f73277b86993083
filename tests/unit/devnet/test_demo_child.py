"""What the demo reads in its fleet's log."""

import asyncio
import json
from pathlib import Path
from typing import cast

from devnet.demo.child import FleetProcess


def fleet_that_said(log: Path, *lines: str) -> FleetProcess:
    log.write_text("".join(f"{line}\n" for line in lines))
    return FleetProcess(process=cast("asyncio.subprocess.Process", None), log=log)


def test_warnings_collected__several_steps__summed_and_other_words_passed_over(
    tmp_path: Path,
) -> None:
    steps = [json.dumps({"bot": "warnings", "collected": count}) for count in (3, 0, 4)]
    other = json.dumps({"bot": "feeder", "pushed": {}})
    fleet = fleet_that_said(tmp_path / "fleet.log", "a plain word", *steps, other)
    assert fleet.warnings_collected() == 7


def test_warnings_collected__nothing_said__none(tmp_path: Path) -> None:
    assert fleet_that_said(tmp_path / "fleet.log").warnings_collected() == 0

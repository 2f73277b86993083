"""The dashboards are those of their source, and ask for what there is, as Prometheus reads it."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring.compile import groups
from monitoring.dashboards import FOLDER, dashboards
from tests.monitoring.test_rules import METRIC, known_samples

RECORDED = {rule["record"] for group in groups() for rule in group["rules"] if "record" in rule}
SOURCE = dict(dashboards())
NAMES = ["fleet", "liquidations", "oracle", "transactions"]


def panels(file: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(file.read_text())["panels"]
    return found


def queries(file: Path) -> list[str]:
    return [target["expr"] for panel in panels(file) for target in panel["targets"]]


def test_dashboards__as_committed__are_those_of_their_source() -> None:
    assert sorted(file.stem for file in FOLDER.glob("*.json")) == NAMES
    for file, text in SOURCE.items():
        assert file.read_text() == text, "make rules"


@pytest.mark.parametrize("file", SOURCE, ids=lambda file: file.stem)
def test_panels__metrics_they_ask_for__exist(file: Path) -> None:
    known = known_samples()
    for query in queries(file):
        asked = set(METRIC.findall(query)) | set(re.findall(r"megatao:[a-z_:0-9]+", query))
        assert asked, query
        assert asked <= known | RECORDED, query


@pytest.mark.parametrize("file", SOURCE, ids=lambda file: file.stem)
def test_panels__of_a_dashboard__lie_side_by_side_and_say_what_to_see(file: Path) -> None:
    found = panels(file)
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in found]
    assert len(set(places)) == len(places) == len({panel["id"] for panel in found})
    assert all(panel["title"] and panel["description"] for panel in found)


def test_queries__of_every_panel__are_read_by_prometheus(
    tool: Callable[[str], str], tmp_path: Path
) -> None:
    every = [query for file in SOURCE for query in queries(file)]
    rules = [{"record": f"panel:{nth}", "expr": query} for nth, query in enumerate(every)]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run(
        [tool("promtool"), "check", "rules", file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_metrics__that_processes_show__are_nearly_all_on_some_dashboard() -> None:
    shown = set(METRIC.findall(" ".join(query for file in SOURCE for query in queries(file))))
    families = {
        re.sub(r"_(total|bucket|count|sum|info)$", "", name)
        for name in known_samples()
        if not name.startswith("megatao_process")
    }
    unseen = {family for family in families if not any(name.startswith(family) for name in shown)}
    assert len(unseen) < len(families) / 10, unseen

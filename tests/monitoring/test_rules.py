"""The rules are those of their source, fire when they must, and lead to a runbook."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet.telemetry.metrics import Metrics
from monitoring import cases, compile  # noqa: A004 - a module of the project

ROOT = Path(__file__).resolve().parents[2]
RUNBOOKS = ROOT / compile.RUNBOOKS
METRIC = re.compile(r"\bmegatao_[a-z0-9_]+")
RULES: list[dict[str, Any]] = [rule for group in compile.groups() for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}

Tool = Callable[[str], str]


def run(*words: str | Path) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def known_samples() -> set[str]:
    """Every name that a process may show."""
    metrics = Metrics(version="0", network="devnet")
    metrics.chain.head_age(lambda: 0.0)
    metrics.chain.sources(states=lambda _: None, endpoints=["a"], known=["agrees"], age=lambda: 0.0)
    families = list(metrics.registry.collect())
    suffixes = ("", "_total", "_bucket", "_count", "_sum", "_info")
    return {f"{family.name}{suffix}" for family in families for suffix in suffixes}


def test_rules__as_committed__are_those_of_their_source() -> None:
    assert compile.PLAIN.read_text() == compile.plain(), "make rules"
    assert compile.OPERATOR.read_text() == compile.for_operator(), "make rules"


def test_rules__checked_by_promtool__are_sound(tool: Tool) -> None:
    run(tool("promtool"), "check", "rules", compile.PLAIN)


def test_cases__every_alert__fires_alone_when_it_must(tool: Tool, tmp_path: Path) -> None:
    assert cases.fired() == ALERTS.keys() - {"Watchdog"}
    run(tool("promtool"), "test", "rules", cases.write(tmp_path))


def test_rules__metrics_they_ask_for__exist() -> None:
    asked = {name for rule in RULES for name in METRIC.findall(rule["expr"])}
    assert len(asked) > 20
    assert asked <= known_samples()


def test_alerts__each__has_a_runbook_and_each_runbook_an_alert() -> None:
    assert {file.stem for file in RUNBOOKS.glob("*.md")} == ALERTS.keys()
    for name, rule in ALERTS.items():
        assert rule["annotations"]["runbook"] == f"{compile.RUNBOOKS}/{name}.md"


def test_guide__to_kubernetes__names_every_alert_and_no_other() -> None:
    guide = (ROOT / "docs" / "kubernetes.md").read_text()
    assert (
        set(re.findall(r"^\| \[\w+\]\(runbooks/(\w+)\.md\)", guide, re.MULTILINE)) == ALERTS.keys()
    )


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_runbook__of_an_alert__says_what_to_look_at_to_do_and_when_it_is_over(name: str) -> None:
    text = (RUNBOOKS / f"{name}.md").read_text()
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    assert headings == [name, "Look", "Do", "Over when"]
    severities = {each["labels"]["severity"] for each in RULES if each.get("alert") == name}
    urgency = {"page": "**Page", "ticket": "**Ticket", "none": "**Always"}
    assert any(urgency[severity] in text for severity in severities)


def test_example__of_alertmanager__keeps_back_alerts_that_there_are() -> None:
    configured = yaml.safe_load((compile.HERE / "alertmanager.yml").read_text())
    for rule in configured["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            named = re.fullmatch(r'alertname =~? "?([\w|]+)"?', matcher)
            assert matcher.startswith("severity") or named is not None
            assert named is None or set(named[1].split("|")) <= ALERTS.keys()


def test_examples__of_prometheus_and_alertmanager__are_read_by_them(tool: Tool) -> None:
    run(tool("promtool"), "check", "config", compile.HERE / "prometheus.yml")
    run(tool("amtool"), "check-config", compile.HERE / "alertmanager.yml")

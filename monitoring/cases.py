"""Expands cases.yaml for `promtool test rules`: in every case each alert fires, or does not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from monitoring.compile import HERE, PLAIN, groups

CASES = HERE / "cases.yaml"
_EVERY = "15s"
_LENGTH = 1_000
"""Samples of a series that stays as it is."""

Alerts = dict[str, list[dict[str, str]]]


def write(folder: Path) -> Path:
    """The file that promtool runs, with the rules it names beside it."""
    (folder / PLAIN.name).write_text(PLAIN.read_text())
    file = folder / "rules-test.yaml"
    file.write_text(yaml.safe_dump(expanded(), sort_keys=False))
    return file


def expanded() -> dict[str, Any]:
    """Every case as promtool has it."""
    told = yaml.safe_load(CASES.read_text())
    return {
        "rule_files": [PLAIN.name],
        "evaluation_interval": _EVERY,
        "tests": [_test(case, told["well"]) for case in told["cases"]],
    }


def fired() -> set[str]:
    """The alerts that some case makes fire."""
    return {name for case in yaml.safe_load(CASES.read_text())["cases"] for name in case["fires"]}


def _test(case: dict[str, Any], well: dict[str, Any]) -> dict[str, Any]:
    series = {} if case.get("nothing") else dict(well)
    series |= case.get("but", {})
    checks = dict(_checks(case["fires"]))
    return {
        "name": case["name"],
        "interval": _EVERY,
        "input_series": [
            {
                "series": f"megatao_{name}" if not name.startswith("up") else name,
                "values": _values(said),
            }
            for name, said in series.items()
            if said is not None
        ],
        "alert_rule_test": [
            {"eval_time": case["at"], "alertname": name, "exp_alerts": expected}
            for name, expected in checks.items()
        ],
    }


def _values(said: object) -> str:
    """A number stays what it is; words are promtool's own, such as `0x20 1x980`."""
    return said if isinstance(said, str) else f"{said}+0x{_LENGTH}"


def _checks(fires: Alerts) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Every alert there is, those that are not named with nothing."""
    always: Alerts = {"Watchdog": [{}]}
    for group in groups():
        for rule in group["rules"]:
            name = rule.get("alert")
            if name is not None:
                named = always.get(name, fires.get(name, []))
                yield name, [_expected(each, name) for each in named]


def _expected(said: dict[str, str], name: str) -> dict[str, Any]:
    """Labels as they are; `summary` where it is not the rule's own text, `severity` likewise."""
    labels = {key: value for key, value in said.items() if key != "summary"}
    rules = [each for group in groups() for each in group["rules"] if each.get("alert") == name]
    rule = next(each for each in rules if _fits(each["labels"], labels))
    annotations = rule["annotations"]
    return {
        "exp_labels": {**rule["labels"], **labels},
        "exp_annotations": {**annotations, "summary": said.get("summary", annotations["summary"])},
    }


def _fits(rule: dict[str, str], labels: dict[str, str]) -> bool:
    return all(labels.get(key, value) == value for key, value in rule.items())

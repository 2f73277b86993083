"""Compiles service levels and alerts into rules, for Prometheus as they are and for its operator.

`python -m monitoring.compile` writes them and the dashboards; all are committed, and tests compare.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from monitoring.dashboards import dashboards

HERE = Path(__file__).parent
PLAIN = HERE / "prometheus-rules.yaml"
OPERATOR = HERE.parent / "k8s" / "base" / "prometheus-rules.yaml"
RUNBOOKS = "docs/runbooks"

_HEADER = (
    "# Made by `make rules` of monitoring/slos.yaml and monitoring/alerts.yaml. Do not edit.\n"
)
_EVERY_S = 15
_WINDOWS = {
    "5m": 300,
    "30m": 1_800,
    "1h": 3_600,
    "2h": 7_200,
    "6h": 21_600,
    "1d": 86_400,
    "3d": 259_200,
}
_BURNS = (
    ("page", "1h", "5m", 14.4),
    ("page", "6h", "30m", 6.0),
    ("ticket", "1d", "2h", 3.0),
    ("ticket", "3d", "6h", 1.0),
)
"""Severity, long and short window, and how many times as fast as allowed the budget burns."""

Rule = dict[str, Any]


def groups() -> list[dict[str, Any]]:
    """Every group of rules, as Prometheus reads them."""
    slos = yaml.safe_load((HERE / "slos.yaml").read_text())
    named = yaml.safe_load((HERE / "alerts.yaml").read_text())
    return [
        *(
            {
                "name": f"megatao-slo-{slo['name']}",
                "interval": f"{_EVERY_S}s",
                "rules": list(_of_slo(slo)),
            }
            for slo in slos
        ),
        *(
            {
                "name": f"megatao-{group['name']}",
                "rules": [_alert(**rule) for rule in group["rules"]],
            }
            for group in named
        ),
    ]


def _of_slo(slo: dict[str, Any]) -> Iterator[Rule]:
    """A window's share is of the whole window, not of the samples in it.

    So a Prometheus that has just begun, with one look before the fleet was there, wakes nobody.
    """
    now = "megatao:slo_errors:ratio"
    labels = {"slo": slo["name"]}
    yield {"record": now, "expr": slo["errors"], "labels": labels}
    for window, seconds in _WINDOWS.items():
        total = f'sum_over_time({now}{{slo="{slo["name"]}"}}[{window}])'
        mean = f"clamp_max({total} / {seconds // _EVERY_S}, 1)"
        yield {"record": f"{now}_{window}", "expr": mean, "labels": labels}
    for severity, long, short, speed in _BURNS:
        limit = f"{speed:g} * {1 - slo['objective']:.6g}"
        both = (f'{now}_{window}{{slo="{slo["name"]}"}} > {limit}' for window in (long, short))
        yield _alert(
            alert=slo["alert"],
            expr=" and ".join(both),
            severity=severity,
            summary=f"Not kept for a share of {{{{ $value | humanizePercentage }}}} of {long}:"
            f" {slo['promise']}",
            labels={"slo": slo["name"], "window": long},
        )


def _alert(
    *,
    alert: str,
    expr: str,
    severity: str,
    summary: str,
    labels: dict[str, str] | None = None,
    **rest: str,
) -> Rule:
    return {
        "alert": alert,
        "expr": expr,
        **rest,
        "labels": {"severity": severity, **(labels or {})},
        "annotations": {"summary": summary, "runbook": f"{RUNBOOKS}/{alert}.md"},
    }


def plain() -> str:
    """A rule file for Prometheus."""
    return _HEADER + _dumped({"groups": groups()})


def for_operator() -> str:
    """A PrometheusRule for the operator in a cluster."""
    return _HEADER + _dumped(
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": "keepers"},
            "spec": {"groups": groups()},
        }
    )


def _dumped(value: object) -> str:
    text: str = yaml.safe_dump(value, sort_keys=False, width=10_000)
    return text


def main() -> None:
    """Writes rules and dashboards."""
    PLAIN.write_text(plain())
    OPERATOR.write_text(for_operator())
    for file, text in dashboards():
        file.write_text(text)


if __name__ == "__main__":
    main()

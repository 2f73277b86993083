"""Makes Grafana's dashboards of what they show; `python -m monitoring.compile` writes them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

SOURCE = Path(__file__).with_name("dashboards.yaml")
FOLDER = Path(__file__).with_name("dashboards")

_PROMETHEUS = {"type": "prometheus", "uid": "${source}"}
_COLUMNS = 2
_WIDTH, _HEIGHT = 24 // _COLUMNS, 8

Panel = dict[str, Any]


def dashboards() -> Iterator[tuple[Path, str]]:
    """Each file with its text."""
    for name, told in yaml.safe_load(SOURCE.read_text()).items():
        yield FOLDER / f"{name}.json", json.dumps(_dashboard(name, told), indent=1) + "\n"


def _dashboard(name: str, told: dict[str, Any]) -> dict[str, Any]:
    return {
        "uid": f"megatao-{name}",
        "title": f"MegaTAO keepers: {told['title']}",
        "tags": ["megatao"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "utc",
        "links": [{"type": "dashboards", "tags": ["megatao"], "asDropdown": False, "title": ""}],
        "templating": {"list": [{"name": "source", "type": "datasource", "query": "prometheus"}]},
        "panels": [_panel(number, **panel) for number, panel in enumerate(told["panels"])],
    }


def _panel(
    number: int,
    *,
    title: str,
    unit: str,
    what: str,
    queries: dict[str, str],
    kind: str = "timeseries",
) -> Panel:
    row, column = divmod(number, _COLUMNS)
    return {
        "id": number + 1,
        "type": kind,
        "title": title,
        "description": what,
        "datasource": _PROMETHEUS,
        "gridPos": {"x": column * _WIDTH, "y": row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {
            "defaults": {"unit": unit, "custom": {"spanNulls": False}},
            "overrides": [],
        },
        "targets": [
            {"refId": f"Q{nth}", "datasource": _PROMETHEUS, "expr": query, "legendFormat": legend}
            for nth, (legend, query) in enumerate(queries.items())
        ],
    }

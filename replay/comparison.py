"""The page that sets variants of a sweep side by side. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from charts import Axis, Dot, Paragraph, Section, Table, page, scatter_chart
from replay.figures import bps, tao
from units import ONE

_NOTE = (
    "Every dot is a run. The frontier joins those that no other run beats in both: less of one "
    "would be more of the other. Cost is what the fleet paid for gas."
)


def comparison(found: Sequence[Mapping[str, Any]]) -> str:
    """The page of a sweep: `name` and `summary` of every variant."""
    first = found[0]["summary"]
    lead = f"{len(found)} runs of {first['population']} over {first['tape']}. {_NOTE}"
    return page(
        f"Sweep over {first['tape']}",
        [
            Section(title="What is bought with what", parts=[Paragraph(lead), *_frontiers(found)]),
            Section(title="Every run", parts=[_table(found)]),
        ],
    )


def _frontiers(found: Sequence[Mapping[str, Any]]) -> list[str]:
    cost = Axis(label="gas, TAO")
    return [
        scatter_chart(title=title, x=cost, y=Axis(label=label), dots=_dots(found, section, key))
        for title, label, section, key in (
            ("Cost and tracking error", "mean error", "feed", "tracking_error_bps_mean"),
            ("Cost and bad debt", "bad debt, TAO", "bad_debt", "wei"),
            ("Cost and the vault's loss", "loss, TAO", "vault", "loss_wei"),
        )
    ]


def _dots(found: Sequence[Mapping[str, Any]], section: str, key: str) -> list[Dot]:
    return [
        Dot(
            name=each["name"],
            x=each["summary"]["gas"]["fees_wei"] / ONE,
            y=_value(each["summary"][section][key], in_tao=key.endswith("wei")),
        )
        for each in found
    ]


def _value(value: float | None, *, in_tao: bool) -> float:
    return (value or 0.0) / ONE if in_tao else (value or 0.0)


def _table(found: Sequence[Mapping[str, Any]]) -> Table:
    return Table(
        caption="Figures by variant; each folder has a report of its own",
        columns=[
            "variant",
            "gas paid",
            "pushes",
            "mean error, bps",
            "liquidations",
            "bad debt",
            "avoidable",
            "vault's loss",
            "warned",
            "folder",
        ],
        rows=[_row(each) for each in found],
    )


def _row(each: Mapping[str, Any]) -> list[str]:
    summary = each["summary"]
    return [
        each["name"],
        tao(summary["gas"]["fees_wei"]),
        str(summary["feed"]["pushes"]),
        bps(summary["feed"]["tracking_error_bps_mean"]),
        str(summary["liquidations"]["count"]),
        tao(summary["bad_debt"]["wei"]),
        tao(summary["bad_debt"]["avoidable_wei"]),
        tao(summary["vault"]["loss_wei"]),
        str(summary["warnings"]["liquidated_after_a_warning"]),
        f"variants/{each['folder']}",
    ]

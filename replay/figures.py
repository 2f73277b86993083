"""The figures of a run as text, for the page and the terminal. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from charts import Table
from units import ONE


def figures(summary: Mapping[str, Any]) -> Iterator[Table]:
    """The figures of a run as tables."""
    for caption, rows in figure_rows(summary).items():
        yield Table(caption=caption, columns=["", ""], rows=[list(row) for row in rows.items()])


def figure_rows(summary: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The same as text by name, for the page and the terminal."""
    feed, debt, vault = summary["feed"], summary["bad_debt"], summary["vault"]
    fell, warned = summary["liquidations"], summary["warnings"]
    lead = warned["lead_blocks_median"]
    arbitrage, gas = summary["arbitrageurs"], summary["gas"]
    pushing = gas["by_work"]["prices"]["transactions"]
    return {
        "What it cost": {
            "prices pushed": f"{feed['pushes']} in {pushing} transactions",
            "transactions": str(gas["transactions"]),
            "gas": f"{gas['gas']:,} for {tao(gas['fees_wei'])}",
            "tracking error": f"{bps(feed['tracking_error_bps_mean'])} mean, "
            f"{bps(feed['tracking_error_bps_max'])} at most",
            "suspensions": _counts(feed["suspensions"]),
            "funding accruals": str(summary["funding"]["accruals"]),
            "largest funding lag": f"{summary['funding']['lag_s_max']} s",
            "duties neglected": ", ".join(summary["duties_neglected"]) or "none",
            "vault's loss": tao(vault["loss_wei"]),
            "insurance's loss": tao(vault["insurance_loss_wei"]),
            "claims left": tao(vault["claims_wei"]),
            "taken by arbitrageurs": tao(arbitrage["took_wei"]) if arbitrage["count"] else "–",
        },
        "Who fell": {
            "positions opened": str(summary["positions_opened"]),
            "liquidations": str(fell["count"]),
            "late by blocks": _counts(fell["late_blocks"]),
            "healthy touched": str(fell["healthy_touched"]),
            "bad debt": tao(debt["wei"]),
            "· avoidable": tao(debt["avoidable_wei"]),
            "· by the guard": tao(debt["by_guard_wei"]),
            "· by the band": tao(debt["by_band_wei"]),
            "· unavoidable": tao(debt["unavoidable_wei"]),
            "penalties to keepers": tao(summary["penalties"]["keeper_wei"]),
            "penalties to insurance": tao(summary["penalties"]["insurance_wei"]),
        },
        "Who was told": {
            "warnings by deepest tier": _counts(warned["by_tier"]),
            "liquidated after a warning": str(warned["liquidated_after_a_warning"]),
            "liquidated without one": str(warned["liquidated_without_one"]),
            "median lead": "–" if lead is None else f"{lead:g} blocks",
        },
    }


def bps(value: float | None) -> str:
    """A distance for people."""
    return "–" if value is None else f"{value} bps"


def tao(wei: int) -> str:
    """An amount for people."""
    return f"{wei / ONE:,.4f} TAO"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in counts.items()) or "none"

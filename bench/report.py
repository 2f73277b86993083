"""What is printed and written at the end."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.figure import Figure, Series


def as_json(
    machine: Mapping[str, Any], seconds: float, figures: Sequence[Figure]
) -> dict[str, Any]:
    """The whole result as plain values."""
    return {
        "machine": dict(machine),
        "duration_s": round(seconds, 1),
        "figures": [figure.as_json() for figure in figures],
    }


def as_markdown(result: Mapping[str, Any]) -> str:
    """The written result as tables for a document: figures, then where ours goes."""
    machine, load = result["machine"], result["machine"]["load_before"][0]
    where = f"{machine['processor']} × {machine['processors']}"
    lines = [
        f"{where}, load {load} at first, Python {machine['python']}, {machine['anvil']}",
        "",
        "| figure | unit | fleet | baseline | fleet ÷ baseline |",
        "|---|---|---:|---:|---:|",
    ]
    for figure in result["figures"]:
        spread = [_written(figure[each]) for each in ("fleet", "baseline", "ratio")]
        lines.append(f"| {figure['name']} | {figure['unit']} | {' | '.join(spread)} |")
    for figure in result["figures"]:
        if figure["parts"]:
            parts = ", ".join(f"{name} {value:.2f}" for name, value in figure["parts"].items())
            lines += ["", f"{figure['name']}: {parts}"]
    return "\n".join(lines) + "\n"


def print_figures(console: Console, figures: Sequence[Figure]) -> None:
    """One line a figure, then where ours goes."""
    table = Table(title="median of the runs (lowest – highest)")
    for column in ("figure", "unit", "fleet", "baseline", "fleet ÷ baseline"):
        table.add_column(column, justify="left" if column in {"figure", "unit"} else "right")
    for figure in figures:
        spread = [_spread(each) for each in (figure.fleet, figure.baseline, figure.ratio)]
        table.add_row(figure.name, figure.unit, *spread)
    console.print(table)
    for figure in figures:
        if figure.parts:
            parts = ", ".join(f"{name} {value:.2f}" for name, value in figure.parts.items())
            console.print(f"[dim]{figure.name}:[/] {parts}", highlight=False)


def _written(series: Mapping[str, float]) -> str:
    return f"{series['median']:.2f} ({series['lowest']:.2f} – {series['highest']:.2f})"


def _spread(series: Series) -> str:
    return f"{series.median:.2f} ({min(series.runs):.2f} – {max(series.runs):.2f})"

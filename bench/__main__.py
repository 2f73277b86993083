"""`python -m bench`: measures everything, prints tables, writes JSON and the tables in Markdown.

Nothing here passes or fails on a duration: figures are for people and for comparison.
"""

import asyncio
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from bench.calls import CALLS
from bench.decision import DECISION
from bench.figure import Benchmark, Figure, Scale
from bench.gas import GAS
from bench.handover import HANDOVER
from bench.lateness import LATENESS
from bench.machine import machine_facts
from bench.nomination import NOMINATION
from bench.pauses import PAUSES
from bench.remembered import REMEMBERED
from bench.replay import REPLAY
from bench.report import as_json, as_markdown, print_figures
from bench.restart import RESTART
from bench.sources import SOURCES
from bench.throughput import THROUGHPUT
from bench.warned import WARNED
from devnet.files import write_json, write_whole

BENCHMARKS: tuple[Benchmark, ...] = (
    HANDOVER,
    THROUGHPUT,
    CALLS,
    DECISION,
    NOMINATION,
    RESTART,
    WARNED,
    REMEMBERED,
    SOURCES,
    PAUSES,
    GAS,
    LATENESS,
    REPLAY,
)
_STANDARD = Scale()


def main(
    *,
    runs: Annotated[int, typer.Option(min=1)] = _STANDARD.runs,
    transactions: Annotated[int, typer.Option(min=1)] = _STANDARD.transactions,
    positions: Annotated[int, typer.Option(min=1_000)] = _STANDARD.positions,
    traders: Annotated[int, typer.Option(min=1, help="of a drill")] = _STANDARD.traders,
    tape: Annotated[
        Path | None, typer.Option(help="of the drills; none: an hour that is made up", exists=True)
    ] = None,
    start: Annotated[str | None, typer.Option("--from", help="time on the tape")] = None,
    only: Annotated[str, typer.Option(help="part of a benchmark's name")] = "",
    out: Annotated[Path, typer.Option(help="the figures as JSON")] = Path("build/bench.json"),
) -> None:
    """Measures the fleet beside baselines."""
    console = Console()
    machine, began = machine_facts(), perf_counter()
    wanted = [each for each in BENCHMARKS if only in each.name]
    figures = _measure(
        wanted,
        Scale(
            runs=runs,
            transactions=transactions,
            positions=positions,
            traders=traders,
            tape=tape,
            start=start,
        ),
        console,
    )
    result = as_json(machine, perf_counter() - began, figures)
    write_json(out, result)
    write_whole(out.with_suffix(".md"), as_markdown(result))
    print_figures(console, figures)


def _measure(wanted: list[Benchmark], scale: Scale, console: Console) -> list[Figure]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    found: list[Figure] = []
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        for benchmark in wanted:
            bar = progress.add_task(benchmark.name, total=scale.runs)
            found += asyncio.run(_run(benchmark, scale, progress, bar))
    return found


async def _run(benchmark: Benchmark, scale: Scale, progress: Progress, bar: TaskID) -> list[Figure]:
    return list(await benchmark.measure(scale, lambda: progress.advance(bar)))


if __name__ == "__main__":
    typer.run(main)

"""`keepers replay` on a terminal: a bar while it runs, tables at its end."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from replay.figures import figure_rows
from replay.run import Advanced, ReplayOptions, prepared, run_blocking
from replay.sweep import Variant, sweep, variants

_LINES = 10


def replayed(options: ReplayOptions, sweeps: Sequence[str], workers: int | None) -> None:
    """Runs what is asked for, shows it, and says where its files are.

    Raises:
        DevnetError: see `replay.run.run`; of a sweep: what every variant failed by.
    """
    console = Console()
    if sweeps:
        _swept(options, variants(options, sweeps), workers, console)
        return
    for hole in prepared(options).replay.holes:
        console.print(f"{options.tape}: {hole}", highlight=False, soft_wrap=True)
    with _progress(console, "blocks") as advanced:
        summary = run_blocking(options, advanced)
    _show(console, summary)
    for name in ("report.html", "summary.json"):
        console.print(f"{name}: {options.out / name}", highlight=False, soft_wrap=True)


def _swept(
    options: ReplayOptions, chosen: Sequence[Variant], workers: int | None, console: Console
) -> None:
    with _progress(console, "variants") as advanced:
        sweep(options, chosen, workers, advanced)
    for name in ("report.html", "sweep.json"):
        console.print(f"{name}: {options.out / name}", highlight=False, soft_wrap=True)


@contextmanager
def _progress(console: Console, what: str) -> Iterator[Advanced]:
    """A bar on a terminal, a line every tenth elsewhere."""
    if not console.is_terminal:
        yield _lines(console, what)
        return
    columns = (TextColumn(what), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bars:
        bar = bars.add_task(what)
        yield lambda done, total: bars.update(bar, completed=done, total=total)


def _lines(console: Console, what: str) -> Advanced:
    said = 0

    def advanced(done: int, total: int) -> None:
        nonlocal said
        tenth = done * _LINES // total
        if tenth > said:
            said = tenth
            console.print(f"{done} of {total} {what}", highlight=False)

    return advanced


def _show(console: Console, summary: Mapping[str, Any]) -> None:
    table = Table(show_header=False, title=f"{summary['population']} over {summary['tape']}")
    table.add_column()
    table.add_column(justify="right")
    for caption, rows in figure_rows(summary).items():
        table.add_row(caption, "", style="bold")
        for name, value in rows.items():
            table.add_row(name, value)
        table.add_section()
    console.print(table)

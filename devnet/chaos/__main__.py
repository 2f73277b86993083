"""`python -m devnet.chaos`: kills a sending process over and over, and audits its work.

Ends with status 1 when a request did not end exactly once as it should.
"""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from devnet.anvil import AnvilError
from devnet.chaos.lives import LifeError
from devnet.chaos.report import Report, print_report
from devnet.chaos.run import ChaosOptions, run_chaos
from devnet.files import write_json
from devnet.rpc import NodeGoneError, RpcError

_STANDARD = ChaosOptions()


def main(
    kills: Annotated[int, typer.Option(min=0)] = _STANDARD.kills,
    requests: Annotated[int, typer.Option(min=1)] = _STANDARD.requests,
    seed: int = _STANDARD.seed,
    bad_network: Annotated[
        bool, typer.Option("--bad-network", help="with the fault proxy before the node")
    ] = False,
    out: Annotated[Path, typer.Option(help="the figures as JSON")] = Path("build/chaos.json"),
) -> None:
    """Kills the whole sending process at random instants of a run, and audits what is left."""
    console = Console()
    try:
        report = _run(
            ChaosOptions(kills=kills, requests=requests, seed=seed, is_network_bad=bad_network),
            console,
        )
    except* (LifeError, AnvilError, NodeGoneError, RpcError) as failures:
        for failure in failures.exceptions:
            console.print(f"[red]the run broke off:[/] {failure}", highlight=False)
        raise SystemExit(2) from None
    write_json(out, report.as_json())
    print_report(console, report)
    if not report.verdict.is_clean:
        raise SystemExit(1)


def _run(options: ChaosOptions, console: Console) -> Report:
    columns = (TextColumn("kills"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("kills", total=options.kills)
        return asyncio.run(run_chaos(options, lambda kills: progress.update(bar, completed=kills)))


if __name__ == "__main__":
    typer.run(main)

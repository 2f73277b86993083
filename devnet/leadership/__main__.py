"""`python -m devnet.leadership`: strikes the leader over and over, and audits what was done.

Ends with status 1 when something was done twice or lost, or nobody acted in time.
"""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from devnet.anvil import AnvilError
from devnet.files import write_json
from devnet.leadership.contest import ContestOptions, run_contest
from devnet.leadership.faults import Takeover
from devnet.leadership.report import print_contest
from devnet.leadership.stage import ContestError
from devnet.postgres import PostgresError
from devnet.rpc import NodeGoneError, RpcError

_STANDARD = ContestOptions()


def main(
    faults: Annotated[int, typer.Option(min=1)] = _STANDARD.faults,
    lease: Annotated[float, typer.Option(min=2, help="seconds of the lease")] = _STANDARD.lease_s,
    seed: int = _STANDARD.seed,
    on_file: Annotated[
        bool, typer.Option("--on-file", help="SQLite instead of PostgreSQL, no cuts and stops")
    ] = False,
    out: Annotated[Path, typer.Option(help="the figures as JSON")] = Path("build/leadership.json"),
) -> None:
    """Kills, stops, cuts off and ends the process that leads, and audits what is left."""
    console = Console()
    options = ContestOptions(faults=faults, lease_s=lease, seed=seed, is_file=on_file)

    def progress(takeover: Takeover) -> None:
        console.print(f"{takeover.fault.value:<16} {takeover.seconds:6.2f} s", highlight=False)

    try:
        report = asyncio.run(run_contest(options, progress))
    except* (ContestError, AnvilError, PostgresError, NodeGoneError, RpcError) as failures:
        for failure in failures.exceptions:
            console.print(f"the run broke off: {failure}", markup=False, highlight=False)
        raise SystemExit(2) from None
    write_json(out, report.as_json())
    print_contest(console, report)
    if not report.is_clean:
        raise SystemExit(1)


if __name__ == "__main__":
    typer.run(main)

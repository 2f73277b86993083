"""`keepers replay`: what this fleet would have done over a tape, and what it would have cost.

Imports the replay only when it is called.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fleet.cli.exits import devnet_reported
from fleet.cli.output import messages


class Engine(StrEnum):
    """What a replay runs on."""

    MODEL = "model"
    CHAIN = "chain"


def replay(
    *,
    out: Annotated[Path, typer.Option(help="Folder of summary.json and report.html.")] = (
        Path("build/replay")
    ),
    tape: Annotated[
        Path | None,
        typer.Option(help="CSV(.gz) of recorded prices; none = made up.", dir_okay=False),
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Time on the tape to begin at, ISO 8601, UTC.")
    ] = None,
    hours: Annotated[int, typer.Option(min=0, help="Hours of chain time; 0 = all of it.")] = 24,
    network_config: Annotated[
        Path | None, typer.Option(help="The fleet's configuration.", exists=True, dir_okay=False)
    ] = None,
    population: Annotated[
        str,
        typer.Option(
            help="calm, crowded-long, 3x-cluster, dust, whales, arbitrageurs, or a CSV file of "
            "trader,market,side,margin,leverage,time."
        ),
    ] = "calm",
    traders: Annotated[int, typer.Option(min=0, help="How many a preset makes.")] = 300,
    seed: Annotated[int, typer.Option(help="Of the traders and of made-up prices.")] = 1,
    words: Annotated[
        list[str] | None,
        typer.Option("--set", help="section.key=value: oracle, liquidation, …, market, vault."),
    ] = None,
    sweeps: Annotated[
        list[str] | None,
        typer.Option("--sweep", help="section.key=a,b,c: a run each, and their comparison."),
    ] = None,
    engine: Annotated[
        Engine, typer.Option(help="In process, or a devnet with every byte real.")
    ] = Engine.MODEL,
    gap_max: Annotated[
        int, typer.Option(min=1, help="Longest hole of the tape, in blocks, that is bridged.")
    ] = 60,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes of a sweep; default: one a core.")
    ] = None,
) -> None:
    """What would this fleet have done over these prices, and what would it have cost?"""
    from replay.command import replayed  # noqa: PLC0415 - imports that other commands can spare
    from replay.run import ReplayOptions  # noqa: PLC0415 - likewise

    options = ReplayOptions(
        out=out,
        tape=tape,
        start=start,
        hours=hours,
        network=network_config,
        population=population,
        traders=traders,
        seed=seed,
        words=tuple(words or ()),
        engine=engine.value,
        gap_blocks_max=gap_max,
    )
    with devnet_reported(messages()):
        replayed(options, sweeps or [], workers)

"""`keepers devnet` and `keepers demo`: a whole local world, and a drill of the fleet in it.

Imports the devnet only when one of them is called.
"""

import asyncio
import math
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fleet.cli.exits import EXIT_CODES, devnet_reported
from fleet.cli.output import messages

app = typer.Typer(no_args_is_help=True, help="A local chain with exchange, prices and traders.")

TapeOption = Annotated[
    Path | None,
    typer.Option(help="CSV(.gz) of recorded prices; none = made up.", exists=True, dir_okay=False),
]
FromOption = Annotated[
    str | None, typer.Option("--from", help="Time on the tape to begin at, ISO 8601, UTC.")
]
TradersOption = Annotated[int, typer.Option(min=0, help="Simulated traders.")]
SeedOption = Annotated[int, typer.Option(help="Of the traders and of made-up prices.")]


@app.callback()
def devnet() -> None:
    """Keeps `up` a word of its own."""


@app.command(epilog=EXIT_CODES)
def up(
    *,
    state: Annotated[Path, typer.Option(help="Written once all answers: addresses and keys.")] = (
        Path("build/devnet/devnet.json")
    ),
    tape: TapeOption = None,
    start: FromOption = None,
    speed: Annotated[
        str, typer.Option(help="Times real time (1 = a block every 12 s), or max: in lock-step.")
    ] = "1",
    traders: TradersOption = 300,
    seed: SeedOption = 1,
) -> None:
    """Keep a devnet up until Ctrl-C; prints the configuration file for the fleet."""
    from devnet.up import UpOptions, run  # noqa: PLC0415 - imports that other commands can spare

    options = UpOptions(
        state=state, tape=tape, start=start, speed=_speed(speed), traders=traders, seed=seed
    )
    with devnet_reported(messages()):
        asyncio.run(run(options, console=Console()))


@app.command(epilog=EXIT_CODES)
def drill(
    *,
    tape: Annotated[Path, typer.Option(help="Recorded prices, a CSV file, plain or gzip.")],
    out: Annotated[Path, typer.Option(help="Each stretch has a folder in it.")] = (
        Path("build/drill")
    ),
    record: Annotated[
        Path, typer.Option(help="File of what came of all of them.", dir_okay=False)
    ] = Path("build/drill.json"),
    start: FromOption = None,
    hours: Annotated[
        int | None, typer.Option(help="Hours of chain time; default: 24, or what there is.")
    ] = None,
    traders: TradersOption = 5_000,
    seed: SeedOption = 1,
) -> None:
    """The demo with a crowd near its limits: over the shocks of spring 2025, or a stretch.

    A stretch it is with --from or --hours, and on a tape that does not have those days.
    """
    from devnet.demo import DemoOptions  # noqa: PLC0415 - imports that other commands can spare
    from devnet.demo.shocks import drill_tape as run  # noqa: PLC0415 - likewise

    options = DemoOptions(out=out, traders=traders, seed=seed)
    with devnet_reported(messages()):
        asyncio.run(run(options, tape, start=start, hours=hours, record=record))


def demo(
    *,
    out: Annotated[Path, typer.Option(help="Folder of summary.json and fleet.log.")] = (
        Path("build/demo")
    ),
    tape: TapeOption = None,
    start: FromOption = None,
    hours: Annotated[int, typer.Option(min=1, help="Hours of chain time.")] = 24,
    traders: TradersOption = 300,
    seed: SeedOption = 1,
) -> None:
    """A drill: the whole fleet against a stretch of prices in lock-step, and its verdict."""
    from devnet.demo import DemoOptions, run  # noqa: PLC0415 - imports other commands can spare

    options = DemoOptions(out=out, tape=tape, start=start, hours=hours, traders=traders, seed=seed)
    with devnet_reported(messages()):
        asyncio.run(run(options, console=Console()))


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not 0 < speed < math.inf:
        raise typer.BadParameter(f"{text!r} is neither above 0 nor max", param_hint="--speed")
    return speed

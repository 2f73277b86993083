"""`keepers run`: the bots until they are told to stop."""

from typing import Annotated

import typer

from fleet.cli.exits import Exit
from fleet.cli.output import messages
from fleet.cli.ports import Assembly
from fleet.cli.session import session_of
from fleet.runtime.interpreter import settle_in
from fleet.settings import Workload
from fleet.wiring.facts import BotName
from fleet.wiring.observer import fatal_reported
from keepers.liquidation.sharding import read_shard

_WORKLOADS = {
    BotName.FEEDER: Workload.FEEDER,
    BotName.LIQUIDATOR: Workload.LIQUIDATOR,
    BotName.FUNDING: Workload.FUNDING,
    BotName.WARNINGS: None,
}

BotArgument = Annotated[
    BotName | None, typer.Argument(metavar="[BOT]", help="feeder, liquidator, funding or warnings.")
]


RunDryOption = Annotated[bool, typer.Option("--dry-run", help="Decide and alert; send nothing.")]


ShardOption = Annotated[
    str | None,
    typer.Option(
        metavar="I/N", help="Of the liquidator: only its share of the positions, as 0/4 to 3/4."
    ),
]


def run(
    context: typer.Context,
    bot: BotArgument = None,
    *,
    shard: ShardOption = None,
    dry_run: RunDryOption = False,
) -> None:
    """Run one bot, or all of them in one process, until SIGTERM or Ctrl-C.

    The first signal stops deciding and waits for what was sent; the second ends at once. Without
    a key (keys.all, or the bot's own) it decides and logs, and sends nothing.
    """
    own = Workload.ALL if bot is None else _WORKLOADS[bot]
    workload = None if dry_run else own
    bots = frozenset(BotName) if bot is None else frozenset({bot})

    async def work(fleet: Assembly) -> Exit:
        if own is not None and fleet.account is None:
            why = "" if dry_run else f"keys.{own.value} is not configured: "
            messages().print(f"{why}dry run, nothing will be sent", highlight=False)
        supervisor = fleet.supervisor(bots)
        settle_in()
        with supervisor.stopped_by_signals(), fatal_reported():
            is_drained = await supervisor.run()
        if not is_drained:
            messages().print("some transactions are still on their way; the journal has them")
        return Exit.DONE

    session = session_of(context)
    session.shard = _checked(shard, bot)
    if session.break_glass is not None:
        raise typer.BadParameter("is for commands by hand", param_hint="--break-glass")
    session.run(workload, work)


def _checked(shard: str | None, bot: BotName | None) -> str | None:
    if shard is None:
        return None
    if bot is not BotName.LIQUIDATOR:
        raise typer.BadParameter("is for `run liquidator`", param_hint="--shard")
    try:
        read_shard(shard)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--shard") from error
    return shard

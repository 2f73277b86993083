"""`keepers run`: the bots until they are told to stop."""

from typing import Annotated

import typer

from fleet.cli.exits import Exit
from fleet.cli.output import messages
from fleet.cli.ports import Assembly
from fleet.cli.session import session_of
from fleet.settings import Workload
from fleet.wiring.facts import BotName
from fleet.wiring.observer import fatal_reported

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


def run(context: typer.Context, bot: BotArgument = None, *, dry_run: RunDryOption = False) -> None:
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
        with supervisor.stopped_by_signals(), fatal_reported():
            is_drained = await supervisor.run()
        if not is_drained:
            messages().print("some transactions are still on their way; the journal has them")
        return Exit.DONE

    session = session_of(context)
    if session.break_glass is not None:
        raise typer.BadParameter("is for commands by hand", param_hint="--break-glass")
    session.run(workload, work)

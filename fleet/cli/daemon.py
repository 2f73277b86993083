"""`keepers run`: the bots until they are told to stop."""

from typing import Annotated

import typer

from fleet.cli.exits import Exit
from fleet.cli.output import messages
from fleet.cli.ports import Assembly
from fleet.cli.session import session_of
from fleet.settings import Workload
from fleet.wiring.facts import BotName

_WORKLOADS = {
    BotName.FEEDER: Workload.FEEDER,
    BotName.LIQUIDATOR: Workload.LIQUIDATOR,
    BotName.FUNDING: Workload.FUNDING,
    BotName.WARNINGS: None,
}

BotArgument = Annotated[
    BotName | None, typer.Argument(metavar="[BOT]", help="feeder, liquidator, funding or warnings.")
]


def run(context: typer.Context, bot: BotArgument = None) -> None:
    """Run one bot, or all of them in one process, until SIGTERM or Ctrl-C.

    The first signal stops deciding and waits for what was sent; the second ends at once. Without
    a key (keys.all, or the bot's own) it decides and logs, and sends nothing.
    """
    workload = Workload.ALL if bot is None else _WORKLOADS[bot]
    bots = frozenset(BotName) if bot is None else frozenset({bot})

    async def work(fleet: Assembly) -> Exit:
        if workload is not None and fleet.account is None:
            note = f"keys.{workload.value} is not configured: dry run, nothing will be sent"
            messages().print(note, highlight=False)
        supervisor = fleet.supervisor(bots)
        with supervisor.stopped_by_signals():
            is_drained = await supervisor.run()
        if not is_drained:
            messages().print("some transactions are still on their way; the journal has them")
        return Exit.DONE

    session_of(context).run(workload, work)

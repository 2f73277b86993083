"""The `keepers` command: every bot as a daemon, and every step of theirs by hand.

Only puts commands together; each lives in a module of its own.
"""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated

import typer

from fleet.cli import funding, oracle, spend, store, world
from fleet.cli.code import accept_code
from fleet.cli.daemon import run
from fleet.cli.examination import doctor
from fleet.cli.exits import EXIT_CODES, ended
from fleet.cli.explain import explain
from fleet.cli.explanation import settings
from fleet.cli.liquidate import liquidate
from fleet.cli.output import messages
from fleet.cli.replay import replay
from fleet.cli.scan import scan
from fleet.cli.session import LogFormat, Session
from fleet.cli.status import status
from fleet.cli.warnings import warnings

app = typer.Typer(
    name="keepers",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its frames would show values that nobody should see
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(installed_version("megatao-keepers"))
        raise typer.Exit


@app.callback(
    help=f"Keepers and price oracle of a perpetual-futures exchange on chain 964. {EXIT_CODES}"
)
def keepers(
    context: typer.Context,
    *,
    network: Annotated[
        str | None,
        typer.Option(envvar="KEEPERS_NETWORK_NAME", help="A configuration that comes along."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(envvar="KEEPERS_CONFIG_FILE", help="A configuration file.")
    ] = None,
    log_format: Annotated[
        LogFormat | None, typer.Option(help="Of the log lines; overrides telemetry.log_format.")
    ] = None,
    break_glass: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The database is away: act once with keys.standby and this SQLite file.",
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Keeps the options that stand before the command's name."""
    del version
    session = context.ensure_object(Session)
    session.network, session.config = network, config
    session.break_glass = break_glass
    session.log_format = None if log_format is None else log_format.value


app.command(epilog=EXIT_CODES)(run)
app.command(epilog=EXIT_CODES)(status)
app.command(epilog=EXIT_CODES)(doctor)
app.command(epilog=EXIT_CODES)(scan)
app.command(epilog=EXIT_CODES)(liquidate)
app.command(epilog=EXIT_CODES)(explain)
app.command(epilog=EXIT_CODES)(accept_code)
app.command(epilog=EXIT_CODES)(warnings)
app.command(epilog=EXIT_CODES)(settings)
app.command(epilog=EXIT_CODES)(world.demo)
app.command(epilog=EXIT_CODES)(replay)
app.add_typer(oracle.app, name="oracle")
app.add_typer(funding.app, name="funding")
app.add_typer(spend.app, name="spend")
app.add_typer(store.app, name="store")
app.add_typer(world.app, name="devnet")


def main() -> None:
    """The whole command line; `fleet.cli.entry` begins with it."""
    is_json = "--json" in sys.argv  # arguments that cannot be read are no reason for no document
    sys.exit(ended(lambda: app(standalone_mode=False), messages(), is_json=is_json))


if __name__ == "__main__":
    main()

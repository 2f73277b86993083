"""`keepers oracle study`: what band, heartbeat and guard would have done over recorded prices.

Imports NumPy, charts and the devnet's tape only when it is called. Needs no chain and no key.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from fleet.cli.exits import Exit, WrongInputError, reported
from fleet.cli.output import Output, messages, output
from fleet.cli.session import JsonOption, Session, session_of
from fleet.settings import ExchangeSettings, Settings
from units import Netuid

if TYPE_CHECKING:
    from study.trials import Rules, Study


def study(
    context: typer.Context,
    *,
    tape: Annotated[Path, typer.Option(help="CSV of block,timestamp_utc,sn<netuid>,… (or .gz).")],
    out: Annotated[Path, typer.Option(help="The page with charts.")] = Path("build/study.html"),
    json: JsonOption = False,
) -> None:
    """What band, heartbeat and guard would have done over a tape: a table, and a page of charts."""
    session = session_of(context)
    with reported(messages(), is_json=json), output(is_json=json) as said:
        settings = _settings(session)
        _begin(out)
        found = _studied(tape, _rules(settings), said)
        _show(found, settings, out, said)
    raise typer.Exit(Exit.DONE)


def _begin(out: Path) -> None:
    """An empty page first: minutes of work are not to end at a file that can't be written."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text("")
    except OSError as error:
        raise WrongInputError(f"{out}: {error.strerror}") from None


def _settings(session: Session) -> Settings | None:
    """What the operator decided; None, for the defaults, where no configuration is named."""
    is_named = session.network is not None or session.config is not None
    return session.settings() if is_named else None


def _rules(settings: Settings | None) -> "Rules":
    from fleet.wiring import policies  # noqa: PLC0415 - imports that other commands can spare
    from study.foresight import Terms  # noqa: PLC0415 - likewise
    from study.trials import Rules  # noqa: PLC0415 - likewise

    exchange = ExchangeSettings() if settings is None else settings.exchange
    terms = Terms(open_fee=exchange.open_fee_bps, close_fee=exchange.close_fee_bps)
    if settings is None:
        return Rules(terms=terms)
    feeder = policies.feeder(settings)
    return Rules(guard=feeder.judge.guard, publication=feeder.publication, terms=terms)


def _studied(path: Path, rules: "Rules", said: Output) -> "Study":
    from devnet.tape import Tape, TapeError  # noqa: PLC0415 - imports that other commands can spare
    from study.trials import Grid, study  # noqa: PLC0415 - likewise

    grid = Grid()
    try:
        with _progress(grid.steps, said) as progress:
            return study(Tape.open(path), rules, grid, progress)
    except TapeError as error:
        raise WrongInputError(str(error)) from None


@contextmanager
def _progress(steps: int, said: Output) -> Iterator[Callable[[str], None]]:
    """A bar on a terminal; nothing in a pipe."""
    console = messages()
    is_shown = console.is_terminal and not said.is_json
    with Progress(console=console, disable=not is_shown) as bar:
        task = bar.add_task("reading the tape", total=steps)
        yield lambda tried: bar.update(task, advance=1, description=tried)


def _show(found: "Study", settings: Settings | None, out: Path, said: Output) -> None:
    from study.report import report  # noqa: PLC0415 - imports that other commands can spare
    from study.tables import tables  # noqa: PLC0415 - likewise

    def symbol(netuid: Netuid) -> str:
        return f"SN{netuid}" if settings is None else settings.symbol(netuid)

    out.write_text(report(found, symbol))
    for table in tables(found, symbol):
        said.table(table.caption, table.columns, table.rows)
        rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
        said.record(table.caption, rows)
    said.line(f"page: {out}")
    said.record("page", str(out))

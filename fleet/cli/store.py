"""`keepers store`: the whole store as one file, and back."""

from pathlib import Path
from typing import Annotated

import typer

from fleet.cli.acting import Acting, held_back
from fleet.cli.exits import EXIT_CODES, Exit
from fleet.cli.output import output
from fleet.cli.ports import Assembly
from fleet.cli.session import DryRunOption, JsonOption, YesOption, session_of

app = typer.Typer(no_args_is_help=True, help="A backup of the store, and a store from a backup.")

FileToWrite = Annotated[Path, typer.Argument(metavar="FILE", help="Written whole or not at all.")]
FileToRead = Annotated[Path, typer.Argument(metavar="FILE", help="As `store backup` wrote it.")]


@app.command(epilog=EXIT_CODES)
def backup(context: typer.Context, file: FileToWrite, *, json: JsonOption = False) -> None:
    """Write everything that is in the store into a SQLite file, while the fleet works."""

    async def work(fleet: Assembly) -> Exit:
        with output(is_json=json) as out:
            with out.working("copying"):
                rows = await fleet.backups.write(file)
            out.record("file", str(file))
            out.record("rows", rows)
            out.line(f"{sum(rows.values())} rows of {len(rows)} tables are in {file}")
        return Exit.DONE

    session_of(context).run(None, work)


@app.command(epilog=EXIT_CODES)
def restore(
    context: typer.Context,
    file: FileToRead,
    *,
    json: JsonOption = False,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Fill an empty store, of either kind, from a backup; a store in use is refused."""
    acting = Acting(yes=yes, dry_run=dry_run, wait_s=0)

    async def work(fleet: Assembly) -> Exit:
        with output(is_json=json) as out:
            question = f"Fill the store from {file}?"
            held = await held_back(acting, out, question, needs_key=False, fleet=fleet)
            if held is not None:
                return held
            rows = await fleet.backups.restore(file)
            out.record("acted", value=True)
            out.record("rows", rows)
            out.line(f"{sum(rows.values())} rows of {len(rows)} tables are in the store")
        return Exit.DONE

    session_of(context).run(None, work)

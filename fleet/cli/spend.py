"""`keepers spend`: lanes that were stopped for what they spent, and letting them go on."""

from typing import Annotated

import typer

from fleet.cli.acting import Acting, held_back
from fleet.cli.exits import EXIT_CODES, Exit, WrongInputError
from fleet.cli.output import Output, output
from fleet.cli.ports import Assembly
from fleet.cli.session import DryRunOption, JsonOption, YesOption, session_of
from fleet.transactions.request import Lane

app = typer.Typer(no_args_is_help=True, help="What lanes spent, and those that were stopped.")

LaneName = Annotated[
    str, typer.Argument(metavar="LANE", help="price, liquidation, funding or housekeeping.")
]
WorkloadName = Annotated[
    str, typer.Argument(metavar="WORKLOAD", help="Whose lane: all, feeder, liquidator, funding …")
]
Stopped = dict[str, dict[Lane, str]]


@app.command(epilog=EXIT_CODES)
def show(context: typer.Context, *, json: JsonOption = False) -> None:
    """Lanes that send nothing until somebody has looked; refused when there is one."""

    async def work(fleet: Assembly) -> Exit:
        found = await fleet.stopped_lanes()
        with output(is_json=json) as out:
            _show(found, out)
        return Exit.REFUSED if found else Exit.DONE

    session_of(context).run(None, work)


@app.command(epilog=EXIT_CODES)
def reset(
    context: typer.Context,
    workload: WorkloadName,
    lane: LaneName,
    *,
    json: JsonOption = False,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Let a stopped lane go on; what it spent so far no longer counts."""
    acting = Acting(yes=yes, dry_run=dry_run, wait_s=0)

    async def work(fleet: Assembly) -> Exit:
        chosen = _lane(lane)
        with output(is_json=json) as out:
            found = await fleet.stopped_lanes()
            _show(found, out)
            return await _reset(fleet, _names(found, workload, chosen), chosen, acting, out)

    session_of(context).run(None, work)


async def _reset(
    fleet: Assembly, names: list[str], lane: Lane, acting: Acting, out: Output
) -> Exit:
    out.record("chosen", names)
    if not names:
        out.line(f"nothing to do: lane {lane.name.lower()} is not stopped there")
        return Exit.DONE
    question = f"Let lane {lane.name.lower()} of {', '.join(names)} go on?"
    held = await held_back(acting, out, question, needs_key=False, fleet=fleet)
    if held is not None:
        return held
    for name in names:
        await fleet.reset_lane(name, lane)
        out.line(f"{name}: lane {lane.name.lower()} goes on")
    out.record("acted", value=True)
    return Exit.DONE


def _show(found: Stopped, out: Output) -> None:
    rows = [
        (name, lane.name.lower(), why)
        for name, lanes in found.items()
        for lane, why in lanes.items()
    ]
    out.record("stopped", [dict(zip(("key", "lane", "reason"), row, strict=True)) for row in rows])
    if rows:
        out.table("Stopped lanes", ("workload and key", "lane", "why"), rows)
    else:
        out.line("no lane is stopped")


def _names(found: Stopped, workload: str, lane: Lane) -> list[str]:
    """Those of a workload, whichever key it has."""
    return [
        name for name, lanes in found.items() if lane in lanes and name.split(":")[0] == workload
    ]


def _lane(name: str) -> Lane:
    try:
        return Lane[name.upper()]
    except KeyError:
        known = ", ".join(lane.name.lower() for lane in Lane)
        raise WrongInputError(f"no lane is called {name!r}; known: {known}") from None

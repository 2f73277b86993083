"""`keepers warnings`: one step of the warnings bot by hand."""

import typer

from fleet.cli.acting import Acting, held_back
from fleet.cli.exits import Exit
from fleet.cli.output import Output, output
from fleet.cli.ports import Assembly
from fleet.cli.session import DryRunOption, JsonOption, YesOption, session_of
from fleet.cli.words import percent
from keepers.warnings.keeper import WarningsPlan
from keepers.warnings.stretches import Standings


def warnings(
    context: typer.Context,
    *,
    json: JsonOption = False,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """How the positions stand against the tiers, and the alerts that follow; needs no key."""
    acting = Acting(yes=yes, dry_run=dry_run, wait_s=0)

    async def work(fleet: Assembly) -> Exit:
        with output(is_json=json) as out:
            return await _warn(fleet, acting, out)

    session_of(context).run(None, work)


async def _warn(fleet: Assembly, acting: Acting, out: Output) -> Exit:
    with out.working("reading every position"):
        await fleet.read_tiers()
        keeper = fleet.warnings
        plan = await keeper.plan(await fleet.head())
    _show(plan, out)
    alerts = plan.change.alerts
    if not alerts and not plan.change.collected and not acting.yes:
        return _end(plan)
    held = await held_back(
        acting, out, f"Tell people {len(alerts)} alerts?", needs_key=False, fleet=fleet
    )
    if held is not None:
        return held
    outcome = await keeper.act(plan)
    with out.working("delivering"):
        undelivered = await fleet.deliver()
    out.record("outcome", outcome)
    out.record("undelivered", undelivered)
    out.line(f"{len(outcome.alerts)} alerts are new, {undelivered} could not be delivered yet")
    return Exit.REFUSED if undelivered else _end(plan)


def _end(plan: WarningsPlan) -> Exit:
    return Exit.DONE if plan.blindness is None else Exit.UNHEALTHY


def _show(plan: WarningsPlan, out: Output) -> None:
    out.record("plan", plan)
    if plan.blindness is not None:
        out.line(f"the risk of every position is unknown: {plan.blindness}")
    if plan.standings is not None:
        out.table(
            f"Open positions at block {plan.head.number}",
            ("margin ratio", "positions"),
            _standing_rows(plan.standings),
        )
    columns = ("severity", "kind", "what")
    rows = [(a.severity.value, a.kind.value, a.text) for a in plan.change.alerts]
    out.table("Alerts", columns, rows)
    out.line(f"{len(rows)} alerts, {len(plan.change.collected)} more for the next digest")


def _standing_rows(standings: Standings) -> list[tuple[str, str]]:
    """From the deepest tier up; each position is counted once."""
    below = [
        (f"below {percent(tier)}", str(count)) for tier, count in sorted(standings.below.items())
    ]
    return [*below, ("above all tiers", str(standings.above)), ("unknown", str(standings.unknown))]

"""`keepers funding`: one step of the funding bot by hand."""

from collections.abc import Iterator

import typer

from fleet.cli.acting import Acting, held_back, tell_outcomes
from fleet.cli.exits import EXIT_CODES, Exit
from fleet.cli.output import Output, output
from fleet.cli.ports import Assembly
from fleet.cli.session import DryRunOption, JsonOption, WaitOption, YesOption, session_of
from fleet.cli.words import seconds_text
from fleet.settings import Settings, Workload
from keepers.funding.keeper import FundingKeeper, FundingPlan, FundingUnread, NotYetDue
from keepers.submission import Sent

app = typer.Typer(no_args_is_help=True, help="Funding.")

COLUMNS = ("market", "netuid", "elapsed", "late by", "forfeited", "plan")


@app.callback()
def funding() -> None:
    """Keeps `accrue` a word of its own, as more of them may come."""


@app.command(epilog=EXIT_CODES)
def accrue(
    context: typer.Context,
    *,
    json: JsonOption = False,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    wait: WaitOption = 60,
) -> None:
    """Accrue every market that is due, in one transaction."""
    acting = Acting(yes=yes, dry_run=dry_run, wait_s=wait)

    async def work(fleet: Assembly) -> Exit:
        with output(is_json=json) as out:
            return await _accrue(fleet, acting, out)

    session_of(context).run(Workload.OPERATOR, work)


async def _accrue(fleet: Assembly, acting: Acting, out: Output) -> Exit:
    plan = await _plan(fleet, fleet.funding, out)
    if plan is None:
        return Exit.REFUSED
    if not plan.due:
        out.line("nothing is due")
        return Exit.DONE
    question = f"Accrue {len(plan.due)} markets?"
    held = await held_back(acting, out, question, needs_key=True, fleet=fleet)
    if held is not None:
        return held
    outcome = await fleet.funding.act(plan)
    out.record("outcome", outcome.submission)
    if not isinstance(outcome.submission, Sent):
        out.line(f"not sent: {outcome.submission.reason if outcome.submission else 'nothing due'}")
        return Exit.REFUSED
    out.line(f"sent: {outcome.submission.tx_hash}")
    return await tell_outcomes(fleet, acting, out)


async def _plan(fleet: Assembly, keeper: FundingKeeper, out: Output) -> FundingPlan | None:
    with out.working("reading the exchange"):
        plan = await keeper.plan(await fleet.head())
    out.record("plan", plan)
    match plan:
        case FundingUnread(reason=reason):
            out.line(f"funding could not be read: {reason}")
            return None
        case NotYetDue():
            raise AssertionError("a new keeper reads before it says that nothing is due")
        case FundingPlan():
            rows = list(plan_rows(plan, fleet.settings))
            out.table(f"Funding at block {plan.head.number}", COLUMNS, rows)
            out.line(_next_line(plan))
            return plan


def plan_rows(plan: FundingPlan, settings: Settings) -> Iterator[tuple[str, ...]]:
    """A row for every market that something is said of, as in COLUMNS."""
    for verb, markets in (("accrue", plan.due), ("next transaction", plan.postponed)):
        for due in markets:
            yield (
                settings.symbol(due.netuid),
                str(due.netuid),
                seconds_text(due.elapsed),
                seconds_text(due.lag) if due.lag else "–",
                seconds_text(due.forfeited) if due.forfeited else "–",
                verb,
            )
    for text, netuids in (("on its way", plan.in_flight), ("not listed", plan.unlisted)):
        for netuid in netuids:
            yield settings.symbol(netuid), str(netuid), "–", "–", "–", text


def _next_line(plan: FundingPlan) -> str:
    if plan.next_due is None:
        return "no market is listed"
    wait = plan.next_due - plan.head.time
    return "due now" if wait <= 0 else f"next due in {seconds_text(wait)}"

"""`keepers oracle`: what the price is, and one step of publishing it."""

from collections.abc import Sequence

import typer

from fleet.cli.accept_pin import accept_pin
from fleet.cli.acting import Acting, held_back, tell_outcomes
from fleet.cli.exits import EXIT_CODES, Exit
from fleet.cli.feed_tables import PLAN_COLUMNS, plan_rows, plan_title, sent_lines
from fleet.cli.inputs import Markets
from fleet.cli.inputs import markets as named_markets
from fleet.cli.output import Output, output
from fleet.cli.pins import pins
from fleet.cli.ports import Assembly
from fleet.cli.session import DryRunOption, JsonOption, WaitOption, YesOption, session_of
from fleet.cli.study import study
from fleet.cli.switch import resume, suspend
from fleet.settings import Workload
from oracle.feeder import Feeder
from oracle.plan import FeedPlan, NotPlanned
from oracle.ports import Sent
from oracle.quotes import Unavailable
from units import Netuid

app = typer.Typer(no_args_is_help=True, help="The price feed.")

app.command(epilog=EXIT_CODES)(pins)
app.command(epilog=EXIT_CODES)(accept_pin)
app.command(epilog=EXIT_CODES)(suspend)
app.command(epilog=EXIT_CODES)(resume)
app.command(epilog=EXIT_CODES)(study)


@app.command(epilog=EXIT_CODES)
def show(context: typer.Context, markets: Markets = None, json: JsonOption = False) -> None:
    """Source and feed price of every market, and what the feeder would do now."""

    async def work(fleet: Assembly) -> Exit:
        chosen = named_markets(fleet.settings, markets or ())
        with output(is_json=json) as out:
            plan = await _plan(fleet, fleet.feeder(chosen), out)
        return Exit.DONE if _is_read(plan) else Exit.REFUSED

    session_of(context).run(None, work)


@app.command(epilog=EXIT_CODES)
def push(
    context: typer.Context,
    markets: Markets = None,
    *,
    json: JsonOption = False,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    wait: WaitOption = 60,
) -> None:
    """One step of the feeder: publish what is due, suspend what has no price."""
    acting = Acting(yes=yes, dry_run=dry_run, wait_s=wait)

    async def work(fleet: Assembly) -> Exit:
        chosen = named_markets(fleet.settings, markets or ())
        with output(is_json=json) as out:
            return await _push(fleet, chosen, acting, out)

    session_of(context).run(Workload.OPERATOR, work)


async def _push(fleet: Assembly, chosen: Sequence[Netuid], acting: Acting, out: Output) -> Exit:
    feeder = fleet.feeder(chosen)
    plan = await _plan(fleet, feeder, out)
    if isinstance(plan, NotPlanned):
        return Exit.REFUSED
    if not plan.updates and not plan.suspensions:
        out.line("nothing is due" if _is_read(plan) else "nothing can be decided")
        return Exit.DONE if _is_read(plan) else Exit.REFUSED
    question = f"Push {len(plan.updates)} prices, suspend {_count(plan)} markets?"
    held = await held_back(acting, out, question, needs_key=True, fleet=fleet)
    if held is not None:
        return held
    outcome = await feeder.act(plan)
    out.record("outcome", outcome)
    sent = list(sent_lines(outcome))
    for text, said in sent:
        out.line(f"{text}: {said.tx_hash if isinstance(said, Sent) else said.reason}")
    if not all(isinstance(said, Sent) for _, said in sent):
        return Exit.REFUSED
    return await tell_outcomes(fleet, acting, out)


def _is_read(plan: FeedPlan | NotPlanned) -> bool:
    """Whether there is a source block behind it: without one, nothing due says nothing."""
    return isinstance(plan, FeedPlan) and plan.source is not None


def _count(plan: FeedPlan) -> int:
    return sum(len(netuids) for netuids in plan.suspensions.values())


async def _plan(fleet: Assembly, feeder: Feeder, out: Output) -> FeedPlan | NotPlanned:
    with out.working("reading both chains"):
        head = await fleet.source.finalized()
        found = None if isinstance(head, Unavailable) else head
        plan = await feeder.plan(found)
    out.record("plan", plan)
    if isinstance(head, Unavailable):
        out.record("reason", head.detail)
        out.line(f"no finalized block could be read: {head.detail}")
    if isinstance(plan, NotPlanned):
        out.line(f"nothing can be decided: {plan.reason}")
        return plan
    out.table(plan_title(plan), PLAN_COLUMNS, list(plan_rows(plan, fleet.settings)))
    for alert in plan.alerts:
        out.line(f"attention: {alert}")
    return plan

"""`keepers liquidate`: takes what is below maintenance, all or one trader's or one position."""

from typing import Annotated

import typer

from fleet.cli.acting import Acting, held_back, tell_outcomes
from fleet.cli.exits import Exit, WrongInputError
from fleet.cli.inputs import position_or_trader
from fleet.cli.output import Output, output
from fleet.cli.ports import Assembly
from fleet.cli.position_tables import CANDIDATE_COLUMNS, candidate_rows, is_chosen, risk_rows
from fleet.cli.position_tables import RISK_COLUMNS as RISKS
from fleet.cli.session import DryRunOption, JsonOption, WaitOption, YesOption, session_of
from fleet.settings import Workload
from keepers.liquidation.assessment import PositionRisk
from keepers.liquidation.keeper import (
    LiquidationPlan,
    LiquidationPolicy,
    LiquidationsHeld,
    LiquidationsSubmitted,
)
from keepers.liquidation.risk import RiskUnknown
from keepers.liquidation.selection import select
from keepers.submission import Sent
from units import PositionId

Chosen = PositionId | str | None
"""One position, one trader's (lower-case address), or all."""

Target = Annotated[
    str | None, typer.Argument(metavar="[POSITION|TRADER]", help="0x… of 16 or 20 bytes.")
]


def liquidate(
    context: typer.Context,
    target: Target = None,
    *,
    everyone: Annotated[bool, typer.Option("--all", help="All that is below maintenance.")] = False,
    json: JsonOption = False,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    wait: WaitOption = 60,
) -> None:
    """One step of the liquidator for a POSITION, a TRADER or --all."""
    acting = Acting(yes=yes, dry_run=dry_run, wait_s=wait)

    async def work(fleet: Assembly) -> Exit:
        if (target is None) != everyone:
            raise WrongInputError("name a position or a trader, or say --all")
        chosen = None if target is None else position_or_trader(target)
        with output(is_json=json) as out:
            return await _liquidate(fleet, chosen, acting, out)

    session_of(context).run(Workload.OPERATOR, work)


async def _liquidate(fleet: Assembly, chosen: Chosen, acting: Acting, out: Output) -> Exit:
    with out.working("reading every position"):
        found = await fleet.liquidator.plan(await fleet.head())
    if isinstance(found, LiquidationsHeld):
        out.record("plan", found)
        out.line(f"nothing can be decided: {found.reason}")
        return Exit.REFUSED
    plan = restricted(found, chosen, fleet.liquidation_policy)
    _show(plan, fleet, out)
    if not plan.batches:
        return await _nothing_to_take(fleet, plan, chosen, out)
    count = sum(len(batch.keys) for batch in plan.batches)
    question = f"Liquidate {count} positions in {len(plan.batches)} transactions?"
    held = await held_back(acting, out, question, needs_key=True, fleet=fleet)
    if held is not None:
        return held
    submitted = await fleet.liquidator.act(plan)
    if not _tell_submitted(submitted, out):
        return Exit.REFUSED
    return await tell_outcomes(fleet, acting, out)


def restricted(plan: LiquidationPlan, chosen: Chosen, policy: LiquidationPolicy) -> LiquidationPlan:
    """The plan for the chosen positions only, cut into batches anew."""
    wanted = tuple(each for each in plan.candidates if is_chosen(each, chosen))
    busy = {*plan.in_flight, *plan.waiting}
    free = [each for each in wanted if each.position.key not in busy]
    selection = select(free, head=plan.head, policy=policy.selection, gas=policy.gas)
    keys = {each.position.key for each in wanted}
    return LiquidationPlan(
        head=plan.head,
        grounds=plan.grounds,
        candidates=wanted,
        batches=selection.batches,
        in_flight=tuple(key for key in plan.in_flight if key in keys),
        deferred=selection.deferred,
        unknown=plan.unknown,
        waiting=tuple(key for key in plan.waiting if key in keys),
    )


def _show(plan: LiquidationPlan, fleet: Assembly, out: Output) -> None:
    out.record("plan", plan)
    title = f"Below maintenance at block {plan.head.number}"
    out.table(title, CANDIDATE_COLUMNS, list(candidate_rows(plan, fleet.settings)))
    for reason, count in plan.unknown.items():
        out.line(f"{count} positions cannot be judged: {reason}")


async def _nothing_to_take(
    fleet: Assembly, plan: LiquidationPlan, chosen: Chosen, out: Output
) -> Exit:
    """Says why; a named position that does not exist is wrong input."""
    if plan.candidates:
        out.line("nothing to send: see the plan")
        return Exit.DONE
    if chosen is None:
        out.line("nobody is below maintenance")
        return Exit.DONE
    risks = await _risks_of(fleet, plan, chosen)
    if not risks:
        raise WrongInputError(f"no open position of {_named(chosen)} at block {plan.head.number}")
    out.record("risks", risks)
    out.table(
        "Not below maintenance, or not to be judged", RISKS, list(risk_rows(risks, fleet.settings))
    )
    return Exit.DONE if all(risk.unknown is None for risk in risks) else Exit.REFUSED


async def _risks_of(
    fleet: Assembly, plan: LiquidationPlan, chosen: PositionId | str
) -> tuple[PositionRisk, ...]:
    view = await fleet.risk.risk_view(plan.head)
    if isinstance(view, RiskUnknown):
        return ()
    return tuple(risk for risk in view.positions if _is_of(risk, chosen))


def _is_of(risk: PositionRisk, chosen: PositionId | str) -> bool:
    if isinstance(chosen, str):
        return risk.position.trader.lower() == chosen
    return risk.position.key.id == chosen


def _named(chosen: PositionId | str) -> str:
    return chosen if isinstance(chosen, str) else f"0x{chosen.hex()}"


def _tell_submitted(submitted: LiquidationsSubmitted, out: Output) -> bool:
    """Whether every batch was accepted."""
    out.record("submissions", submitted.batches)
    for each in submitted.batches:
        said = each.submission
        text = said.tx_hash if isinstance(said, Sent) else f"not sent: {said.reason}"
        out.line(f"{len(each.batch.keys)} positions: {text}")
    return all(isinstance(each.submission, Sent) for each in submitted.batches)

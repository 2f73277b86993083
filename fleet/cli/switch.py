"""`keepers oracle suspend` and `resume`: closing and opening markets by hand."""

from collections.abc import Sequence
from typing import assert_never

import typer

from fleet.cli.acting import Acting, held_back, tell_outcomes
from fleet.cli.exits import Exit
from fleet.cli.feed_tables import state_text
from fleet.cli.inputs import NamedMarkets
from fleet.cli.inputs import markets as named_markets
from fleet.cli.output import Output, output
from fleet.cli.ports import Assembly
from fleet.cli.session import DryRunOption, JsonOption, WaitOption, YesOption, session_of
from fleet.cli.words import price_text
from fleet.settings import Workload
from fleet.transactions.request import AlreadyInFlight, Refused, Submission, Submitted
from oracle.feed import FeedRowView, SuspensionReason
from oracle.ports import FeedState
from oracle.quotes import Unavailable
from units import Netuid

_BARRED = "only the admin can resume it"
_ADMIN_ONLY = (SuspensionReason.GUARDIAN, SuspensionReason.IDENTITY)
_STRONGER = (*_ADMIN_ONLY, SuspensionReason.OPERATOR)
"""Suspensions that one by an operator would not replace."""


def suspend(
    context: typer.Context,
    markets: NamedMarkets,
    *,
    json: JsonOption = False,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    wait: WaitOption = 60,
) -> None:
    """Say on chain that a price is not known: no trading and no liquidation until a resume."""
    _switch(context, markets, Acting(yes=yes, dry_run=dry_run, wait_s=wait), json, on=False)


def resume(
    context: typer.Context,
    markets: NamedMarkets,
    *,
    json: JsonOption = False,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    wait: WaitOption = 60,
) -> None:
    """End a suspension; those by the guardian or for identity only the admin ends."""
    _switch(context, markets, Acting(yes=yes, dry_run=dry_run, wait_s=wait), json, on=True)


def _switch(
    context: typer.Context, markets: list[str], acting: Acting, is_json: bool, *, on: bool
) -> None:
    async def work(fleet: Assembly) -> Exit:
        chosen = named_markets(fleet.settings, markets)
        with output(is_json=is_json) as out:
            state = await fleet.feed.rows(chosen)
            if isinstance(state, Unavailable):
                out.record("reason", state.detail)
                out.line(f"the feed could not be read: {state.detail}")
                return Exit.REFUSED
            return await _switched(fleet, state, acting, out, on=on)

    session_of(context).run(Workload.OPERATOR, work)


async def _switched(
    fleet: Assembly, state: FeedState, acting: Acting, out: Output, *, on: bool
) -> Exit:
    verb = "resume" if on else "suspend"
    out.record("rows", state.rows)
    columns = ("market", "netuid", "feed", "state", "plan")
    plans = {netuid: _switch_plan(row, on=on) for netuid, row in state.rows.items()}
    rows = [
        (fleet.settings.symbol(n), str(n), price_text(row.price), state_text(row), plans[n])
        for n, row in state.rows.items()
    ]
    out.table(f"Feed at block {state.head.number}", columns, rows)
    chosen = [netuid for netuid, plan in plans.items() if plan == verb]
    out.record("chosen", chosen)
    is_barred = any(plan == _BARRED for plan in plans.values())
    if is_barred:
        _tell_admin(fleet, [netuid for netuid, plan in plans.items() if plan == _BARRED], out)
        return Exit.REFUSED
    if not chosen:
        out.line("nothing to do")
        return Exit.DONE
    question = f"{verb.capitalize()} {len(chosen)} markets?"
    held = await held_back(acting, out, question, needs_key=True, fleet=fleet)
    if held is not None:
        return held
    return await _send_switch(fleet, chosen, state, acting, out, on=on)


def _tell_admin(fleet: Assembly, barred: Sequence[Netuid], out: Output) -> None:
    call = fleet.inspector.clearing(barred)
    out.record("admin", call)
    out.line("refused: see the plan")
    out.line(f"the admin signs {call.text}: to {call.to} data 0x{call.data.hex()}")


def _switch_plan(row: FeedRowView, *, on: bool) -> str:
    is_open = row.suspension is SuspensionReason.NONE
    if on:
        return "open already" if is_open else _BARRED if row.suspension in _ADMIN_ONLY else "resume"
    return "suspended already" if row.suspension in _STRONGER else "suspend"


async def _send_switch(
    fleet: Assembly,
    chosen: Sequence[Netuid],
    state: FeedState,
    acting: Acting,
    out: Output,
    *,
    on: bool,
) -> Exit:
    said: Submission
    if on:
        said = await fleet.switch.resume(chosen, state.head)
    else:
        said = await fleet.switch.suspend(chosen, SuspensionReason.OPERATOR, state.head)
    out.record("submission", said)
    match said:
        case Submitted(tx_hash=tx_hash) | AlreadyInFlight(tx_hash=tx_hash):
            out.line(f"sent: {tx_hash}")
            return await tell_outcomes(fleet, acting, out)
        case Refused(reason=reason):
            out.line(f"not sent: {reason}")
            return Exit.REFUSED
        case never:
            assert_never(never)

"""`keepers explain`: why a position was liquidated, and whether the record says so by itself."""

from typing import Annotated

import typer

from fleet.cli.evidence_tables import (
    ATTEMPT_COLUMNS,
    JUDGED_COLUMNS,
    attempt_rows,
    heading,
    judged_rows,
    outcome_lines,
    price_lines,
    state_line,
)
from fleet.cli.exits import Exit
from fleet.cli.inputs import position_or_transaction
from fleet.cli.output import Output, output
from fleet.cli.ports import Assembly
from fleet.cli.session import JsonOption, session_of
from fleet.settings import Settings
from fleet.wiring.evidence import Explanation, differences
from fleet.wiring.facts import Unread

Target = Annotated[
    str, typer.Argument(metavar="POSITION|TX", help="0x… of 16 bytes, or a transaction's hash.")
]
ReplayOption = Annotated[
    bool, typer.Option("--replay", help="Decide again from each record; 3 when one disagrees.")
]
LimitOption = Annotated[int, typer.Option(help="Decisions shown, the newest first.", min=1)]


def explain(
    context: typer.Context,
    target: Target,
    *,
    replay: ReplayOption = False,
    limit: LimitOption = 5,
    json: JsonOption = False,
) -> None:
    """What a liquidation was decided on, every transaction attempt, and what came of it."""

    async def work(fleet: Assembly) -> Exit:
        chosen = position_or_transaction(target)
        with output(is_json=json) as out:
            if isinstance(chosen, bytes):
                found = await fleet.evidence.about(chosen)
            else:
                found = await fleet.evidence.behind(chosen)
            return _explain(found[:limit], chosen, fleet, out, is_replayed=replay)

    session_of(context).run(None, work)


def _explain(
    found: tuple[Explanation, ...],
    chosen: bytes | str,
    fleet: Assembly,
    out: Output,
    *,
    is_replayed: bool,
) -> Exit:
    out.record("decisions", found)
    if not found:
        out.line("no decision on it is kept: see store.retention, and which store this is")
        return Exit.REFUSED
    only = chosen if isinstance(chosen, bytes) else None
    for each in found:
        _show(each, only, fleet, out)
    is_whole = all(not isinstance(each.record, Unread) for each in found)
    if is_replayed:
        return _replay(found, fleet.settings, out)
    return Exit.DONE if is_whole else Exit.UNHEALTHY


def _show(found: Explanation, only: bytes | None, fleet: Assembly, out: Output) -> None:
    out.line(heading(found))
    if isinstance(found.record, Unread):
        out.line(f"the record cannot be read: {found.record.reason}")
    else:
        for text in price_lines(found.record, only, fleet.settings):
            out.line(text)
        rows = list(judged_rows(found.record, only, fleet.settings))
        out.table("Judged below maintenance", JUDGED_COLUMNS, rows)
    out.table("Signed for it", ATTEMPT_COLUMNS, list(attempt_rows(found)))
    out.line(state_line(found))
    if not isinstance(found.record, Unread):
        for text in outcome_lines(found, found.record, only):
            out.line(text)


def _replay(found: tuple[Explanation, ...], settings: Settings, out: Output) -> Exit:
    """Decides again from every record; whether all agree."""
    smoothed = [
        market.netuid
        for market in settings.markets
        if settings.oracle_of(market).smoothing_blocks > 1
    ]
    said = [differences(each, smoothed) for each in found]
    out.record("replay", [{"agrees": not each, "differences": each} for each in said])
    for decision, lines in zip(found, said, strict=True):
        verdict = "disagrees" if lines else "agrees"
        out.line(f"replay of {decision.work}: {verdict}")
        for text in lines:
            out.line(f"  {text}")
    return Exit.UNHEALTHY if any(said) else Exit.DONE

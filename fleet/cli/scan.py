"""`keepers scan`: every open position and how it stands, worst first."""

from typing import Annotated

import typer

from fleet.cli.exits import Exit
from fleet.cli.inputs import Markets
from fleet.cli.inputs import markets as named_markets
from fleet.cli.output import output
from fleet.cli.ports import Assembly
from fleet.cli.position_tables import RISK_COLUMNS, risk_rows
from fleet.cli.session import JsonOption, session_of
from keepers.liquidation.assessment import PositionRisk
from keepers.liquidation.risk import RiskUnknown
from units import BPS_ONE, Bps


def scan(
    context: typer.Context,
    markets: Markets = None,
    *,
    below: Annotated[
        int | None, typer.Option(help="Only margin ratios below so many bps.", min=1, max=BPS_ONE)
    ] = None,
    limit: Annotated[int, typer.Option(help="Rows shown; JSON has them all.", min=1)] = 50,
    json: JsonOption = False,
) -> None:
    """Every open position by margin ratio; exits with 3 when one cannot be judged."""

    async def work(fleet: Assembly) -> Exit:
        chosen = named_markets(fleet.settings, markets or ())
        with output(is_json=json) as out:
            with out.working("reading every position"):
                view = await fleet.risk.risk_view(await fleet.head())
            if isinstance(view, RiskUnknown):
                out.record("reason", view.reason)
                out.line(f"nothing is known: {view.reason}")
                return Exit.REFUSED
            found = [risk for risk in view.positions if risk.position.netuid in chosen]
            shown = sorted((risk for risk in found if _is_below(risk, below)), key=_by_ratio)
            out.record("head", view.head)
            out.record("positions", shown)
            title = f"Positions at block {view.head.number}"
            out.table(title, RISK_COLUMNS, list(risk_rows(shown[:limit], fleet.settings)))
            out.line(_summary(found, shown, limit))
        is_blind = any(risk.unknown is not None for risk in found)
        return Exit.UNHEALTHY if is_blind else Exit.DONE

    session_of(context).run(None, work)


def _is_below(risk: PositionRisk, below: int | None) -> bool:
    """What is unknown is shown whatever the limit: it may be below it."""
    return below is None or risk.ratio_bps is None or risk.ratio_bps < below


def _by_ratio(risk: PositionRisk) -> tuple[bool, Bps]:
    return risk.ratio_bps is not None, risk.ratio_bps or Bps(0)


def _summary(found: list[PositionRisk], shown: list[PositionRisk], limit: int) -> str:
    unknown = sum(risk.unknown is not None for risk in found)
    hidden = max(len(shown) - limit, 0)
    more = f", {hidden} more not shown (--limit)" if hidden else ""
    return f"{len(found)} open, {len(shown)} listed, {unknown} cannot be judged{more}"

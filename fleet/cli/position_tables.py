"""Positions and their risk as rows that people read. Pure."""

from collections.abc import Iterable, Iterator, Mapping

from fleet.cli.words import percent, price_text, tao
from fleet.settings import Settings
from keepers.liquidation.assessment import PositionRisk
from keepers.liquidation.keeper import LiquidationPlan
from keepers.liquidation.positions import Position, PositionKey
from keepers.liquidation.selection import Candidate

RISK_COLUMNS = (
    "position",
    "trader",
    "market",
    "side",
    "size",
    "margin left",
    "ratio",
    "liquidated at",
    "state",
)
CANDIDATE_COLUMNS = ("position", "trader", "market", "side", "size", "margin left", "at", "plan")


def position_text(key: PositionKey) -> str:
    """The id, and which opening of it."""
    return f"0x{key.id.hex()}#{key.sequence}"


def risk_rows(risks: Iterable[PositionRisk], settings: Settings) -> Iterator[tuple[str, ...]]:
    """A row a position, as in RISK_COLUMNS."""
    for risk in risks:
        yield (
            *_who(risk.position, settings),
            tao(risk.position.size),
            "–" if risk.remaining is None else tao(risk.remaining),
            "–" if risk.ratio_bps is None else percent(risk.ratio_bps),
            price_text(risk.liquidation_price),
            "known" if risk.unknown is None else f"unknown: {risk.unknown}",
        )


def candidate_rows(plan: LiquidationPlan, settings: Settings) -> Iterator[tuple[str, ...]]:
    """A row for each that is below maintenance, as in CANDIDATE_COLUMNS."""
    fates = _fates(plan)
    for candidate in plan.candidates:
        yield (
            *_who(candidate.position, settings),
            tao(candidate.position.size),
            tao(candidate.remaining),
            price_text(candidate.price),
            fates.get(candidate.position.key, "left out"),
        )


def _fates(plan: LiquidationPlan) -> Mapping[PositionKey, str]:
    fates = dict.fromkeys(plan.in_flight, "on its way")
    fates.update((each.position.key, "no room in this block") for each in plan.deferred)
    fates.update(dict.fromkeys(plan.waiting, "waits for another price"))
    for number, batch in enumerate(plan.batches, start=1):
        fates.update(dict.fromkeys(batch.keys, f"transaction {number}"))
    return fates


def _who(position: Position, settings: Settings) -> tuple[str, str, str, str]:
    side = "long" if position.is_long else "short"
    symbol = settings.symbol(position.netuid)
    return position_text(position.key), position.trader, symbol, side


def is_chosen(candidate: Candidate, chosen: bytes | str | None) -> bool:
    """Whether it is the position of that id, or the trader's of that lower-case address."""
    if chosen is None:
        return True
    position = candidate.position
    if isinstance(chosen, bytes):
        return position.key.id == chosen
    return position.trader.lower() == chosen

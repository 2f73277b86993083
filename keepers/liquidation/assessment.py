"""Exact judgement of positions at given terms, and the risk of a whole book at one moment. Pure."""

from collections import Counter
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from keepers.liquidation.book import Book
from keepers.liquidation.margin import (
    is_liquidatable,
    liquidation_price,
    project_index,
    ratio_bps,
    remaining_margin,
)
from keepers.liquidation.packing import unpacked
from keepers.liquidation.positions import Market, Position
from keepers.liquidation.selection import Candidate
from keepers.liquidation.standing import Standing, Terms, Unknown, UnknownReason, feed_standing
from units import Bps, FundingIndex, Head, Netuid, PriceWei

_SLICE: Final = 500
"""Positions of one step of `viewing`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionRisk:
    """One position at the feed's price and the projected index.

    `remaining` (wei, signed) and `ratio_bps` are None exactly when `unknown` says why.
    `liquidation_price` needs no price, so it is there also then: see `margin.liquidation_price`.
    """

    position: Position
    remaining: int | None
    ratio_bps: Bps | None
    unknown: UnknownReason | None
    liquidation_price: PriceWei | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskView:
    """Every open position, and the markets they are in, at the end of one block."""

    head: Head
    positions: tuple[PositionRisk, ...]
    markets: Mapping[Netuid, Market]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedAt:
    """What the positions of one market are judged at; the index is there also without a price."""

    market: Market
    standing: Standing
    index: FundingIndex


def judge(position: Position, terms: Terms) -> Candidate | None:
    """The position as a candidate when it is below maintenance at these terms, to the wei."""
    remaining = remaining_margin(position, terms.price, terms.index)
    if not is_liquidatable(position, terms.parameters, remaining):
        return None
    return Candidate(position=position, price=terms.price, index=terms.index, remaining=remaining)


def unknown_counts(book: Book, standings: Iterable[Standing]) -> Mapping[UnknownReason, int]:
    """How many open positions stand in markets that can't be judged, by reason."""
    reasons = {at.netuid: at.reason for at in standings if isinstance(at, Unknown)}
    if not reasons:
        return {}
    counts: Counter[UnknownReason] = Counter()
    for netuid, reason in reasons.items():
        counts[reason] += book.positions.count_in(netuid)
    return +counts


def viewing(book: Book) -> Generator[None, None, RiskView]:
    """Every position as the contract's own view shows it at the end of the book's block.

    In steps of some milliseconds, between which others may read any version.
    """
    at, risks = judged_at(book), list[PositionRisk]()
    for name in tuple(book.positions.table.buckets):
        records = book.positions.table.buckets[name].each()
        for start in range(0, len(records), _SLICE):
            some = map(unpacked, records[start : start + _SLICE])
            risks += [risk_of(position, at[position.netuid]) for position in some]
            yield
    return RiskView(head=book.head, positions=tuple(risks), markets=book.markets)


def judged_at(book: Book) -> Mapping[Netuid, JudgedAt]:
    """Where each market stands at the end of the book's block."""
    now = book.head.time
    return {
        netuid: JudgedAt(
            market=market, standing=feed_standing(market, now), index=project_index(market, now)
        )
        for netuid, market in book.markets.items()
    }


def risk_of(position: Position, at: JudgedAt) -> PositionRisk:
    """One position's figures, or why there are none."""
    liquidated_at = liquidation_price(position, at.market.parameters, at.index)
    if isinstance(at.standing, Unknown):
        return PositionRisk(
            position=position,
            remaining=None,
            ratio_bps=None,
            unknown=at.standing.reason,
            liquidation_price=liquidated_at,
        )
    remaining = remaining_margin(position, at.standing.price, at.index)
    return PositionRisk(
        position=position,
        remaining=remaining,
        ratio_bps=ratio_bps(position, remaining),
        unknown=None,
        liquidation_price=liquidated_at,
    )

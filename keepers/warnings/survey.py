"""What one block shows of a book to the warnings: whoever must be looked at, and counts of all.

Pure.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from keepers.liquidation.assessment import PositionRisk, RiskView
from keepers.liquidation.positions import Market, PositionKey
from keepers.liquidation.standing import UnknownReason
from keepers.warnings.stretches import Stretch, Stretches
from keepers.warnings.tiers import Watch
from units import Head, Netuid

Watches = Mapping[PositionKey, Watch]
"""Everybody's watch who was ever seen with a known ratio and is remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownRisk:
    """So many open positions of a market have an unknown ratio, for this reason."""

    positions: int
    reason: UnknownReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """A book at the end of `head`, as far as the warnings have to know it.

    Attributes:
        risks: Open positions to look at. Whoever is left out is in the stretch in which they were
            found when last looked at, and their watch would not move; or their ratio is unknown
            and was so, or their watch waited for nothing.
        closed: Those that were open when last looked at and are not open any more. None: nobody
            is left out of `risks`, so that whoever is not among them is not open.
        known: How many of all open positions with a known ratio are in each stretch.
        unknown: The markets with open positions of unknown ratio.
    """

    head: Head
    markets: Mapping[Netuid, Market]
    risks: tuple[PositionRisk, ...]
    closed: frozenset[PositionKey] | None
    known: Mapping[Stretch, int]
    unknown: Mapping[Netuid, UnknownRisk]


def everybody(view: RiskView, lines: Stretches) -> Survey:
    """The survey that looks at every position."""
    known: Counter[Stretch] = Counter()
    unknown: Counter[Netuid] = Counter()
    reasons: dict[Netuid, UnknownReason] = {}
    for risk in view.positions:
        if risk.ratio_bps is not None:
            known[lines.of(risk.ratio_bps)] += 1
        elif risk.unknown is not None:
            unknown[risk.position.netuid] += 1
            reasons[risk.position.netuid] = risk.unknown
    return Survey(
        head=view.head,
        markets=view.markets,
        risks=view.positions,
        closed=None,
        known=known,
        unknown={n: UnknownRisk(positions=unknown[n], reason=reasons[n]) for n in unknown},
    )

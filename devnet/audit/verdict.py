"""What the referee has found so far, and the rules by which it judges one liquidation. Pure.

Healthy touched: liquidated though not below maintenance, or only because of a returning spike.
"""

from collections import Counter
from dataclasses import dataclass, field

from devnet.audit.avoidable import BadDebtSplit
from devnet.audit.ledger import Taken, name_of
from devnet.audit.margin import is_below, penalty_of, remaining
from units import BPS_ONE, Netuid, PriceWei


@dataclass(slots=True)
class Verdict:
    """Everything counted over a run. Lists hold one line for each finding.

    Blocks from source to liquidation count from the source block of the pushed price that brought
    the position below maintenance (`source_blocks`), and from the first source price that would
    have (`first_source_blocks`): between the two stand the guard and the band.
    """

    liquidations: int = 0
    liquidations_by_market: Counter[Netuid] = field(default_factory=Counter)
    penalties_wei: int = 0
    bad_debt_wei: int = 0
    bad_debt: BadDebtSplit = field(default_factory=BadDebtSplit)
    healthy_touched: list[str] = field(default_factory=list)
    healthy_liquidated: list[str] = field(default_factory=list)
    wrong_amounts: list[str] = field(default_factory=list)
    late_blocks: Counter[int] = field(default_factory=Counter)
    late_blocks_unsuspended: Counter[int] = field(default_factory=Counter)
    later_than_ranked: list[str] = field(default_factory=list)
    source_blocks: Counter[int] = field(default_factory=Counter)
    first_source_blocks: Counter[int] = field(default_factory=Counter)
    driven_by_funding: int = 0
    gap_bps_max: dict[Netuid, int] = field(default_factory=dict)
    gap_bps_max_suspended: dict[Netuid, int] = field(default_factory=dict)
    funding_lag_s_max: int = 0

    def note_gap(self, netuid: Netuid, gap_bps: int, *, is_suspended: bool) -> None:
        """How far the feed is from the source now."""
        gaps = self.gap_bps_max_suspended if is_suspended else self.gap_bps_max
        gaps[netuid] = max(gap_bps, gaps.get(netuid, 0))

    def note_late(self, taken: Taken, allowed: int) -> None:
        """A liquidation came later than the gas ranked before it explains."""
        self.later_than_ranked.append(f"{_where(taken)}: late by more than {allowed} blocks")

    def judge(self, taken: Taken, price_before_spike: PriceWei | None) -> None:
        """Judges one liquidation.

        Args:
            taken: the liquidation with the referee's own price and index.
            price_before_spike: the price before, when the price that liquidated was a returning
                spike; None otherwise.
        """
        left = remaining(taken.holding, taken.price, taken.index)
        self.liquidations += 1
        self.liquidations_by_market[taken.holding.netuid] += 1
        self.penalties_wei += taken.event["penalty"]
        self.bad_debt_wei += taken.event["badDebt"]
        self._judge_amounts(taken, left)
        if not is_below(left, taken.holding.size, taken.terms):
            self.healthy_liquidated.append(f"{_where(taken)}: {left} wei left were enough")
            self.healthy_touched.append(self.healthy_liquidated[-1])
        elif price_before_spike is not None and not _was_below_at(taken, price_before_spike):
            self.healthy_touched.append(f"{_where(taken)}: only because of a returning spike")

    def _judge_amounts(self, taken: Taken, left: int) -> None:
        penalty = penalty_of(left, taken.terms)
        expected = {
            "price": taken.price,
            "index": taken.index,
            "remaining": left,
            "penalty": penalty,
            "keeperShare": penalty * taken.terms.keeper_share // BPS_ONE,
            "badDebt": max(-left, 0),
        }
        for name, value in expected.items():
            if taken.event[name] != value:
                found = taken.event[name]
                self.wrong_amounts.append(f"{_where(taken)}: {name} {found}, expected {value}")


def _was_below_at(taken: Taken, price: PriceWei) -> bool:
    left = remaining(taken.holding, price, taken.index)
    return is_below(left, taken.holding.size, taken.terms)


def _where(taken: Taken) -> str:
    return f"block {taken.block}: {name_of(taken.holding.key)} of market {taken.holding.netuid}"

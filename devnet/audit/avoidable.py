"""Which bad debt could have been avoided, and what the fleet's own caution cost. Pure.

Bad debt at a liquidation is compared with what it would have been at two earlier prices:

- the first one below maintenance that the operator's rules (band, guard) allowed to be published.
  What is above that is *avoidable*: somebody was slow.
- the first one of the source below maintenance, allowed or not. What is above that is the *cost of
  the guard* where the guard held that price, else the *cost of the band*.

The rest is unavoidable: the gap itself took it. Bad debt is that at the funding index of the
liquidation. Whether an allowed price put the position below maintenance is judged by the index of
that price's own block: who only fell for funding owed since was healthy then.
"""

from dataclasses import dataclass, field

from devnet.audit.ledger import Taken
from devnet.audit.margin import is_below, remaining
from units import BlockNumber, FundingIndex, Netuid, PriceWei


@dataclass(slots=True)
class AllowedPrices:
    """Of every market, the prices that could have been published, with the block to land in."""

    _by_market: dict[Netuid, list["_Allowed"]] = field(default_factory=dict)

    def note(
        self, netuid: Netuid, block: BlockNumber, price: PriceWei, index: FundingIndex
    ) -> None:
        """`price` was due and might be believed by who acted before `block`; its funding index."""
        known = self._by_market.setdefault(netuid, [])
        known.append(_Allowed(block=block, price=price, index=index))

    def first_below(self, taken: Taken) -> PriceWei | None:
        """The first allowed price that put the position below maintenance; None: funding did."""
        for one in self._by_market.get(taken.holding.netuid, []):
            if taken.opened_in < one.block <= taken.block and one.brings_down(taken):
                return one.price
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Allowed:
    """A price that could have landed in a block, and the funding index of that block."""

    block: BlockNumber
    price: PriceWei
    index: FundingIndex

    def brings_down(self, taken: Taken) -> bool:
        """Whether a position was below maintenance at it."""
        left = remaining(taken.holding, self.price, self.index)
        return is_below(left, taken.holding.size, taken.terms)


@dataclass(slots=True, kw_only=True)
class BadDebtSplit:
    """Bad debt of all liquidations so far, in wei, by who or what it is due to."""

    avoidable: int = 0
    by_guard: int = 0
    by_band: int = 0

    def judge(
        self,
        taken: Taken,
        *,
        allowed: PriceWei | None,
        source: PriceWei,
        is_source_held: bool,
    ) -> None:
        """Adds one liquidation.

        Args:
            taken: the liquidation.
            allowed: the first allowed price below maintenance; None where there was none.
            source: the first source price below maintenance.
            is_source_held: whether the guard held that one.
        """
        actual = taken.event["badDebt"]
        best = actual if allowed is None else min(actual, bad_debt_at(taken, allowed))
        self.avoidable += actual - best
        caution = max(best - bad_debt_at(taken, source), 0)
        if is_source_held:
            self.by_guard += caution
        else:
            self.by_band += caution


def bad_debt_at(taken: Taken, price: PriceWei) -> int:
    """What a liquidation at `price` would have left unpaid, wei."""
    return max(-remaining(taken.holding, price, taken.index), 0)

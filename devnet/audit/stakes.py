"""Whether so much is at stake at a price within the band that it may buy a push. Pure.

The fleet's rule, written a second time, and stricter where the referee can't know what the fleet
knew: it takes a push to cost several times the base fee.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from devnet.audit.ledger import MarketBooks
from devnet.audit.margin import Holding, is_below, remaining
from units import FundingIndex, PriceWei, Wei

_PPM_ONE = 1_000_000
_FEE_FACTOR = 3


def expected_bad_debt(left: int, size: Wei, shortfall_ppm: int) -> int:
    """What a position with `left` wei of margin leaves unpaid, wei: now, and what a gap adds."""
    return max(-left, 0) + size * shortfall_ppm // _PPM_ONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Stakes:
    """What the operator has configured.

    Attributes:
        pushes_hour_max: how many pushes of a market may be bought in an hour; 0 = none.
        shortfall_ppm: bad debt expected of a position that falls, in millionths of its size.
        dust: smaller positions count for nothing.
        push_gas: what a push of one price takes.
    """

    pushes_hour_max: int = 0
    shortfall_ppm: int = 0
    dust: Wei = Wei(0)
    push_gas: int = 0

    def is_worth(self, at_stake: int, base_fee: Wei) -> bool:
        """Whether a push is clearly cheaper than what is at stake."""
        return at_stake > _FEE_FACTOR * base_fee * self.push_gas

    def at_stake(
        self,
        held: Iterable[Holding],
        market: MarketBooks,
        price: PriceWei,
        index: FundingIndex,
    ) -> int:
        """The bad debt expected, in wei, of those of a market who fall at `price` alone."""
        expected = 0
        for holding in held:
            if holding.netuid != market.netuid or holding.size < self.dust:
                continue
            left = remaining(holding, price, index)
            if not is_below(left, holding.size, market.terms):
                continue
            if not is_below(remaining(holding, market.price, index), holding.size, market.terms):
                expected += expected_bad_debt(left, holding.size, self.shortfall_ppm)
        return expected

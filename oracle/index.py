"""The price of a market on all Alpha together: their sum, averaged over days. Pure.

Integers throughout. The average is exponential: over a span of N blocks each new block weighs
2 / (N + 1), and one that comes d blocks after the last weighs 2d / (N - 1 + 2d), so that blocks
which were not read cost no more than their place.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from oracle.feed import FeedRowView
from oracle.quotes import NoPrice, NoPriceReason, Price, Priced, Reading
from units import BlockNumber, Netuid, PriceWei, Rao

_ROOT = Netuid(0)
_FRACTION = 10**9
"""The average is kept in billionths of a RAO: a block of a week moves it by less than one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexPolicy:
    """What the index is of.

    span_blocks: over how many blocks it is averaged; 50,400 are seven days.
    price_max: a subnet at this price or above is left out, as the chain's own sum does at one TAO
        (`getSumAlphaPrice`); None: none is.
    """

    span_blocks: int = 50_400
    price_max: Rao | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Average:
    """An average as of a block, in billionths of a RAO."""

    scaled: int
    block: BlockNumber

    @property
    def rao(self) -> Rao:
        """Floored."""
        return Rao(self.scaled // _FRACTION)


def total(prices: Mapping[Netuid, Rao], policy: IndexPolicy) -> Rao:
    """The sum over all subnets but the root, whose price says nothing."""
    limit = policy.price_max
    return Rao(
        sum(
            rao
            for netuid, rao in prices.items()
            if netuid != _ROOT and (limit is None or rao < limit)
        )
    )


def begun(published: PriceWei, block: BlockNumber) -> Average:
    """The average that a feed's row says, for a process that has just started."""
    return Average(scaled=published, block=block)  # both are billionths of a RAO


def averaged(
    before: Average | None, value: Rao, block: BlockNumber, policy: IndexPolicy
) -> Average:
    """With one more block; the first value there ever was is its own average."""
    if before is None:
        return Average(scaled=value * _FRACTION, block=block)
    gap = block - before.block
    if gap <= 0:
        return before
    step = (value * _FRACTION - before.scaled) * 2 * gap
    return Average(scaled=before.scaled + step // (policy.span_blocks - 1 + 2 * gap), block=block)


class Indices:
    """The averages of all index markets, block after block."""

    def __init__(self, policies: Mapping[Netuid, IndexPolicy]) -> None:
        self._policies = policies
        self._averages: dict[Netuid, Average] = {}

    def priced(self, said: Reading, rows: Mapping[Netuid, FeedRowView]) -> dict[Netuid, Priced]:
        """Every index after one more reading; after a start it goes on from the feed's row."""
        return {netuid: self._priced(netuid, said, rows[netuid]) for netuid in self._policies}

    def _priced(self, netuid: Netuid, said: Reading, row: FeedRowView) -> Priced:
        if said.prices is None:
            return NoPrice(netuid=netuid, reason=NoPriceReason.NO_PRICE_API)
        policy = self._policies[netuid]
        value = total(said.prices, policy)
        if not value:
            return NoPrice(netuid=netuid, reason=NoPriceReason.ZERO_PRICE)
        before = self._averages.get(netuid)
        if before is None and row.price:
            before = begun(row.price, row.source_block)
        found = averaged(before, value, said.block.number, policy)
        self._averages[netuid] = found
        return Price(netuid=netuid, rao=found.rao, block=said.block.number, time=said.block.time)

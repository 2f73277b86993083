"""Whether chain 964 itself says the same price: the Alpha precompile at the source's own block.

Shell around one comparison. The precompile answers from the same chain state by another way, so
both are equal to the last RAO when both are true; through the same provider it is no second
source. A market that was contradicted has no price until the two agree again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from oracle.alpha import is_beyond, to_price_wei
from oracle.due import PublicationPolicy
from oracle.falls import Deadline
from oracle.guard import Accept
from oracle.markets import PerMarket
from oracle.plan import MarketPlan
from oracle.publication import Publish
from oracle.quotes import NoPrice, NoPriceReason, Price, Unavailable
from units import BlockNumber, Bps, Netuid, PriceWei


class ChainPrices(Protocol):
    """The Alpha precompile of chain 964."""

    async def at(
        self, netuids: Sequence[Netuid], block: BlockNumber
    ) -> Mapping[Netuid, PriceWei] | Unavailable:
        """What it says of these subnets at the end of a block; 0 where it knows no price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossCheckPolicy:
    """How much is asked.

    markets_max: markets looked at a step, one request each: those that are about to be pushed
        first, then the others in turn. 0: none. One that was contradicted is looked at besides.
    answer_s_max: how long the step waits for it; a price that is late does more harm.
    left_out: markets whose price is no subnet's.
    """

    markets_max: int = 1
    answer_s_max: float = 2.0
    left_out: frozenset[Netuid] = frozenset()


def is_contradicted(price: Price, chain: PriceWei, band: Bps) -> bool:
    """Whether the chain says another price than was read, by more than the band."""
    return is_beyond(to_price_wei(price.rao), chain, band)


def contradicted(netuid: Netuid) -> NoPrice:
    """What is known of a market that the chain contradicts."""
    return NoPrice(netuid=netuid, reason=NoPriceReason.CONTRADICTED)


class CrossCheck:
    """Remembers who was contradicted, and whose turn it is."""

    def __init__(self, *, chain: ChainPrices, policy: CrossCheckPolicy, deadline: Deadline) -> None:
        self._chain = chain
        self._policy = policy
        self._deadline = deadline
        self._looked_at: dict[Netuid, BlockNumber] = {}
        self.contradicted: frozenset[Netuid] = frozenset()
        self.unread = ""

    async def look(
        self,
        decided: Sequence[MarketPlan],
        policies: PerMarket[PublicationPolicy],
        block: BlockNumber,
    ) -> frozenset[Netuid]:
        """The markets whose price is contradicted now, by more than their band.

        Args:
            decided: every market; of those with a price of this block some are looked at.
            policies: their bands.
            block: the block that was read.
        """
        prices = {
            each.netuid: each.known.price
            for each in decided
            if isinstance(each.known, Accept) and each.known.price.block == block
            if each.netuid not in self._policy.left_out
        }
        due = [each.netuid for each in decided if isinstance(each.decision, Publish)]
        chosen = self._chosen(prices, due)
        said = await self._asked(chosen, block) if chosen else {}
        if isinstance(said, Unavailable):
            self.unread = f"prices are not cross-checked: {said.detail}"
            return self.contradicted
        self.unread = ""
        self._looked_at |= dict.fromkeys(chosen, block)
        bands = {netuid: policies.of(netuid).deviation for netuid in chosen}
        found = {n for n in chosen if is_contradicted(prices[n], said[n], bands[n])}
        self.contradicted = (self.contradicted - set(chosen)) | found
        return self.contradicted

    async def _asked(
        self, netuids: Sequence[Netuid], block: BlockNumber
    ) -> Mapping[Netuid, PriceWei] | Unavailable:
        limit_s = self._policy.answer_s_max
        try:
            async with self._deadline(limit_s):
                return await self._chain.at(netuids, block)
        except TimeoutError:
            return Unavailable(detail=f"no answer within {limit_s:g} s")

    def _chosen(
        self, prices: Mapping[Netuid, Price], first: Sequence[Netuid]
    ) -> tuple[Netuid, ...]:
        if not self._policy.markets_max:
            return ()
        doubted = [netuid for netuid in self.contradicted if netuid in prices]
        turn = sorted(prices, key=lambda netuid: self._looked_at.get(netuid, -1))
        queue = [netuid for netuid in (*first, *turn) if netuid in prices]
        others = [netuid for netuid in dict.fromkeys(queue) if netuid not in doubted]
        return (*doubted, *others[: self._policy.markets_max])

"""A second feeder, with a key of its own, that publishes only what the first has not. Pure.

Two that push at once are harmless, the feed skips the later one, and cost twice. So the second
waits until a price has been due for a margin of blocks; a first that lives has pushed it by then.
Suspensions do not wait: who knows that a price is wrong says so. Nor does a price within the band
that is pushed for what is at stake: both may buy that one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from oracle.plan import MarketPlan
from oracle.publication import Hold, HoldReason, Publish
from units import BlockNumber, Head, Netuid


@dataclass(slots=True)
class Standby:
    """Since when each market's price is due; `blocks` is the margin, 0 for the first feeder."""

    blocks: int = 0
    _due_since: dict[Netuid, BlockNumber] = field(default_factory=dict)

    def waiting(self, decided: Sequence[MarketPlan], head: Head) -> list[MarketPlan]:
        """The same plans, where what is not due for long enough is left to the first feeder."""
        due = {each.netuid for each in decided if isinstance(each.decision, Publish)}
        before = self._due_since
        now = head.number  # a head that was made up, noted once, would be above every true one
        self._due_since = {netuid: min(before.get(netuid, now), now) for netuid in due}
        return [self._waiting(each, head) for each in decided]

    def _waiting(self, market: MarketPlan, head: Head) -> MarketPlan:
        decision = market.decision
        if not isinstance(decision, Publish):
            return market
        if head.number - self._due_since[market.netuid] >= self.blocks:
            return market
        return replace(market, decision=Hold(reason=HoldReason.STANDBY))

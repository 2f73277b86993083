"""Which moves smaller than the band are pushed all the same, because somebody would fall at them.

Pure. Knows what is at stake and what a push costs as amounts; not how either comes about.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from oracle.feed import Update
from oracle.plan import FeedPlan
from oracle.publication import Hold, HoldReason
from units import Netuid, Seconds, Timestamp, Wei

_HOUR = Seconds(3_600)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorthPolicy:
    """How often what is at stake may buy a push.

    pushes_hour_max: of one market within an hour of chain time; 0 = never. 6 doubles what the
        heartbeat alone pushes of a quiet market.
    """

    pushes_hour_max: int = 6


class Allowance:
    """How many pushes were bought lately. What it remembers is lost with the process."""

    def __init__(self, policy: WorthPolicy) -> None:
        self._policy = policy
        self._bought: dict[Netuid, deque[Timestamp]] = {}

    def tempting(self, plan: FeedPlan) -> tuple[Update, ...]:
        """Prices within the band that differ from the published one, where one may still be bought.

        A push on its way is waited for: who falls at it is its own business.
        """
        return tuple(
            each.decision.spare
            for each in plan.markets
            if isinstance(each.decision, Hold)
            and each.decision.reason is HoldReason.WITHIN_BAND
            and each.decision.spare is not None
            and each.decision.spare.price != each.row.price
            and self._is_left(each.netuid, plan.head.time)
        )

    def note_bought(self, netuids: Iterable[Netuid], now: Timestamp) -> None:
        """These are on their way."""
        for netuid in netuids:
            self._bought.setdefault(netuid, deque()).append(now)

    def _is_left(self, netuid: Netuid, now: Timestamp) -> bool:
        lately = self._bought.get(netuid, deque())
        while lately and not 0 <= now - lately[0] < _HOUR:  # later than now: made up
            lately.popleft()
        return len(lately) < self._policy.pushes_hour_max


def worth_pushing(
    updates: Iterable[Update], at_stake: Mapping[Netuid, Wei], cost: Wei
) -> tuple[Update, ...]:
    """Those whose market has more at stake than the push of one price costs, alone or not."""
    return tuple(update for update in updates if at_stake.get(update.netuid, 0) > cost)

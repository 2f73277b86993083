"""What goes out in one push: the prices that are due, those worth it, and who falls at them.

Shell: it asks who falls, once, within the time budget, and what a push costs where that matters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from oracle.due import PublishReason
from oracle.falls import Falls, OverBudget, RiskUnknown
from oracle.feed import Update
from oracle.plan import Falling, FeedPlan, Publication
from oracle.quotes import Unavailable
from oracle.worth import Allowance, worth_pushing
from units import Netuid, Wei


class Costs(Protocol):
    """What publishing costs; the price feed's port is one."""

    async def push_cost(self) -> Wei | Unavailable:
        """What the push of one price costs at the present fee."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """One push. `plan` has what is pushed beyond what was due; `alone` takes nobody along.

    `risk_unknown` says why nobody could be taken along.
    """

    plan: FeedPlan
    publication: Publication
    alone: frozenset[Netuid]
    risk_unknown: str | None


class Pushes:
    """Composes pushes, and remembers what was sent of them."""

    def __init__(self, *, falls: Falls, allowance: Allowance, costs: Costs) -> None:
        self._falls = falls
        self._allowance = allowance
        self._costs = costs

    async def composed(self, plan: FeedPlan) -> Composed | None:
        """The push that follows from a plan, None where there is nothing to push."""
        self._falls.begin_step()
        confirming = await self._falls.confirming(plan)
        tempting = self._tempting(plan, confirming)
        alone = frozenset(each.update.netuid for each in plan.due if each.is_alone)
        certain = (*plan.updates, *confirming)
        asked = [u for u in (*certain, *tempting) if u.netuid not in alone]
        found = await self._falls.at(asked, plan.head)
        worth = await self._worth(tempting, found)
        updates = (*certain, *worth)
        if not updates:
            return None
        known = _known(found, updates, alone)
        return Composed(
            plan=plan.with_spare(_reasons(confirming, worth)),
            publication=Publication(
                updates=updates,
                liquidations=() if known is None else known.ids,
                head=plan.head,
                falling=known,
            ),
            alone=alone,
            risk_unknown=found.reason if isinstance(found, RiskUnknown) else None,
        )

    def note_sent(self, push: Composed) -> None:
        """This one is on its way."""
        plan, is_known = push.plan, push.risk_unknown is None
        bought = [u.update.netuid for u in plan.due if u.reason is PublishReason.AT_STAKE]
        self._allowance.note_bought(bought, plan.head.time)
        self._falls.note_sent(push.publication.updates, push.alone, is_risk_known=is_known)

    def _tempting(self, plan: FeedPlan, confirming: Sequence[Update]) -> tuple[Update, ...]:
        """A market whose first price is unconfirmed has its own rule."""
        return tuple(
            update
            for update in self._allowance.tempting(plan)
            if update not in confirming and self._falls.may_liquidate(update.netuid)
        )

    async def _worth(
        self, tempting: Sequence[Update], found: Falling | RiskUnknown
    ) -> tuple[Update, ...]:
        """Without knowing who falls, or what it costs, nothing is worth a push."""
        if isinstance(found, RiskUnknown):
            return ()
        if not any(found.at_stake.get(update.netuid) for update in tempting):
            return ()
        cost = await self._falls.in_time(self._costs.push_cost())
        if isinstance(cost, Unavailable | OverBudget):
            return ()
        return worth_pushing(tempting, found.at_stake, cost)


def _known(
    found: Falling | RiskUnknown, updates: Sequence[Update], alone: frozenset[Netuid]
) -> Falling | None:
    if isinstance(found, RiskUnknown):
        return None
    return found.within({update.netuid for update in updates} - alone)


def _reasons(
    confirming: Sequence[Update], worth: Sequence[Update]
) -> Mapping[Netuid, PublishReason]:
    reasons = dict.fromkeys((each.netuid for each in confirming), PublishReason.CONFIRMED)
    return reasons | dict.fromkeys((each.netuid for each in worth), PublishReason.AT_STAKE)

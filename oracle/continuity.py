"""Whether a market's price has been known without a break, or is the first after one.

After a restart, lost finality or quorum, a missing price, a suspension by hand or a time in which
nobody looked, the first price may be the one wrong price of a system that has just come back, and a
liquidation can't be undone. So nobody is liquidated by it until a later finalized block has shown a
price as well. A guard's hold is no break: its blocks are that confirmation. Pure.
"""

from dataclasses import dataclass, replace
from typing import assert_never

from oracle.feed import FeedRowView, SuspensionReason
from oracle.guard import Accept, Withhold
from oracle.publication import Knowledge, Stalled, Unread
from oracle.quotes import NoPrice
from units import BlockNumber

_BY_HAND = frozenset(
    {SuspensionReason.GUARDIAN, SuspensionReason.IDENTITY, SuspensionReason.OPERATOR}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuity:
    """`first` is the source block of the first price since the last break, None before one."""

    first: BlockNumber | None = None
    is_confirmed: bool = False


def followed(before: Continuity, known: Knowledge, row: FeedRowView) -> Continuity:
    """What one more block says, given what is known of the price and the feed's row."""
    if row.suspension in _BY_HAND:
        return Continuity()
    match known:
        case NoPrice() | Stalled():
            return Continuity()
        case Unread():
            return before
        case Accept(price=price) | Withhold(price=price):
            if before.first is None:
                return Continuity(first=price.block)
            return replace(before, is_confirmed=before.is_confirmed or price.block > before.first)
        case never:
            assert_never(never)

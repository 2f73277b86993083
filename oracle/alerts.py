"""What of a step lasts until somebody acts, or was not checked: lines for operators. Pure."""

from collections.abc import Sequence

from oracle.plan import MarketPlan
from oracle.publication import Hold
from oracle.quorum import dissent
from oracle.quotes import Reading, Unavailable


def alerts_of(
    markets: Sequence[MarketPlan], said: Reading | Unavailable, unlooked: str
) -> tuple[str, ...]:
    """A line each; `unlooked` is why prices were not cross-checked, "" when they were."""
    unread = [each for each in (said.detail, unlooked) if each]
    stuck = (
        f"market {each.netuid}: {each.decision.reason}"
        for each in markets
        if isinstance(each.decision, Hold) and each.decision.needs_a_human
    )
    return (*unread, *dissent(said.quotes), *stuck)

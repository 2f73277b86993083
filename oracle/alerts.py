"""What of a step lasts until somebody acts, or was not checked: lines for operators. Pure."""

from collections.abc import Sequence
from typing import Protocol

from oracle.plan import MarketPlan
from oracle.publication import Hold
from oracle.quorum import dissent
from oracle.quotes import Reading, Unavailable


class CrossChecked(Protocol):
    """Whether prices were held against the chain's own; `oracle.crosscheck.CrossCheck` is one."""

    @property
    def unread(self) -> str:
        """Why they were not; "" when they were."""
        ...


def alerts_of(
    markets: Sequence[MarketPlan], said: Reading | Unavailable, looked: CrossChecked | None
) -> tuple[str, ...]:
    """A line each; `looked` is the cross-check, None where there is none."""
    unlooked = "" if looked is None else looked.unread
    unread = [each for each in (said.detail, unlooked) if each]
    stuck = (
        f"market {each.netuid}: {each.decision.reason}"
        for each in markets
        if isinstance(each.decision, Hold) and each.decision.needs_a_human
    )
    return (*unread, *dissent(said.quotes), *stuck)

"""Tells people what the feeder can't mend: another subnet, a stall, a market closed by others."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError

from fleet.chain.failures import ChainError
from fleet.runtime.loop import describe
from fleet.store.engine import Database
from fleet.store.outbox import enqueue
from fleet.telemetry.notify import Message
from oracle.aggregation import Pins
from oracle.feed import SuspensionReason
from oracle.feeder import FeedOutcome
from oracle.plan import FeedPlan, MarketPlan
from oracle.publication import Hold, HoldReason, Stalled, Suspend
from units import Head

_log = structlog.stdlib.get_logger("fleet")

_CLOSED = {HoldReason.GUARDIAN: "guardian", HoldReason.OPERATOR: "operator"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trouble:
    """Something to tell. `id` names the episode: the same while it lasts, also after a start."""

    id: str
    severity: str
    title: str
    body: str


class FeedWatch:
    """The feeder's troubles as messages in the outbox, each once.

    Args:
        pins: the registration block that each market means.
        opened: the store that the outbox is in.
    """

    def __init__(self, *, pins: Pins, opened: Callable[[], Awaitable[Database]]) -> None:
        self._pins = pins
        self._opened = opened
        self._told: frozenset[str] = frozenset()

    async def look(self, outcome: FeedOutcome) -> None:
        """Adds to the outbox what is not in it yet.

        A store that can't be written now must not cost the step, whose prices are out already:
        the next one tells. Raises StoreError where the store is of no use at all.
        """
        if not isinstance(outcome.plan, FeedPlan):
            return
        found = {each.id: each for each in troubles(outcome.plan, self._pins)}
        new = [found[name] for name in sorted(found.keys() - self._told)]
        try:
            await self._tell([_message(each, outcome.plan.head) for each in new])
        except (ChainError, SQLAlchemyError) as error:
            _log.warning("feed_alerts_not_kept", reason=describe(error))
        else:
            self._told = frozenset(found)

    async def _tell(self, messages: list[Message]) -> None:
        if messages:
            async with (await self._opened()).writing() as connection:
                await enqueue(connection, messages)


def troubles(plan: FeedPlan, pins: Pins) -> Iterator[_Trouble]:
    """What of a plan needs a human."""
    stalls = [each.known.blocks for each in plan.markets if isinstance(each.known, Stalled)]
    if stalls:
        yield _stall(plan, max(stalls))
    for market in plan.markets:
        if _is_of_another_subnet(market):
            yield _identity(market, pins)
        elif isinstance(market.decision, Hold) and market.decision.reason in _CLOSED:
            yield _closed(market, market.decision.reason)


def _is_of_another_subnet(market: MarketPlan) -> bool:
    match market.decision:
        case Suspend(reason=SuspensionReason.IDENTITY) | Hold(reason=HoldReason.IDENTITY):
            return True
        case _:
            return False


def _stall(plan: FeedPlan, blocks: int) -> _Trouble:
    since = plan.head.number - blocks
    said = f" ({plan.alerts[0]})" if plan.alerts else ""
    return _Trouble(
        id=f"feed-stall-{since}",
        severity="page",
        title="No price can be read",
        body=f"Nothing finalized was read of Subtensor since block {since}{said}: every market is"
        " suspended until it is. See: keepers doctor",
    )


def _identity(market: MarketPlan, pins: Pins) -> _Trouble:
    """Of one pin there is one such event: a subnet that was handed on does not come back."""
    pin = pins.get(market.netuid)
    return _Trouble(
        id=f"feed-identity-{market.netuid}-{pin}",
        severity="page",
        title=f"Market {market.netuid} is not the subnet that is pinned",
        body=f"{_why(market)}; pinned is the registration at block {pin}. No price of it is"
        " published. See: keepers oracle pins; only the admin opens the market again",
    )


def _closed(market: MarketPlan, reason: HoldReason) -> _Trouble:
    who = _CLOSED[reason]
    return _Trouble(
        id=f"feed-{who}-{market.netuid}-{market.row.suspended_at}",
        severity="notify",
        title=f"Market {market.netuid} was suspended by the {who}",
        body=f"Market {market.netuid} is closed since block {market.row.suspended_at}: {reason}",
    )


def _why(market: MarketPlan) -> str:
    decision = market.decision
    return decision.detail if isinstance(decision, Suspend) else "It is suspended for its identity"


def _message(trouble: _Trouble, head: Head) -> Message:
    return Message(
        id=trouble.id,
        severity=trouble.severity,
        title=trouble.title,
        body=trouble.body,
        block=head.number,
        created_at=head.time,
    )

"""Keeps what the feeder read, many blocks in one write: it is for people and can wait."""

from collections import deque
from collections.abc import Awaitable, Callable
from typing import assert_never

import structlog
from sqlalchemy.exc import SQLAlchemyError

from fleet.chain.failures import ChainError
from fleet.runtime.loop import describe
from fleet.store.engine import Database
from fleet.store.quotes import Quote, Said, keep_quotes
from oracle.feeder import FeedOutcome
from oracle.guard import Accept, Withhold
from oracle.plan import FeedPlan
from oracle.publication import Knowledge, Stalled, Unread, describe_jump
from oracle.quotes import NoPrice, Standing
from oracle.quotes import Quote as SourceQuote
from units import Netuid, Rao

_log = structlog.stdlib.get_logger("fleet")

WRITTEN_AT = 25
"""Blocks whose quotes are written together, five minutes: what a crash loses at most."""

WAITING_MAX = 1_000
"""Blocks whose quotes wait for a store that takes none; then the oldest are dropped."""


class Quotebook:
    """The quotes of one feeder on their way into the store that `opened` gives."""

    def __init__(self, *, opened: Callable[[], Awaitable[Database]]) -> None:
        self._opened = opened
        self._waiting: deque[Quote] = deque(maxlen=WAITING_MAX)

    async def note(self, outcome: FeedOutcome) -> None:
        """Takes in what a step has read; writes at once when somebody was liquidated by it.

        The prices are out already: a store that takes nothing now must not cost the step. Raises
        StoreError where the store is of no use at all.
        """
        quote = quote_of(outcome)
        if quote is None:
            return
        self._waiting.append(quote)
        push = outcome.push
        is_wanted = push is not None and bool(push.publication.liquidations)
        if is_wanted or len(self._waiting) >= WRITTEN_AT:
            await self._write()

    async def _write(self) -> None:
        try:
            await keep_quotes(await self._opened(), tuple(self._waiting))
        except (ChainError, SQLAlchemyError) as error:
            _log.warning("quotes_not_kept", count=len(self._waiting), reason=describe(error))
        else:
            self._waiting.clear()


def quote_of(outcome: FeedOutcome) -> Quote | None:
    """What was read at the step's Subtensor block; None when nothing was."""
    plan = outcome.plan
    if not isinstance(plan, FeedPlan) or plan.source is None:
        return None
    source = plan.source
    return Quote(
        block=source.number,
        hash=source.hash,
        time=source.time,
        prices=dict(_prices(plan)),
        said={each.endpoint: _said(each, plan) for each in plan.quotes},
        verdicts={market.netuid: _verdict(market.known) for market in plan.markets},
    )


def _said(quote: SourceQuote, plan: FeedPlan) -> Said:
    """What was agreed on stands in the row itself: only what somebody else said is repeated."""
    if quote.standing is Standing.AGREES:
        return Said(standing=quote.standing.value)
    wanted = {market.netuid for market in plan.markets}
    prices = {n: rao for n, rao in (quote.prices or {}).items() if n in wanted}
    return Said(standing=quote.standing.value, hash=quote.hash, prices=prices)


def _verdict(known: Knowledge) -> str:
    match known:
        case Accept():
            return "accepted"
        case Withhold():
            return f"held: {describe_jump(known)}"
        case NoPrice(reason=reason):
            return reason.value
        case Stalled(blocks=blocks):
            return f"nothing finalized for {blocks} blocks"
        case Unread():
            return "not read"
        case never:
            assert_never(never)


def _prices(plan: FeedPlan) -> list[tuple[Netuid, Rao]]:
    known = [market.known for market in plan.markets]
    found = [each.price for each in known if isinstance(each, Accept | Withhold)]
    return [(price.netuid, price.rao) for price in found if _is_of(price.block, plan)]


def _is_of(block: int, plan: FeedPlan) -> bool:
    return plan.source is not None and block == plan.source.number

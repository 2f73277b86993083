"""What is left when nobody decides any more: outcomes of what was sent, and what is to be told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError

from fleet.chain.failures import ChainError
from fleet.runtime.clock import Clock
from fleet.runtime.loop import describe
from fleet.store.engine import StoreError
from fleet.transactions.request import Included, Settled
from fleet.wiring.lines import news_line
from fleet.wiring.settling import (
    KeyReads,
    Record,
    Settles,
    is_all_included,
    is_all_settled,
    settle_all,
)
from fleet.wiring.telling import Telling

_log = structlog.stdlib.get_logger("fleet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """One process's end.

    `sender` is None without a key. `waits`: receipts are waited for; not so where the chain waits
    for us instead.
    """

    sender: Settles | None
    node: KeyReads
    record: Record
    telling: Telling
    clock: Clock
    poll_s: float
    waits: bool

    async def outcomes(self) -> AsyncIterator[Included | Settled]:
        """What becomes of everything that was sent; ends when all of it is final."""
        async for each in self._news(is_all_settled):
            yield each

    async def drain(self, *, tells: bool) -> None:
        """Receipts, and meanwhile what is left to tell."""
        async with asyncio.TaskGroup() as both:
            if self.waits:
                both.create_task(self._settle_rest())
            if tells:
                both.create_task(self._tell_rest())

    async def _news(self, is_done: Callable[[Settles], bool]) -> AsyncIterator[Included | Settled]:
        if self.sender is not None:
            async for each in settle_all(
                self.sender,
                self.node,
                self.record,
                clock=self.clock,
                poll_s=self.poll_s,
                is_done=is_done,
            ):
                yield each

    async def _settle_rest(self) -> None:
        """Finality is the next start's business: it finds it in the journal and on chain."""
        async for each in self._news(is_all_included):
            _log.info("settled_while_stopping", **news_line(each))

    async def _tell_rest(self) -> None:
        """What can't be told now stays in the outbox, for the next start."""
        try:
            left = await self.telling.rest()
        except (ChainError, StoreError, SQLAlchemyError) as error:
            _log.warning("alerts_left_undelivered", reason=describe(error))
        else:
            if left:
                _log.warning("alerts_left_undelivered", count=left)

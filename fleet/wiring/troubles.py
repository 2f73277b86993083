"""Troubles that people must hear of: as messages in the outbox, each once as long as it lasts."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError

from fleet.chain.failures import ChainError
from fleet.runtime.loop import describe
from fleet.store.engine import Database
from fleet.store.outbox import enqueue
from fleet.telemetry.messages import Message
from units import BlockNumber, Timestamp

_log = structlog.stdlib.get_logger("fleet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something to tell. `id` names the episode: the same while it lasts, also after a start."""

    id: str
    severity: str
    title: str
    body: str


class Episodes:
    """Which troubles have been told of; `opened` gives the store that the outbox is in."""

    def __init__(self, opened: Callable[[], Awaitable[Database]]) -> None:
        self._opened = opened
        self._told: frozenset[str] = frozenset()

    async def tell(self, troubles: Iterable[Trouble], block: BlockNumber, time: Timestamp) -> None:
        """Adds to the outbox those of all there are now that are not in it yet.

        A store that can't be written now must not cost the step, whose prices are out already:
        the next one tells. Raises StoreError where the store is of no use at all.
        """
        found = {each.id: each for each in troubles}
        new = [found[name] for name in sorted(found.keys() - self._told)]
        try:
            await self._enqueue([_message(each, block, time) for each in new])
        except (ChainError, SQLAlchemyError) as error:
            _log.warning("feed_alerts_not_kept", reason=describe(error))
        else:
            self._told = frozenset(found)

    async def _enqueue(self, messages: list[Message]) -> None:
        if messages:
            async with (await self._opened()).writing() as connection:
                await enqueue(connection, messages)


def _message(trouble: Trouble, block: BlockNumber, time: Timestamp) -> Message:
    return Message(
        id=trouble.id,
        severity=trouble.severity,
        title=trouble.title,
        body=trouble.body,
        block=block,
        created_at=time,
    )

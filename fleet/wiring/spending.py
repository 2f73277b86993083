"""Tells people when a lane was stopped for what it spent, or is on the way there."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from fleet.chain.failures import ChainError
from fleet.runtime.loop import describe
from fleet.store.engine import Database
from fleet.store.outbox import enqueue
from fleet.telemetry.messages import Message
from fleet.transactions.request import Lane
from fleet.transactions.sender import SenderStatus
from fleet.transactions.spending import HOUR_S
from units import Head

_log = structlog.stdlib.get_logger("fleet")


class Watch(Protocol):
    """Looks after something at every head."""

    async def look(self, head: Head) -> None:
        """Tells people what they must know."""


def watching(
    name: str, code: Watch, opened: Callable[[], Awaitable[Database]]
) -> Callable[[SenderStatus | None, Head], Awaitable[None]]:
    """Everything that may close a key's lanes, as one."""
    spent = SpendWatch(name=name, opened=opened)

    async def look(status: SenderStatus | None, head: Head) -> None:
        await spent.look(status, head)
        await code.look(head)

    return look


class SpendWatch:
    """One key's spending, as messages in the outbox: one as long as it lasts, again after a start.

    `opened` gives the store that the outbox is in.
    """

    def __init__(self, *, name: str, opened: Callable[[], Awaitable[Database]]) -> None:
        self._name = name
        self._opened = opened
        self._told: frozenset[tuple[str, Lane]] = frozenset()

    async def look(self, status: SenderStatus | None, head: Head) -> None:
        """Adds to the outbox what people have not been told yet; raises StoreError.

        A store that can't be written now must not cost the outcomes that the step has settled: the
        next one tells.
        """
        if status is None:
            return
        true_now = frozenset(
            {("stopped", lane) for lane in status.stopped}
            | {("half", lane) for lane in status.half_spent}
        )
        messages = list(self._messages(true_now - self._told, status, head))
        try:
            await self._keep(messages)
        except (ChainError, SQLAlchemyError) as error:
            _log.warning("spend_alerts_not_kept", reason=describe(error))
        else:
            self._told = true_now

    async def _keep(self, messages: list[Message]) -> None:
        if messages:
            async with (await self._opened()).writing() as connection:
                await enqueue(connection, messages)

    def _messages(
        self, new: frozenset[tuple[str, Lane]], status: SenderStatus, head: Head
    ) -> Iterator[Message]:
        for what, lane in sorted(new):
            name, day = lane.name.lower(), status.day[lane]
            if what == "stopped":
                title = f"{self._name}: lane {name} is stopped"
                body = (
                    f"{status.stopped[lane]}. It sends nothing until somebody has looked and run:"
                    f" keepers spend reset {self._name} {name}"
                )
            else:
                title = f"{self._name}: lane {name} has spent half of its ceiling"
                body = f"{day.with_effect} wei with effect within a day; it goes on."
            yield Message(
                id=f"spend:{self._name}:{name}:{what}:{head.time // HOUR_S}",
                severity="page",
                title=title,
                body=body,
                block=head.number,
                created_at=head.time,
            )

"""Tells people when the book was not what the chain says: it is made anew, and has a fault."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from fleet.store.engine import Database
from fleet.wiring.troubles import Episodes, Trouble
from keepers.liquidation.rebuilds import FollowerCounts
from units import Head


class Follows(Protocol):
    """Who owns a book; `keepers.liquidation.follower.BookFollower` is one."""

    @property
    def counts(self) -> FollowerCounts:
        """What it went through so far."""
        ...


class BookWatch:
    """Mismatches of one process's book as messages in the outbox, each once.

    Args:
        name: the workload.
        follower: who owns it.
        opened: the store that the outbox is in; asked for only when there is something to tell.
    """

    def __init__(
        self, name: str, follower: Follows, opened: Callable[[], Awaitable[Database]]
    ) -> None:
        self._name = name
        self._follower = follower
        self._episodes = Episodes(opened)
        self._seen = 0
        self._trouble: Trouble | None = None

    async def look(self, head: Head) -> None:
        """Adds to the outbox what is not in it yet; see `Episodes.tell`."""
        counts = self._follower.counts
        if counts.mismatches > self._seen:
            self._seen = counts.mismatches
            self._trouble = _mismatch(self._name, head, counts.last_mismatch)
        if self._trouble is not None:
            await self._episodes.tell([self._trouble], head.number, head.time)


def _mismatch(name: str, head: Head, detail: str) -> Trouble:
    return Trouble(
        id=f"book-mismatch-{name}-{head.number}",
        severity="page",
        title=f"The book of {name} was not the chain's",
        body=f"Found at block {head.number}: {detail}. Nobody is liquidated by it any more: it is"
        " made anew from the chain's views. How it came to differ is a fault to report.",
    )

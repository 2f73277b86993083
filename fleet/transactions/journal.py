"""The sender's memory across restarts, as a port; `fleet/store/journal.py` implements it.

A journal belongs to one key and one namespace. What it promises is durable when a call returns:
only bytes that are in it are ever handed to a node.
"""

from typing import Protocol

from fleet.transactions.attempt import Entry
from fleet.transactions.request import Lane
from fleet.transactions.spending import Account, Spend
from units import Timestamp


class Journal(Protocol):
    """Entries of one namespace.

    Every write raises Fenced, and writes nothing, once another process works with the key.
    """

    async def enter(self, entry: Entry) -> Entry:
        """Writes a new entry with its attempts, and gives it back with its id.

        Raises:
            JournalConflict: the nonce or the idempotency key is taken by another entry.
        """

    async def save(self, entry: Entry) -> None:
        """Writes an entry's present state, with attempts it did not have before."""

    async def withdraw(self, entry: Entry) -> None:
        """Deletes an entry whose bytes never left, with all that was written with it."""

    async def conclude(self, entry: Entry, spend: Spend, stop: str | None) -> None:
        """Writes an entry's last state and what it cost, all or nothing.

        `stop`: why its lane is stopped from now on; None: it is not, or was before.
        """

    async def stop(self, lane: Lane, reason: str, since: Timestamp) -> None:
        """Writes that a lane is stopped from now on; nothing when it is already."""

    async def account(self) -> Account:
        """What was spent in the last days, and which lanes are stopped."""

    async def unfinished(self) -> tuple[Entry, ...]:
        """Entries that are neither final nor released, in the order of their nonces."""

    async def next_nonce(self) -> int:
        """One above the highest nonce that was not released; 0 in an empty journal."""


class Fenced(Exception):  # noqa: N818 -- named after what happened
    """This process no longer leads, for good: another one has the key. One line that says who."""


class JournalConflict(Exception):  # noqa: N818 -- named after what happened
    """Another entry stands in the way: a second sender on one namespace, or a defect."""

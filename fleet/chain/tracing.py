"""Follows a new head back to what is known: fetches the blocks that were missed, by number.

Reports what happened to the chain after the head has been handed on: nobody waits for history.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

from fleet.chain.lineage import Change, Lineage
from units import BlockNumber, Head


class ChainListener(Protocol):
    """Hears what happens to the chain; must not fail and not wait."""

    def changed(self, change: Change) -> None:
        """Blocks were added, replaced, or lost sight of."""
        ...


class Tracer:
    """Keeps the lineage of the newest head."""

    def __init__(
        self,
        *,
        block: Callable[[BlockNumber], Awaitable[Head | None]],
        listener: ChainListener,
        lineage: Lineage | None = None,
        fetched_max: int = 64,
    ) -> None:
        self._block = block
        self._listener = listener
        self._lineage = lineage or Lineage()
        self._fetched_max = fetched_max

    async def follow(self, head: Head) -> Change | None:
        """Joins a head to what is known; None when nothing changed or the chain just changed again.

        Raises:
            ChainError: a missed block could not be fetched; the next head will need it again.
        """
        branch = [head]
        while (number := self._lineage.missing(branch)) is not None:
            if len(branch) > self._fetched_max:
                self._lineage.forget()
                break
            parent = await self._block(number)
            if parent is None or parent.hash != branch[0].parent_hash:
                return None
            branch.insert(0, parent)
        change = self._lineage.join(branch)
        if change is not None:
            self._listener.changed(change)
        return change

"""What is to be told to those who handed in work: each outcome once, and news before it."""

from collections.abc import Iterable

from fleet.transactions.attempt import Entry
from fleet.transactions.request import Included, Settled


class News:
    """Outcomes are kept until they are told; those that the journal did not take are found again.

    An outcome is noted before it is written, because a write may fail after it took effect.
    """

    def __init__(self) -> None:
        self._settled: dict[int, Settled] = {}
        self._included: list[Included] = []

    def settled(self, entry_id: int, outcome: Settled) -> None:
        """Notes the outcome of a journal entry."""
        self._settled[entry_id] = outcome

    def included(self, news: Included) -> None:
        """Notes that a request stands in a block."""
        self._included.append(news)

    def take_settled(self) -> tuple[Settled, ...]:
        """Outcomes that were not told before."""
        told, self._settled = tuple(self._settled.values()), {}
        return told

    def take_included(self) -> tuple[Included, ...]:
        """News that were not told before."""
        told, self._included = tuple(self._included), []
        return told

    def outcome_of(self, idempotency_key: str) -> Settled | None:
        """An outcome of this work that the caller has not heard of yet."""
        outcomes = self._settled.values()
        return next((e for e in outcomes if e.request.idempotency_key == idempotency_key), None)

    def forget(self, unfinished: Iterable[Entry]) -> None:
        """Drops outcomes that the journal, just read, has not taken up: they are found again."""
        for entry in unfinished:
            self._settled.pop(entry.id, None)

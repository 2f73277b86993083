"""What is to be told to those who handed in work: each outcome once, and news before it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from fleet.transactions.attempt import Entry
from fleet.transactions.request import Included, Settled


class News:
    """Outcomes are kept until they are told; those that the journal did not take are found again.

    An outcome is noted before it is written, because a write may fail after it took effect.
    """

    def __init__(self) -> None:
        self._settled: dict[int, Settled] = {}
        self._included: list[Included] = []
        self._hearing: list[dict[str, Settled]] = []

    def settled(self, entry_id: int, outcome: Settled) -> None:
        """Notes the outcome of a journal entry."""
        self._settled[entry_id] = outcome

    def included(self, news: Included) -> None:
        """Notes that a request stands in a block."""
        self._included.append(news)

    def take_settled(self) -> tuple[Settled, ...]:
        """Outcomes that were not told before."""
        told, self._settled = tuple(self._settled.values()), {}
        by_work = {each.request.idempotency_key: each for each in told}
        for heard in self._hearing:
            heard.update(by_work)
        return told

    @contextmanager
    def hearing(self) -> Iterator[dict[str, Settled]]:
        """The outcomes that are told while the body runs, by work: what it was decided without."""
        heard: dict[str, Settled] = {}
        self._hearing.append(heard)
        try:
            yield heard
        finally:
            self._hearing = [each for each in self._hearing if each is not heard]

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

"""The port through which a book outlives its process."""

from dataclasses import dataclass
from typing import Protocol

from keepers.liquidation.book import Book


@dataclass(frozen=True, slots=True, kw_only=True)
class NoCheckpoint:
    """There is no saved book; `reason` is one line for an operator."""

    reason: str


class Checkpoints(Protocol):
    """Where a book outlives its process."""

    async def load(self) -> Book | NoCheckpoint:
        """The book saved last, whatever block it stands at."""
        ...

    async def save(self, book: Book) -> None:
        """Keeps the book in place of the one before; a failure leaves that one and is told."""
        ...

"""The book's checkpoint as a file: written beside and renamed, so that there is always a whole one.

Implements `keepers.liquidation.keeping.Checkpoints`.
"""

import asyncio
import os
from pathlib import Path
from tempfile import NamedTemporaryFile

import structlog

from keepers.liquidation.book import Book
from keepers.liquidation.checkpoint import CheckpointError, Frozen, Stamp, freezing, sealed, thawed
from keepers.liquidation.keeping import NoCheckpoint
from keepers.liquidation.turns import in_turns

_log = structlog.stdlib.get_logger("fleet")


class CheckpointFile:
    """One file. Who shares it reads whichever book was put there last."""

    def __init__(self, path: Path, stamp: Stamp) -> None:
        self._path = path
        self._stamp = stamp

    async def load(self) -> Book | NoCheckpoint:
        """The book that was saved last."""
        try:
            book = await asyncio.to_thread(self._read)
        except FileNotFoundError:
            return NoCheckpoint(reason="none was saved yet")
        except (OSError, CheckpointError) as error:
            _log.warning("checkpoint_unusable", file=str(self._path), reason=str(error))
            return NoCheckpoint(reason=f"{self._path}: {error}")
        _log.info("checkpoint_read", block=book.head.number, positions=len(book.positions))
        return book

    async def save(self, book: Book) -> None:
        """Puts the book in place of the one saved before; a failure is logged."""
        frozen = await in_turns(freezing(book, self._stamp))
        try:
            await asyncio.to_thread(self._replace, frozen)
        except OSError as error:
            _log.warning("checkpoint_unwritten", file=str(self._path), reason=str(error))

    def _read(self) -> Book:
        return thawed(self._path.read_bytes(), self._stamp)

    def _replace(self, frozen: Frozen) -> None:
        folder = self._path.parent
        with NamedTemporaryFile(dir=folder, prefix=self._path.name, delete=False) as file:
            written = Path(file.name)
            try:
                file.writelines(sealed(frozen))
                file.flush()
                os.fsync(file.fileno())
                written.replace(self._path)
            except OSError:
                written.unlink(missing_ok=True)
                raise

"""Processes that are started, let live for a moment and killed with signal 9.

While one lives the next already imports what it needs; it touches nothing until its turn comes.
"""

import asyncio
import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path

from devnet.chaos.child import ACTED, READY, Orders

_MODULE = "devnet.chaos.child"
_ROOT = Path(__file__).parents[2]
_READY_SECONDS_MAX = 120.0
_LAST_WORDS = 2_000
_KILLED = -9


class LifeError(Exception):
    """A process ended by itself, never got ready or never got done; with its last words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One process, waiting for its turn or in it. `words`: what it wrote to standard error."""

    process: asyncio.subprocess.Process
    words: Path

    async def begin(self) -> None:
        """Waits until it has imported everything, and gives the word."""
        assert self.process.stdin is not None, "piped"
        await self._says(READY)
        self.process.stdin.write(b"go\n")
        await self.process.stdin.drain()

    async def acts(self) -> None:
        """Waits until it has asked for something, however long the machine takes for that."""
        await self._says(ACTED)

    async def _says(self, word: str) -> None:
        assert self.process.stdout is not None, "piped"
        async with asyncio.timeout(_READY_SECONDS_MAX):
            said = (await self.process.stdout.readline()).decode().strip()
        if said != word:
            raise LifeError(f"it never was {word}: {self._last_words()}")

    async def kill(self) -> None:
        """Signal 9, now.

        Raises:
            LifeError: it was dead already, which nobody had asked for.
        """
        status = await self.bury()
        if status != _KILLED:
            raise LifeError(f"it ended by itself with status {status}: {self._last_words()}")

    async def end(self, *, seconds_max: float) -> None:
        """Waits until it has done all there is to do.

        Raises:
            LifeError: it has not in time, or it failed.
        """
        try:
            async with asyncio.timeout(seconds_max):
                status = await self.process.wait()
        except TimeoutError:
            raise LifeError(f"not done in {seconds_max:g} s: {self._last_words()}") from None
        if status != 0:
            raise LifeError(f"status {status}: {self._last_words()}")

    async def bury(self) -> int:
        """Gone, whatever it was doing; its exit status."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        return await self.process.wait()

    def _last_words(self) -> str:
        return self.words.read_text(errors="replace")[-_LAST_WORDS:] or "it said nothing"


async def start(orders: Orders) -> Life:
    """A process that gets ready."""
    words = Path(orders.folder) / f"life-{orders.life}.err"
    with words.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", _MODULE, orders.as_argument()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            cwd=_ROOT,
            start_new_session=True,  # Ctrl-C reaches the run first, which then ends it
        )
    return Life(process=process, words=words)

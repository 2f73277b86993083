"""The real fleet as a child process: `keepers --config FILE run`, its words in a log file.

Knows how it is started, seen to be alive and ended; nothing of what it does.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

_MODULE = "fleet.cli.entry"
_STOP_SECONDS_MAX = 60.0
_LINES_SHOWN = 15
_COLLECTED = '"collected": '


class FleetDiedError(Exception):
    """The fleet ended on its own; the message has its last lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetProcess:
    """A running fleet."""

    process: asyncio.subprocess.Process
    log: Path

    def check(self) -> None:
        """Raises FleetDiedError when it has ended."""
        code = self.process.returncode
        if code is not None:
            raise FleetDiedError(f"the fleet ended with status {code}; {self.log}:\n{self.tail()}")

    def tail(self) -> str:
        """The last lines of its log."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-_LINES_SHOWN:]) or "it said nothing"

    def warnings_collected(self) -> int:
        """How many warnings it has put aside for its digests, by its own words."""
        lines = self.log.read_text(errors="replace").splitlines()
        steps = (json.loads(line) for line in lines if line.startswith("{") and _COLLECTED in line)
        return sum(step["collected"] for step in steps)

    async def stop(self) -> int:
        """Asks it to end and waits; returns its exit status.

        Raises:
            FleetDiedError: it did not end in time and was killed.
        """
        if self.process.returncode is None:
            self.process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS_MAX):
                return await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
            raise FleetDiedError(
                f"the fleet did not end within {_STOP_SECONDS_MAX:.0f} s of SIGTERM"
            ) from None


def fleet_command(network: Path, *bots: str) -> list[str]:
    """The command line of these bots, or of the whole fleet, in one process."""
    return [sys.executable, "-m", _MODULE, "--config", str(network), "run", *bots]


@contextlib.asynccontextmanager
async def running_fleet(command: list[str], log: Path) -> AsyncIterator[FleetProcess]:
    """Runs the fleet for the length of the block; it is gone afterwards, whatever happened."""
    with log.open("wb") as words:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=words,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the demo first, which then stops its fleet
        )
    fleet = FleetProcess(process=process, log=log)
    try:
        yield fleet
    finally:
        await fleet.stop()

"""Two real processes with one key: one waits, one takes over, and nothing is done twice."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from devnet.accounts import account_of
from devnet.chaos.tally import deploy_tally, read_tally
from tests.anvil.fleet.ground import KEY, Ground

pytestmark = [pytest.mark.anvil, pytest.mark.slow]

ROOT = Path(__file__).parents[3]
LEASE_S = 4.0
ENDLESS_S = 3_600.0
"""Nobody waits for the end of that."""
PIECES = 160
_BLOCK_S = 0.25
_PATIENCE_S = 120.0
"""For what a process does on a machine that is busy with others."""


class Rival:
    """One process and what it says."""

    def __init__(self, process: asyncio.subprocess.Process, words: Path) -> None:
        self.process = process
        self._words = words

    def said(self) -> str:
        return self._words.read_text()

    async def says(self, word: str) -> None:
        async with asyncio.timeout(_PATIENCE_S):
            while word not in self.said():
                assert self.process.returncode is None, self.said()
                await asyncio.sleep(0.02)

    async def ends(self) -> int:
        async with asyncio.timeout(_PATIENCE_S):
            return await self.process.wait()


class Match:
    """A chain that goes on, the tally on it, and rivals."""

    def __init__(self, ground: Ground, folder: Path) -> None:
        self.ground = ground
        self._folder = folder
        self._rivals: list[Rival] = []

    async def begin(self, lease_s: float = LEASE_S) -> Rival:
        words = self._folder / f"rival-{len(self._rivals)}.log"
        with words.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.anvil.fleet.rival", self.ground.url),
                *(str(self._folder / "store.sqlite3"), str(lease_s), str(PIECES)),
                cwd=ROOT,
                stdout=out,
                stderr=out,
            )
        self._rivals.append(Rival(process, words))
        return self._rivals[-1]

    async def bury(self) -> None:
        for rival in self._rivals:
            with contextlib.suppress(ProcessLookupError):
                rival.process.kill()
            await rival.process.wait()

    async def blocks(self) -> None:
        while True:
            await self.ground.seal()
            await asyncio.sleep(_BLOCK_S)

    async def effects(self) -> list[int]:
        return await read_tally(self.ground.lever, range(PIECES))

    async def has_done(self, pieces: int) -> None:
        async with asyncio.timeout(_PATIENCE_S):
            while sum(await self.effects()) < pieces:  # noqa: ASYNC110 - a chain has no event
                await asyncio.sleep(0.1)

    async def stop_outside_a_write(self, rival: Rival) -> None:
        """SQLite's write lock, held by a stopped process, would keep everybody waiting."""
        for _ in range(50):
            os.kill(rival.process.pid, signal.SIGSTOP)
            try:
                async with self.ground.database.writing():
                    return
            except OperationalError:
                os.kill(rival.process.pid, signal.SIGCONT)
                await asyncio.sleep(0.05)
        pytest.fail("it writes all the time")


@contextlib.asynccontextmanager
async def playing(ground: Ground, folder: Path) -> AsyncIterator[Match]:
    await deploy_tally(ground.lever)
    await ground.give_up_the_key()
    match = Match(ground, folder)
    async with asyncio.TaskGroup() as tasks:
        blocks = tasks.create_task(match.blocks())
        try:
            yield match
        finally:
            await match.bury()
            blocks.cancel()


@pytest.fixture
async def match(ground: Ground, tmp_path: Path) -> AsyncIterator[Match]:
    async with playing(ground, tmp_path) as found:
        yield found


async def assert_all_is_done_once(match: Match) -> None:
    await match.has_done(PIECES)
    assert await match.effects() == [1] * PIECES


async def test_rivals__the_leader_is_stopped_and_wakes_late__it_can_do_nothing_more(
    match: Match,
) -> None:
    first = await match.begin()
    await first.says("leading")
    second = await match.begin()
    await second.says("standing_by")
    await match.has_done(12)
    assert "leading" not in second.said()

    await match.stop_outside_a_write(first)
    await second.says("leading")
    done = sum(await match.effects())
    await match.has_done(done + 12)
    assert sum(await match.effects()) < PIECES, "there must be work left to fight about"

    os.kill(first.process.pid, signal.SIGCONT)
    assert await first.ends() == 1
    last = first.said().splitlines()[-1]
    account = account_of(KEY).address
    assert last.startswith(f"error: key {account} for test was taken over by process")
    assert f"process {second.process.pid} on " in last
    assert "Traceback" not in first.said()

    await assert_all_is_done_once(match)
    second.process.terminate()
    assert await second.ends() == 0


async def test_rivals__the_leader_is_told_to_end__the_other_follows_at_once(match: Match) -> None:
    first = await match.begin(ENDLESS_S)
    await first.says("leading")
    second = await match.begin(ENDLESS_S)
    await second.says("standing_by")
    await match.has_done(12)
    first.process.terminate()
    assert await first.ends() == 0
    assert "lease_given_back" in first.said()
    await second.says("leading")
    await assert_all_is_done_once(match)


async def test_rivals__the_leader_is_killed__the_other_follows_without_waiting_for_its_time(
    match: Match,
) -> None:
    first = await match.begin(ENDLESS_S)
    await first.says("leading")
    second = await match.begin(ENDLESS_S)
    await second.says("standing_by")
    await match.has_done(12)
    first.process.kill()
    assert await first.ends() == -9
    await second.says("leading")
    await assert_all_is_done_once(match)

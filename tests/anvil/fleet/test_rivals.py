"""Two real processes with one key: one waits, one takes over, and nothing is done twice."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from devnet.chaos.tally import deploy_tally, read_tally
from devnet.chaos.workload import Kind, make_workload
from devnet.leadership.contender import WORKLOAD, Orders, contest_account
from tests.anvil.fleet.ground import Ground

pytestmark = [pytest.mark.anvil, pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[3]
LEASE_S = 4.0
ENDLESS_S = 3_600.0
"""Nobody waits for the end of that."""
PIECES = 1_000
PACE = 10.0
"""A second: nobody comes to the end of them before he is told what is enough."""
_REST = 40
SEED = 1
STEADY = [p.number for p in make_workload(count=PIECES, seed=SEED) if p.kind is Kind.STEADY]
"""What must be done once; of the others every one may fail, and none may be done twice."""
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

    async def stops(self) -> None:
        """Returns when it does stand still: a thread on another core runs on for a moment."""
        os.kill(self.process.pid, signal.SIGSTOP)
        standing = os.WSTOPPED | os.WNOWAIT | os.WNOHANG
        while os.waitid(os.P_PID, self.process.pid, standing) is None:  # noqa: ASYNC110, ASYNC222 - WNOHANG
            await asyncio.sleep(0.005)

    async def ends(self) -> int:
        async with asyncio.timeout(_PATIENCE_S):
            return await self.process.wait()


class Match:
    """A chain that goes on, the tally on it, and rivals."""

    def __init__(self, ground: Ground, folder: Path) -> None:
        self.ground = ground
        self._folder = folder
        self._began = time.monotonic()
        self._rivals: list[Rival] = []
        self._blocks_come = asyncio.Event()

    async def begin(self, lease_s: float = LEASE_S) -> Rival:
        words = self._folder / f"rival-{len(self._rivals)}.log"
        orders = self._orders(lease_s)
        with words.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "devnet.leadership.contender", orders.as_argument()),
                cwd=ROOT,
                stdout=out,
                stderr=out,
            )
        self._rivals.append(Rival(process, words))
        return self._rivals[-1]

    def _orders(self, lease_s: float) -> Orders:
        return Orders(
            url=self.ground.url,
            store=f"sqlite+aiosqlite:///{self._folder / 'store.sqlite3'}",
            folder=str(self._folder),
            seed=SEED,
            count=PIECES,
            pace=PACE,
            began=self._began,
            lease_s=lease_s,
            life=len(self._rivals),
            is_seen=True,
        )

    async def bury(self) -> None:
        for rival in self._rivals:
            with contextlib.suppress(ProcessLookupError):
                rival.process.kill()
            await rival.process.wait()

    async def both(self, lease_s: float = LEASE_S) -> tuple[Rival, Rival]:
        """One that leads and one that waits; only then blocks come, so that all work is left."""
        first = await self.begin(lease_s)
        await first.says("leading")
        second = await self.begin(lease_s)
        await second.says("standing_by")
        self._blocks_come.set()
        return first, second

    async def blocks(self) -> None:
        while True:
            await self._blocks_come.wait()
            await self.ground.seal()
            await asyncio.sleep(_BLOCK_S)

    async def effects(self) -> list[int]:
        return await read_tally(self.ground.lever, range(PIECES))

    async def has_done(self, pieces: int) -> None:
        await self._until(lambda effects: sum(effects) >= pieces)

    async def work_off(self) -> list[int]:
        """Lets the leader do what is there and some more; how often each piece took effect."""
        begun = max(number for number, effect in enumerate(await self.effects()) if effect)
        enough = begun + _REST
        self._orders(ENDLESS_S).that_is_enough(enough)
        wanted = [number for number in STEADY if number < enough]
        return await self._until(lambda effects: all(effects[number] for number in wanted))

    async def _until(self, is_so: Callable[[list[int]], bool]) -> list[int]:
        async with asyncio.timeout(_PATIENCE_S):
            while not is_so(effects := await self.effects()):  # noqa: ASYNC110 - a chain has no event
                await asyncio.sleep(0.1)
        return effects

    async def stop_outside_a_write(self, rival: Rival) -> None:
        """SQLite's write lock, held by a stopped process, would keep everybody waiting.

        It is asked for without patience: whoever stands still for long loses its lease.
        """
        self._blocks_come.clear()  # meanwhile nothing is done
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                await rival.stops()
                if is_free(self._folder / "store.sqlite3"):
                    break
                os.kill(rival.process.pid, signal.SIGCONT)
                await asyncio.sleep(0.05)
        self._blocks_come.set()


def is_free(store: Path) -> bool:
    """Could somebody write into this store now?"""
    with contextlib.closing(sqlite3.connect(store, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        connection.execute("ROLLBACK")
        return True


@contextlib.asynccontextmanager
async def playing(ground: Ground, folder: Path) -> AsyncIterator[Match]:
    await deploy_tally(ground.lever)
    await ground.lever.call("anvil_setBalance", contest_account(SEED), hex(10**24))
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


async def assert_nothing_is_done_twice(match: Match) -> None:
    assert max(await match.work_off()) == 1


async def test_rivals__the_leader_is_stopped_and_wakes_late__it_can_do_nothing_more(
    match: Match,
) -> None:
    first, second = await match.both()
    await match.has_done(12)
    assert "leading" not in second.said()

    await match.stop_outside_a_write(first)
    await second.says("leading")
    done = sum(await match.effects())
    await match.has_done(done + 12)

    os.kill(first.process.pid, signal.SIGCONT)
    assert await first.ends() == 1
    last = first.said().splitlines()[-1]
    key = f"key {contest_account(SEED)} for {WORKLOAD}"
    assert last.startswith(f"error: {key} was taken over by process")
    assert f"process {second.process.pid} on " in last
    assert "Traceback" not in first.said()

    await assert_nothing_is_done_twice(match)
    second.process.terminate()
    assert await second.ends() == 0


async def test_rivals__the_leader_is_told_to_end__the_other_follows_at_once(match: Match) -> None:
    first, second = await match.both(ENDLESS_S)
    await match.has_done(12)
    first.process.terminate()
    assert await first.ends() == 0
    assert "lease_given_back" in first.said()
    await second.says("leading")
    await assert_nothing_is_done_twice(match)


async def test_rivals__the_leader_is_killed__the_other_follows_without_waiting_for_its_time(
    match: Match,
) -> None:
    first, second = await match.both(ENDLESS_S)
    await match.has_done(12)
    first.process.kill()
    assert await first.ends() == -9
    await second.says("leading")
    await assert_nothing_is_done_twice(match)

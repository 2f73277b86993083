"""The chain, the database and the processes of a contest, and what an onlooker sees of them."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select

from devnet.leadership.contender import WORKLOAD, Orders, contest_account
from devnet.leadership.wire import Wire, running_wire
from devnet.postgres import Postgres
from devnet.rpc import NodeClient
from fleet.store.engine import Database
from fleet.store.tables import journal_entries as entries
from fleet.store.tables import leases
from fleet.transactions.attempt import State
from units import Address

_MODULE = "devnet.leadership.contender"
_ROOT = Path(__file__).parents[2]
_TETHER = Path(__file__).parents[1] / "tether.py"
_PROCESSES = 3
_POLL_S = 0.02
_PATIENCE_S = 120.0
_LAST_WORDS = 2_000
LOST = 1
"""How a process ends that lost the key."""


class ContestError(Exception):
    """Something did not happen in time, or a process ended as it must not; with its last words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """One process, its wire to the database and what it says."""

    process: asyncio.subprocess.Process
    orders: Orders
    wire: Wire | None
    words: Path

    @property
    def is_alive(self) -> bool:
        """Whether its process has not ended."""
        return self.process.returncode is None

    @property
    def said(self) -> str:
        """Everything so far."""
        return self.words.read_text(errors="replace")

    async def is_ready(self) -> bool:
        """Whether it stands by or leads, or did."""
        return "standing_by" in self.said or "leading" in self.said

    def signal(self, number: signal.Signals) -> None:
        """Sends it one."""
        self.process.send_signal(number)

    async def ends(self, status: int) -> None:
        """Waits for its end, which must be this one."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                found = await self.process.wait()
        except TimeoutError:
            raise ContestError(f"it does not end: {self.said[-_LAST_WORDS:]}") from None
        if found != status:
            words = self.said[-_LAST_WORDS:]
            raise ContestError(f"it ended with {found}, not {status}: {words}")


@dataclass(slots=True, kw_only=True)
class Stage:
    """One contest. `server` is None where the store is a file, `store` the onlooker's own way."""

    node: NodeClient
    url: str
    folder: Path
    store: Database
    server: Postgres | None
    seed: int
    count: int
    pace: float
    lease_s: float
    closing: AsyncExitStack
    began: float = field(default_factory=time.monotonic)
    rivals: list[Rival] = field(default_factory=list)

    async def fill(self) -> None:
        """One that leads, one that stands by, and one that gets ready for it.

        The death of every second one can be seen by the others.
        """
        for _ in range(_PROCESSES - sum(each.is_alive for each in self.rivals)):
            await self._enter(is_seen=len(self.rivals) % 2 == 0)

    async def _enter(self, *, is_seen: bool) -> Rival:
        life = len(self.rivals)
        wire = None
        if self.server is not None:
            wire = await self.closing.enter_async_context(running_wire(self.server.port))
        orders = Orders(
            url=self.url,
            store=self.address(wire),
            folder=str(self.folder),
            seed=self.seed,
            count=self.count,
            pace=self.pace,
            began=self.began,
            lease_s=self.lease_s,
            life=life,
            is_seen=is_seen,
        )
        words = self.folder / f"rival-{life}.log"
        with words.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()), "-"),
                *(sys.executable, "-m", _MODULE, orders.as_argument()),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=_ROOT,
                start_new_session=True,
            )
        rival = Rival(process=process, orders=orders, wire=wire, words=words)
        self.rivals.append(rival)
        return rival

    def address(self, wire: Wire | None = None) -> str:
        """Of the store, through a wire if there is one."""
        if self.server is None:
            return f"sqlite+aiosqlite:///{self.folder / 'store.sqlite3'}"
        return self.server.url(port=None if wire is None else wire.port)

    async def leader(self) -> Rival | None:
        """Who has the lease, by the database."""
        async with self.store.reading() as connection:
            pid = await connection.scalar(select(leases.c.pid).where(leases.c.name == WORKLOAD))
        alive = (each for each in self.rivals if each.is_alive)
        return next((each for each in alive if each.process.pid == pid), None)

    async def newest(self) -> int:
        """The number of the newest entry in the journal, 0 before the first."""
        async with self.store.reading() as connection:
            return int(await connection.scalar(select(func.max(entries.c.id))) or 0)

    async def unfinished(self) -> int:
        """Entries that are not final."""
        done = (State.FINAL.value, State.RELEASED.value)
        query = select(func.count()).select_from(entries).where(entries.c.state.not_in(done))
        async with self.store.reading() as connection:
            return int(await connection.scalar(query) or 0)

    async def bury(self) -> None:
        """Ends whoever is left."""
        for rival in self.rivals:
            with contextlib.suppress(ProcessLookupError):
                rival.process.kill()
            await rival.process.wait()

    @property
    def account(self) -> Address:
        """The one key's."""
        return contest_account(self.seed)


async def until(
    what: str,
    is_so: Callable[[], Awaitable[bool]],
    stage: Stage,
    *,
    within_s: float = _PATIENCE_S,
) -> float:
    """Waits until it is so; the seconds it took.

    Raises:
        ContestError: it did not come to be, with everybody's last words.
    """
    began = time.monotonic()
    while not await is_so():
        if time.monotonic() - began > within_s:
            last = "\n".join(f"{each.words.name}: {each.said[-600:]}" for each in stage.rivals[-3:])
            raise ContestError(f"{what}: not within {within_s:.0f} s\n{last}")
        await asyncio.sleep(_POLL_S)
    return time.monotonic() - began


@contextlib.asynccontextmanager
async def frozen(*wires: Wire | None) -> AsyncIterator[None]:
    """Nothing gets through these for the length of the block."""
    for wire in wires:
        assert wire is not None, "only a server can be cut off"
        wire.freeze()
    try:
        yield
    finally:
        for wire in wires:
            assert wire is not None, "as before"
            wire.thaw()

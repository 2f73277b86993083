"""One of several processes with one key: a daemon that counts pieces, as wiring builds one.

Run as a module with one argument, its orders as JSON. It ends like `keepers run`: with 0 when it
was told to, with 1 and one line when it lost the key.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from devnet.accounts import seeded_account
from devnet.anvil import CHAIN_ID
from devnet.chaos.caller import REVERTS, Caller, Notes, read_notes
from devnet.chaos.ledger import ended_pieces
from devnet.chaos.workload import REFUSED, make_workload
from devnet.files import write_whole
from fleet.chain.endpoint import Endpoint
from fleet.chain.node import Node
from fleet.chain.pool import Pool
from fleet.runtime.clock import SystemClock
from fleet.runtime.health import Health
from fleet.runtime.loop import Bot, LoopPolicy, leaves
from fleet.runtime.process import Process, this_process
from fleet.runtime.supervisor import Supervisor
from fleet.store.engine import Database, open_database
from fleet.store.lease import Claim
from fleet.telemetry.metrics import Metrics
from fleet.transactions.journal import Fenced
from fleet.transactions.policy import SenderPolicy
from fleet.transactions.request import Lane
from fleet.transactions.sender import Sender
from fleet.transactions.signer import LocalSigner
from fleet.transactions.spending import SpendPolicy
from fleet.wiring.daemon import PERMANENT
from fleet.wiring.memory import RememberedJournal
from fleet.wiring.observer import Observer
from fleet.wiring.tenure import Tenure
from units import Address, Head, Wei

WORKLOAD = "contest"
ROLE = "contest"
IN_FLIGHT_MAX = 6
"""A lane: what waited while nobody led must not be a burst that takes longer than the takeover."""
_NO_LIMIT = dict.fromkeys(Lane, Wei(10**24))
"""A lane that is stopped waits for an operator, and there is none."""
_POLL_S = 0.05
_NODE_TIMEOUT_S = 2.0
_GRACE_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What a contender is about.

    Attributes:
        url: the node.
        store: the database's address, by this process's own wire.
        folder: where notes and signs of life lie.
        seed: of the workload and of the key.
        count: pieces of the whole run.
        pace: pieces a second that are there to be done, from `began` on.
        began: when the run did, by this machine's monotonic clock.
        lease_s: seconds of the lease.
        life: its number.
        is_seen: whether others of this machine can see that it died; of another machine nobody can.
    """

    url: str
    store: str
    folder: str
    seed: int
    count: int
    pace: float
    began: float
    lease_s: float
    life: int
    is_seen: bool

    def as_argument(self) -> str:
        """One argument of a command line."""
        return json.dumps(asdict(self))

    @property
    def signs(self) -> Path:
        """A file that is touched at the beginning of every step that decides."""
        return Path(self.folder) / f"signs-{self.life}"

    @property
    def enough(self) -> Path:
        """A file with the number of pieces at which there will be no more, once that is known."""
        return Path(self.folder) / "enough"

    def that_is_enough(self, pieces: int) -> None:
        """From now on there are no more pieces than these."""
        write_whole(self.enough, str(pieces))

    @property
    def notes(self) -> Path:
        """What callers of all contenders have heard."""
        return Path(self.folder) / "notes.jsonl"


def contest_account(seed: int) -> Address:
    """The one key's account."""
    return seeded_account(seed=seed, role=ROLE).address


class Store:
    """The database, opened when it answers. Implements `fleet.wiring.memory.Remembers`."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._opening = asyncio.Lock()
        self._database: Database | None = None

    async def database(self) -> Database:
        """The open database."""
        async with self._opening:
            if self._database is None:
                self._database = await open_database(self._address)
            return self._database

    async def close(self) -> None:
        """Closes it, if it ever was opened."""
        if self._database is not None:
            await self._database.close()


class Contender:
    """A bot: everything that is there to be done and has not ended."""

    def __init__(self, orders: Orders, store: Store, tenure: Tenure) -> None:
        self._orders = orders
        self._store = store
        endpoint = Endpoint(name="anvil", url=orders.url, rate=None, timeout_s=_NODE_TIMEOUT_S)
        self._node = Node(Pool([endpoint], chain_id=CHAIN_ID))
        self._policy = SenderPolicy(
            lane_in_flight_max=dict.fromkeys(Lane, IN_FLIGHT_MAX),
            spending=SpendPolicy(without_effect_max=_NO_LIMIT, with_effect_max=_NO_LIMIT),
        )
        self._sender = Sender(
            chain=self._node,
            signer=LocalSigner(seeded_account(seed=orders.seed, role=ROLE).private_key),
            journal=RememberedJournal(store, tenure),
            chain_id=CHAIN_ID,
            decode_revert=lambda _: REVERTS,
            policy=self._policy,
        )
        self._caller: Caller | None = None

    async def close(self) -> None:
        """Closes what it opened."""
        await self._node.close()

    async def wakes(self) -> AsyncIterator[Head]:
        """A look at the head every moment."""
        while True:
            yield await self._node.head()
            await asyncio.sleep(_POLL_S)

    async def step(self, head: Head) -> str:
        """Hears what became of earlier work and asks for more."""
        self._orders.signs.touch()
        if self._caller is None:  # what has ended is known only to who leads
            self._caller = await self._begin()
        await self._caller.step(head, until=self._there_are())
        return "done"

    async def drain(self) -> None:
        """Waits until what was sent has its outcome, and asks for nothing more."""
        while self._caller is not None and self._sender.status is not None:
            await self._caller.step(await self._node.head(), until=0)
            if not self._sender.status.unsettled:
                return
            await asyncio.sleep(_POLL_S)

    def _there_are(self) -> int:
        orders = self._orders
        found = min(int((time.monotonic() - orders.began) * orders.pace), orders.count)
        return min(found, int(orders.enough.read_text())) if orders.enough.exists() else found

    async def _begin(self) -> Caller:
        orders = self._orders
        refused = {piece for piece, ending in read_notes(orders.notes) if ending == REFUSED}
        namespace = f"{WORKLOAD}:{self._sender.account}"
        return Caller(
            sender=self._sender,
            pieces=make_workload(count=orders.count, seed=orders.seed),
            ended=refused | await ended_pieces(await self._store.database(), namespace),
            lane_in_flight_max=self._policy.lane_in_flight_max,
            notes=Notes(orders.notes, life=orders.life),
        )


def _identity(orders: Orders) -> Process:
    this = this_process()
    return this if orders.is_seen else replace(this, mark="")


async def compete(orders: Orders) -> None:
    """Stands by, leads when its turn comes, until it is told to end."""
    store, clock = Store(orders.store), SystemClock()
    tenure = Tenure(
        opened=store.database,
        claims=[Claim(name=WORKLOAD, account=contest_account(orders.seed))],
        ttl_s=orders.lease_s,
        clock=clock,
        process=_identity(orders),
    )
    contender = Contender(orders, store, tenure)
    supervisor = Supervisor(
        bots=[Bot(name="contender", wakes=contender.wakes, step=contender.step)],
        policy=LoopPolicy(pause_s_min=_POLL_S, pause_s_max=_POLL_S, permanent=PERMANENT),
        clock=clock,
        health=Health(clock=clock, age_s_max=60),
        observer=Observer(Metrics(version="0", network="devnet")),
        grace_s=_GRACE_S,
        drain=contender.drain,
        admission=tenure.lead,
        gate=tenure,
    )
    try:
        async with tenure.kept():
            with supervisor.stopped_by_signals():
                await supervisor.run()
    finally:
        await contender.close()
        await store.close()


def main(argument: str) -> str | None:
    """Why it lost the key, if it did."""
    why: str | None = None
    try:
        asyncio.run(compete(Orders(**json.loads(argument))))
    except* Fenced as lost:
        why = f"error: {next(leaves(lost))}"
    return why


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

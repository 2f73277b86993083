"""One of two processes that work with one key: a daemon that counts pieces, as wiring builds one.

Run as a script. Arguments: the node's URL, the store's path, seconds of the lease, pieces to do.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from devnet.accounts import account_of
from devnet.chaos.caller import Caller, Notes
from devnet.chaos.ledger import ended_pieces
from devnet.chaos.workload import Kind, Piece
from fleet.cli.exits import reported
from fleet.runtime.clock import SystemClock
from fleet.runtime.health import Health
from fleet.runtime.loop import Bot, LoopPolicy
from fleet.runtime.supervisor import Supervisor
from fleet.store.engine import Database, open_database
from fleet.store.lease import Claim
from fleet.telemetry.metrics import Metrics
from fleet.transactions.policy import SenderPolicy
from fleet.transactions.request import Lane
from fleet.wiring.daemon import PERMANENT
from fleet.wiring.memory import RememberedJournal
from fleet.wiring.observer import Observer
from fleet.wiring.tenure import Tenure
from tests.anvil.fleet.ground import KEY, WORKLOAD, build_sender, open_node
from units import Head

_POLL_S = 0.05
IN_FLIGHT_MAX = 8


class Remembered:
    """The open database, as a process has it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def database(self) -> Database:
        return self._database


class Work:
    """A bot: everything that has not ended, a few at a time."""

    def __init__(self, url: str, store: Path, database: Database, tenure: Tenure) -> None:
        memory: Any = Remembered(database)
        self._node = open_node(url)
        policy = SenderPolicy(lane_in_flight_max=dict.fromkeys(Lane, IN_FLIGHT_MAX))
        self._sender = build_sender(self._node, RememberedJournal(memory, tenure), policy)
        self._store = store
        self._database = database
        self._caller: Caller | None = None

    async def close(self) -> None:
        await self._node.close()

    async def wakes(self) -> AsyncIterator[Head]:
        while True:
            yield await self._node.head()
            await asyncio.sleep(_POLL_S)

    async def step(self, head: Head, pieces: int) -> str:
        if self._caller is None:  # what has ended is known only to who leads
            self._caller = await self._begin(pieces)
        await self._caller.step(head)
        return "done"

    async def _begin(self, pieces: int) -> Caller:
        namespace = f"{WORKLOAD}:{self._sender.account}"
        return Caller(
            sender=self._sender,
            pieces=[
                Piece(number=number, kind=Kind.STEADY, lane=Lane.LIQUIDATION)
                for number in range(pieces)
            ],
            ended=await ended_pieces(self._database, namespace),
            lane_in_flight_max=dict.fromkeys(Lane, IN_FLIGHT_MAX),
            notes=Notes(self._store.with_suffix(".notes"), life=0),
        )


async def main(url: str, store: Path, lease_s: float, pieces: int) -> None:
    database = await open_database(f"sqlite+aiosqlite:///{store}")
    clock = SystemClock()
    tenure = Tenure(
        opened=Remembered(database).database,
        claims=[Claim(name=WORKLOAD, account=account_of(KEY).address)],
        ttl_s=lease_s,
        clock=clock,
    )
    work = Work(url, store, database, tenure)
    supervisor = Supervisor(
        bots=[Bot(name="work", wakes=work.wakes, step=lambda head: work.step(head, pieces))],
        policy=LoopPolicy(pause_s_min=0.05, pause_s_max=0.05, permanent=PERMANENT),
        clock=clock,
        health=Health(clock=clock, age_s_max=60),
        observer=Observer(Metrics(version="0", network="devnet")),
        grace_s=5,
        admission=tenure.lead,
        gate=tenure,
    )
    try:
        async with tenure.kept():
            with supervisor.stopped_by_signals():
                await supervisor.run()
    finally:
        await work.close()
        await database.close()


if __name__ == "__main__":
    try:
        with reported(Console(soft_wrap=True)):
            asyncio.run(main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])))
    except typer.Exit as end:
        sys.exit(end.exit_code)

"""A contest from beginning to end: a chain, its weather, two processes, many faults, an audit."""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import aiohttp

from devnet.anvil import Genesis, running_anvil
from devnet.chaos.audit import judge
from devnet.chaos.caller import read_notes
from devnet.chaos.evidence import collect
from devnet.chaos.ledger import ended_pieces
from devnet.chaos.tally import deploy_tally
from devnet.chaos.weather import Weather
from devnet.chaos.workload import REFUSED, make_workload
from devnet.leadership.contender import WORKLOAD, contest_account
from devnet.leadership.faults import Fault, Takeover, led, strike
from devnet.leadership.report import ContestReport
from devnet.leadership.stage import Stage, until
from devnet.postgres import Postgres, running_postgres
from devnet.rpc import NodeClient
from fleet.store.engine import open_database
from units import BlockNumber, Timestamp

_GENESIS = Genesis(block=BlockNumber(5_072_232), time=Timestamp(1_741_305_600))
_BALANCE = 10**24
_PIECES_AFTER = 24
_LAST_WORK_S = 600.0
_ON_A_FILE = frozenset({Fault.KILLED, Fault.KILLED_ELSEWHERE, Fault.TOLD})
"""What can befall processes that share a file; stopped ones may hold its lock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestOptions:
    """How much of it, and over what.

    `seed` decides everything but how the machine schedules processes. `is_file`: the store is a
    SQLite file instead of a PostgreSQL server. `pace`: pieces of work a second.
    """

    faults: int = 100
    seed: int = 1
    lease_s: float = 10.0
    pace: float = 1.5
    is_file: bool = False
    kinds: tuple[Fault, ...] = tuple(Fault)


async def run_contest(
    options: ContestOptions, progress: Callable[[Takeover], None]
) -> ContestReport:
    """Runs it; `progress` hears of every fault.

    Raises:
        ContestError: nobody took over, or a process did not end as it must.
        AnvilError, PostgresError: there is no node or no server.
    """
    began = asyncio.get_running_loop().time()
    async with _standing(options) as (stage, weather):
        takeovers = [await _struck(stage, fault, progress) for fault in _faults(options)]
        pieces = await _work_off(stage)
        evidence = await collect(
            node=stage.node,
            store=stage.store,
            account=contest_account(options.seed),
            namespace=f"{WORKLOAD}:{stage.account}",
            pieces=make_workload(count=stage.count, seed=options.seed)[:pieces],
            notes=stage.rivals[0].orders.notes,
        )
        blocks = weather.blocks
    return ContestReport(
        database="sqlite" if options.is_file else "postgresql",
        lease_s=options.lease_s,
        seed=options.seed,
        processes=len(stage.rivals),
        blocks=blocks,
        pieces=pieces,
        nonces=evidence.transactions_sent,
        duration_s=round(asyncio.get_running_loop().time() - began, 1),
        takeovers=tuple(takeovers),
        verdict=judge(evidence),
    )


def _faults(options: ContestOptions) -> list[Fault]:
    """Every kind equally often, in an order of chance."""
    kinds = [each for each in options.kinds if not options.is_file or each in _ON_A_FILE]
    chosen = [kinds[number % len(kinds)] for number in range(options.faults)]
    Random(options.seed).shuffle(chosen)  # noqa: S311 - chance, not a secret
    return chosen


async def _struck(stage: Stage, fault: Fault, progress: Callable[[Takeover], None]) -> Takeover:
    takeover = await strike(fault, stage)
    progress(takeover)
    return takeover


async def _work_off(stage: Stage) -> int:
    """Lets the last leader do what is there and some more; how many pieces that were."""
    leader = await led(stage)
    orders = leader.orders
    pieces = int((time.monotonic() - stage.began) * stage.pace) + _PIECES_AFTER
    await asyncio.to_thread(orders.that_is_enough, pieces)

    async def is_done() -> bool:
        ended = await ended_pieces(stage.store, f"{WORKLOAD}:{stage.account}")
        refused = {piece for piece, ending in read_notes(orders.notes) if ending == REFUSED}
        return len(ended | refused) >= pieces and not await stage.unfinished()

    await until("all work done", is_done, stage, within_s=_LAST_WORK_S)
    for rival in [each for each in stage.rivals if each.is_alive]:
        await until("a process that is ready", rival.is_ready, stage)
        rival.signal(signal.SIGTERM)
        await rival.ends(0)
    return pieces


@contextlib.asynccontextmanager
async def _standing(options: ContestOptions) -> AsyncIterator[tuple[Stage, Weather]]:
    chance = Random(options.seed)  # noqa: S311 - chance, not a secret
    async with AsyncExitStack() as closing:
        folder = Path(closing.enter_context(TemporaryDirectory(prefix="contest-")))
        server = None if options.is_file else closing.enter_context(running_postgres())
        anvil = await closing.enter_async_context(running_anvil(_GENESIS))
        session = await closing.enter_async_context(aiohttp.ClientSession())
        node = NodeClient(session=session, url=anvil.rpc_url)
        account = contest_account(options.seed)
        await deploy_tally(node)
        await node.call("anvil_setBalance", account, hex(_BALANCE))
        store = await open_database(_address(server, folder))
        closing.push_async_callback(store.close)
        weather = Weather(
            node=node,
            chance=Random(chance.random()),  # noqa: S311 - chance, not a secret
            sender=account,
            time=_GENESIS.time,
        )
        async with asyncio.TaskGroup() as tasks:
            blowing = tasks.create_task(weather.run(), name="contest: weather")
            stage = Stage(
                node=node,
                url=anvil.rpc_url,
                folder=folder,
                store=store,
                server=server,
                seed=options.seed,
                count=_count(options),
                pace=options.pace,
                lease_s=options.lease_s,
                closing=closing,
            )
            try:
                await stage.fill()
                yield stage, weather
            finally:
                await stage.bury()
                blowing.cancel()


def _count(options: ContestOptions) -> int:
    """More pieces than any run comes to; all that is known of most is their number."""
    return int((options.faults + 10) * 6 * options.lease_s * options.pace) + _PIECES_AFTER


def _address(server: Postgres | None, folder: Path) -> str:
    if server is None:
        return f"sqlite+aiosqlite:///{folder / 'store.sqlite3'}"
    return server.url()

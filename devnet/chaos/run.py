"""A run from beginning to end: a chain and its weather, many short lives, an audit."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import aiohttp

from devnet.anvil import Genesis, running_anvil
from devnet.chaos.audit import Evidence, judge
from devnet.chaos.child import Orders, namespace, notes_path, store_url
from devnet.chaos.evidence import collect
from devnet.chaos.ledger import Row, read_rows, states_in_flight
from devnet.chaos.lives import start
from devnet.chaos.report import Report
from devnet.chaos.tally import deploy_tally
from devnet.chaos.weather import Weather, sending_account
from devnet.chaos.workload import make_workload
from devnet.faults.mixtures import bad_network
from devnet.faults.plan import Plan
from devnet.faults.proxy import running_proxy
from devnet.rpc import NodeClient
from fleet.store.engine import Database, open_database
from units import Address, BlockNumber, Timestamp

_GENESIS = Genesis(block=BlockNumber(5_072_232), time=Timestamp(1_741_305_600))
_BALANCE = 10**24
_LIFE_SECONDS_MAX = 0.8
_LIFE_SECONDS_MAX_BAD = 2.4
"""Where every fourth answer is bad, a shorter life would be over before it has done anything."""
_LAST_LIFE_SECONDS_MAX = 600.0
_SUCCEEDED = "0x1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosOptions:
    """How much of it, and over what.

    `seed` decides everything but how the machine schedules processes. `is_network_bad`: between
    the process and its node is the fault proxy with everything it can do.
    """

    kills: int = 200
    requests: int = 500
    seed: int = 1
    is_network_bad: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    """One run's chain, account and store."""

    options: ChaosOptions
    url: str
    folder: Path
    node: NodeClient
    account: Address
    store: Database

    def orders(self, life: int) -> Orders:
        """The workload is handed out evenly over the lives, all of it in the last."""
        requests, kills = self.options.requests, self.options.kills
        return Orders(
            url=self.url,
            folder=str(self.folder),
            seed=self.options.seed,
            count=requests,
            until=requests * (life + 1) // (kills + 1),
            life=life,
            is_last=life == kills,
        )

    @property
    def life_s_max(self) -> float:
        """The longest that a process lives before it is killed."""
        return _LIFE_SECONDS_MAX_BAD if self.options.is_network_bad else _LIFE_SECONDS_MAX

    async def rows(self) -> list[Row]:
        """The journal as it lies in the store."""
        return await read_rows(self.store, namespace(self.account))


async def run_chaos(options: ChaosOptions, progress: Callable[[int], None]) -> Report:
    """Runs it; `progress` hears the number of kills so far.

    Raises:
        ExceptionGroup: of LifeError, when a process ended unasked or never got done, or of what
            the node's client raises when the node is gone.
        AnvilError: there is no node.
    """
    began = asyncio.get_running_loop().time()
    chance = Random(options.seed)  # noqa: S311 - chance, not a secret
    with TemporaryDirectory(prefix="chaos-") as folder:
        store = await open_database(store_url(Path(folder)))
        try:
            async with (
                running_anvil(_GENESIS) as anvil,
                running_proxy(anvil.rpc_url, _network(options)) as proxy,
                aiohttp.ClientSession() as session,
            ):
                stage = _Stage(
                    options=options,
                    url=proxy.rpc_url,
                    folder=Path(folder),
                    node=NodeClient(session=session, url=anvil.rpc_url),
                    account=sending_account(options.seed),
                    store=store,
                )
                weather = await _prepared(stage, chance)
                deaths = await _act(stage, weather, chance, progress)
                evidence = await collect(
                    node=stage.node,
                    store=store,
                    account=stage.account,
                    namespace=namespace(stage.account),
                    pieces=make_workload(count=options.requests, seed=options.seed),
                    notes=notes_path(stage.folder),
                )
                faults = dict(proxy.struck)
        finally:
            await store.close()
    duration_s = asyncio.get_running_loop().time() - began
    return _report(
        options=options,
        weather=weather,
        deaths=deaths,
        evidence=evidence,
        faults=faults,
        duration_s=duration_s,
    )


def _network(options: ChaosOptions) -> Plan:
    return bad_network(options.seed) if options.is_network_bad else Plan()


async def _prepared(stage: _Stage, chance: Random) -> Weather:
    await deploy_tally(stage.node)
    await stage.node.call("anvil_setBalance", stage.account, hex(_BALANCE))
    return Weather(
        node=stage.node,
        chance=Random(chance.random()),  # noqa: S311 - chance, not a secret
        sender=stage.account,
        time=_GENESIS.time,
    )


async def _act(
    stage: _Stage, weather: Weather, chance: Random, progress: Callable[[int], None]
) -> list[Counter[str]]:
    """All lives while the weather blows; what was in flight at each kill."""
    async with asyncio.TaskGroup() as tasks:
        blowing = tasks.create_task(weather.run(), name="chaos: weather")
        deaths = await _live_and_die(stage, chance, progress)
        blowing.cancel()
    return deaths


async def _live_and_die(
    stage: _Stage, chance: Random, progress: Callable[[int], None]
) -> list[Counter[str]]:
    deaths = []
    standby = await start(stage.orders(0))
    try:
        for life in range(stage.options.kills):
            running, standby = standby, await start(stage.orders(life + 1))
            try:
                await running.begin()
                if life % 2:  # on a slow machine the others may die before they do anything
                    await running.acts()
                await asyncio.sleep(chance.uniform(0, stage.life_s_max))
            finally:
                await running.kill()
            deaths.append(states_in_flight(await stage.rows()))
            progress(life + 1)
        await standby.begin()
        await standby.end(seconds_max=_LAST_LIFE_SECONDS_MAX)
    finally:
        await standby.bury()
    return deaths


def _report(
    *,
    options: ChaosOptions,
    weather: Weather,
    deaths: list[Counter[str]],
    evidence: Evidence,
    faults: dict[str, int],
    duration_s: float,
) -> Report:
    return Report(
        kills=len(deaths),
        requests=options.requests,
        seed=options.seed,
        duration_s=round(duration_s, 1),
        blocks=weather.blocks,
        spikes=weather.spikes,
        dropped=weather.dropped,
        nonces=evidence.transactions_sent,
        deaths=dict(sorted(sum(deaths, Counter[str]()).items())),
        network_faults=faults,
        idle_deaths=sum(not states for states in deaths),
        verdict=judge(evidence),
    )

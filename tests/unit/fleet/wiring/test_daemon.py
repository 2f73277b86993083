"""A running process: what ends it, what it survives, and what it shows of itself."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import fields
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from fleet.chain.failures import NodeUnavailable, WrongChain
from fleet.runtime.clock import SystemClock
from fleet.runtime.refusal import StartRefusedError
from fleet.runtime.service import Service
from fleet.runtime.supervisor import Supervisor
from fleet.settings import Settings
from fleet.settings.problems import Problem, SettingsError
from fleet.store.engine import Database, StoreError, open_database
from fleet.store.lease import Claim
from fleet.telemetry.metrics import Metrics
from fleet.transactions.journal import Fenced, JournalConflict
from fleet.wiring.bots import Alarms
from fleet.wiring.daemon import PERMANENT, periodics, supervisor
from fleet.wiring.facts import BotName
from fleet.wiring.tenure import Tenure
from tests.unit.fleet.runtime.streams import until_idle
from tests.unit.fleet.wiring.crews import Beat, Company
from tests.unit.fleet.wiring.simulated import EXCHANGE, KEY, LOCKSTEP, Post, settings
from tests.unit.oracle.simulated import source_head
from tests.unit.oracle.sources.node import until

LOCKED = OperationalError("BEGIN IMMEDIATE", {}, Exception("database is locked"))
FINAL = [
    WrongChain("anvil serves chain 1, not 964"),
    StoreError("the store belongs to another world"),
    SettingsError(Problem(where="addresses", what="no such severity")),
    JournalConflict("nonce 7 is another entry's"),
    StartRefusedError("the key is in use elsewhere"),
    Fenced("another process has the key"),
]


class Daemon:
    """A process of some bots over simulated chains."""

    def __init__(
        self,
        names: Sequence[BotName],
        wanted: Settings | None = None,
        *,
        services: Sequence[Service] = (),
        tenure: Tenure | None = None,
    ) -> None:
        self.beat = Beat()
        self.post = Post()
        self.metrics = Metrics(version="0.1.0", network="devnet")
        self.drained = 0
        wanted = wanted or settings(runtime={"backoff_s_min": 0.001, "backoff_s_max": 0.002})
        self.company = Company(wanted, self.post)
        crew = self.company.crew()
        self.feeder, self.liquidator = crew.feeder, crew.liquidator
        self.supervisor: Supervisor = supervisor(
            names,
            settings=wanted,
            crew=crew,
            rhythm=self.beat,
            clock=SystemClock(),
            metrics=self.metrics,
            services=services,
            drain=self._drain,
            tenure=tenure,
        )

    async def _drain(self) -> None:
        self.drained += 1

    def sample(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"megatao_{name}", labels)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[bool]]:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.supervisor.run())
            await until_idle()
            yield task
            self.supervisor.stop()

    def has_stepped(self, bot: str, result: str, *, times: int = 1) -> bool:
        return (self.sample("steps_total", bot=bot, result=result) or 0) >= times


async def _ends_with(daemon: Daemon, act: Callable[[], Awaitable[None]], error: Exception) -> None:
    async def run() -> None:
        with pytest.raises(ExceptionGroup) as raised:
            await daemon.supervisor.run()
        assert raised.group_contains(type(error), match=str(error).replace(".", r"\."))

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(run())
        await until_idle()
        await act()


@pytest.mark.parametrize("error", FINAL, ids=lambda error: type(error).__name__)
async def test_run__an_error_that_no_retry_cures__ends_the_process_with_it(
    error: Exception,
) -> None:
    daemon = Daemon([BotName.FUNDING])
    daemon.post.failure = error

    await _ends_with(daemon, lambda: daemon.beat.blocks.arrive(7), error)


@pytest.mark.parametrize("error", FINAL, ids=lambda error: type(error).__name__)
async def test_run__the_same_while_delivering__ends_it_as_well(error: Exception) -> None:
    daemon = Daemon([BotName.WARNINGS])
    daemon.company.tell_failure = error

    await _ends_with(daemon, until_idle, error)


def test_permanent__every_kind__is_tried_here() -> None:
    assert {type(error) for error in FINAL} == set(PERMANENT)


@pytest.mark.parametrize(
    "error", [NodeUnavailable("anvil: down"), LOCKED, ValueError("a log of 31 bytes")]
)
async def test_run__any_other_error__is_tried_again_and_the_others_go_on(
    error: Exception,
) -> None:
    daemon = Daemon([BotName.FUNDING, BotName.WARNINGS])
    daemon.post.failure = daemon.company.tell_failure = daemon.company.tiers_failure = error
    async with daemon.running() as run:
        await daemon.beat.blocks.arrive(7)
        await until(lambda: daemon.has_stepped("transactions", "failed", times=3))
        assert daemon.has_stepped("funding", "FundingOutcome")
        assert not run.done()

        daemon.post.failure = daemon.company.tell_failure = daemon.company.tiers_failure = None
        await until(lambda: daemon.has_stepped("transactions", "SettledOutcomes"))
        await until(lambda: daemon.has_stepped("warnings", "WarningsOutcome"))
        await until(lambda: daemon.has_stepped("notifications", "Round"))

    assert run.result() is True
    assert daemon.drained == 1


async def test_run__in_lockstep__a_failed_block_is_not_tried_again() -> None:
    daemon = Daemon([BotName.FUNDING], settings(lockstep=LOCKSTEP))
    daemon.post.failure = LOCKED
    async with daemon.running():
        await daemon.beat.blocks.arrive(7)
        daemon.post.failure = None
        await asyncio.sleep(0.02)
        assert daemon.post.heads == []
        await daemon.beat.blocks.arrive(8)

    assert daemon.post.heads == [8]


async def test_run__a_service_dies__ends_the_process_with_its_reason() -> None:
    error = WrongChain("anvil serves chain 1, not 964")

    async def check() -> None:
        raise error

    await _ends_with(Daemon([BotName.FUNDING], services=[check]), until_idle, error)


async def test_metrics__before_any_block__show_what_is_not_known_and_every_loop_ages() -> None:
    daemon = Daemon(list(BotName))

    assert daemon.sample("head_age_seconds") == 7
    for bot in ("transactions", "feeder", "liquidator", "funding", "warnings", "notifications"):
        age = daemon.sample("loop_age_seconds", bot=bot)
        assert age is not None
        assert not math.isnan(age)


async def test_stop__while_nothing_happens__ends_in_order() -> None:
    daemon = Daemon(list(BotName))
    async with daemon.running() as run:
        assert not run.done()

    assert run.result() is True
    assert daemon.drained == 1
    assert daemon.beat.blocks.stream.reading == daemon.beat.finals.stream.reading == 0


def test_start__says_who_runs_and_with_which_key() -> None:
    with capture_logs() as captured:
        Daemon([BotName.WARNINGS, BotName.FEEDER])

    (started,) = [entry for entry in captured if entry["event"] == "started"]
    assert started["bots"] == ["feeder", "warnings"]
    assert (started["account"], started["network"]) == (KEY, "devnet")


def test_schedule__every_alarm_there_is__is_rung_by_it() -> None:
    alarms = Alarms()

    rung = [periodic.alarm for periodic in periodics(alarms)]

    assert rung == [getattr(alarms, field.name) for field in fields(Alarms)]


async def test_run__the_key_is_anothers__stands_by_and_begins_when_it_is_free(
    tmp_path: Path,
) -> None:
    database = await open_database(f"sqlite+aiosqlite:///{tmp_path / 'store.sqlite3'}")
    async with AsyncExitStack() as closing:
        closing.push_async_callback(database.close)
        first, second = (_tenure(database) for _ in range(2))
        daemon = Daemon([BotName.FUNDING], tenure=second)
        holding = await closing.enter_async_context(AsyncExitStack())
        await holding.enter_async_context(first.kept())
        await first.lead()
        async with daemon.running() as run:
            await daemon.beat.blocks.arrive(7)
            assert (daemon.sample("leading"), daemon.post.heads) == (0, [])
            age = daemon.sample("loop_age_seconds", bot="funding")
            assert age is not None
            assert math.isnan(age)
            await holding.aclose()
            await until(lambda: daemon.post.heads == [7])
            assert daemon.sample("leading") == 1
    assert run.result() is True


def _tenure(database: Database) -> Tenure:
    async def opened() -> Database:
        return database

    claims = [Claim(name="all", account=KEY)]
    return Tenure(opened=opened, claims=claims, ttl_s=15, clock=SystemClock())


# --- first prices after a break -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "router", "is_told"),
    [
        ((BotName.FEEDER, BotName.LIQUIDATOR), True, True),
        ((BotName.LIQUIDATOR,), True, False),
        ((BotName.LIQUIDATOR,), False, True),
    ],
)
def test_supervisor__a_liquidator_alone__leaves_new_falls_to_the_feeder_elsewhere(
    names: tuple[BotName, ...], router: bool, is_told: bool
) -> None:
    contracts = {"exchange": EXCHANGE, "price_feed": "0x" + "22" * 20}
    wanted = settings(contracts=contracts | ({"keeper_router": "0x" + "33" * 20} if router else {}))
    daemon = Daemon(names, wanted)
    ask = daemon.liquidator._first_prices
    assert (ask is not None) == is_told
    assert ask is None or ask() == frozenset()


async def test_supervisor__a_feeder_of_the_same_process__is_asked_which_prices_are_the_first() -> (
    None
):
    daemon = Daemon([BotName.FEEDER, BotName.LIQUIDATOR])
    company = daemon.company
    netuids = {market.netuid for market in company.fleet.settings.enabled_markets}
    await daemon.feeder.step(source_head(98))
    assert daemon.feeder.unconfirmed == netuids, "all of them went alone"
    ask = daemon.liquidator._first_prices
    assert ask is not None
    assert ask() == netuids

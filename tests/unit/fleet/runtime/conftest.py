import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fleet.runtime.clock import ChainClock
from fleet.runtime.health import Health
from fleet.runtime.loop import Bot, Loop, LoopPolicy
from fleet.runtime.supervisor import Supervisor
from tests.unit.fleet.runtime.doing import Journal, Make, Run, WrongKeyError
from tests.unit.fleet.runtime.streams import Heads, Witness, until_idle
from units import Head, Timestamp


@pytest.fixture
def clock() -> ChainClock:
    return ChainClock(Timestamp(1_000))


@pytest.fixture
def health(clock: ChainClock) -> Health:
    return Health(clock=clock, age_s_max=180)


@pytest.fixture
def witness() -> Witness:
    return Witness()


@pytest.fixture
def heads() -> Heads:
    return Heads()


@pytest.fixture
def running(clock: ChainClock, health: Health, witness: Witness, heads: Heads) -> Run:
    @asynccontextmanager
    async def run(
        step: Callable[[Head], Awaitable[object]],
        policy: LoopPolicy | None = None,
        **bot: Any,
    ) -> AsyncIterator[Loop[Head]]:
        gate = bot.pop("gate", None)
        loop = Loop(
            bot=Bot(name="feeder", wakes=heads.wakes, step=step, **bot),
            policy=policy or LoopPolicy(permanent=(WrongKeyError,)),
            clock=clock,
            health=health,
            observer=witness,
            gate=gate,
        )
        async with asyncio.TaskGroup() as group:
            task = group.create_task(loop.run())
            await until_idle()
            yield loop
            await heads.end()
            loop.stop()
            await until_idle()
            assert task.done()

    return run


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def supervisor_of(clock: ChainClock, health: Health, witness: Witness, journal: Journal) -> Make:
    def made(*bots: Bot[Head], **wiring: Any) -> Supervisor:
        policy = wiring.pop("policy", LoopPolicy())
        return Supervisor(
            bots=bots,
            policy=policy,
            clock=clock,
            health=health,
            observer=witness,
            drain=journal.drain,
            **{"grace_s": 5, **wiring},
        )

    return made

"""Bots that are not admitted yet stand by, and follow where they only follow."""

import asyncio

import pytest

from fleet.runtime.health import Health
from fleet.runtime.loop import Bot
from fleet.runtime.refusal import StartRefusedError
from tests.unit.fleet.runtime.doing import Journal, Make, nothing
from tests.unit.fleet.runtime.streams import Heads, Witness, until_idle
from units import Head


class Gate:
    """Lets the bots in when a test opens it, or never."""

    def __init__(self) -> None:
        self._opened = asyncio.Event()
        self.failure: Exception | None = None

    async def passed(self) -> None:
        await self._opened.wait()
        if self.failure is not None:
            raise self.failure

    async def open(self) -> None:
        self._opened.set()
        await until_idle()


async def test_run__not_admitted_yet__bots_stand_by_while_services_run(
    supervisor_of: Make, heads: Heads, health: Health, witness: Witness
) -> None:
    gate, served = Gate(), []

    async def serve() -> None:
        served.append("began")
        await asyncio.Event().wait()

    bot = Bot(name="feeder", wakes=heads.wakes, step=nothing)
    supervisor = supervisor_of(bot, services=[serve], admission=gate.passed)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(supervisor.run())
        await heads.arrive(7)
        assert (heads.openings, served) == (0, ["began"])
        assert health.ready().bots == {"feeder": "standing by"}
        await gate.open()
        assert witness.seen == [("succeeded", "feeder", 7, "done")]
        assert health.ready().bots == {"feeder": "working"}
        supervisor.stop()
    assert running.result() is True


async def test_stop__not_admitted_yet__ends_without_a_step_and_without_a_drain(
    supervisor_of: Make, heads: Heads, journal: Journal
) -> None:
    bot = Bot(name="feeder", wakes=heads.wakes, step=nothing)
    supervisor = supervisor_of(bot, admission=Gate().passed)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(supervisor.run())
        await heads.arrive(7)
        supervisor.stop()
    assert running.result() is True
    assert (heads.openings, journal.is_drained) == (0, False)


async def test_run__not_admitted_for_good__ends_with_the_reason(
    supervisor_of: Make, heads: Heads
) -> None:
    gate = Gate()
    gate.failure = StartRefusedError("the key is in use elsewhere")
    await gate.open()
    bot = Bot(name="feeder", wakes=heads.wakes, step=nothing)
    with pytest.raises(ExceptionGroup) as ended:
        await supervisor_of(bot, admission=gate.passed).run()
    assert ended.group_contains(StartRefusedError)
    assert heads.openings == 0


async def test_run__not_admitted_yet__bots_that_only_follow_work_and_go_on_when_it_is(
    supervisor_of: Make, heads: Heads, health: Health, witness: Witness
) -> None:
    gate, others = Gate(), Heads()
    book = Bot(name="book", wakes=others.wakes, step=nothing, acts=False)
    supervisor = supervisor_of(
        Bot(name="feeder", wakes=heads.wakes, step=nothing), book, admission=gate.passed
    )
    async with asyncio.TaskGroup() as group:
        running = group.create_task(supervisor.run())
        assert not health.ready().is_well, "nothing was followed yet"
        await others.arrive(7)
        assert witness.seen == [("succeeded", "book", 7, "done")]
        assert health.ready().bots == {"feeder": "standing by", "book": "working"}
        assert health.ready().is_well
        await gate.open()
        await heads.arrive(8)
        await others.arrive(8)
        assert witness.seen[1:] == [
            ("succeeded", "feeder", 8, "done"),
            ("succeeded", "book", 8, "done"),
        ]
        supervisor.stop()
    assert running.result() is True
    assert others.openings == 1


async def test_stop__while_following__ends_at_once(supervisor_of: Make, heads: Heads) -> None:
    async def endless(_: Head) -> None:
        await asyncio.Event().wait()

    book = Bot(name="book", wakes=heads.wakes, step=endless, acts=False)
    supervisor = supervisor_of(book, admission=Gate().passed)
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(supervisor.run())
        await heads.arrive(7)
        supervisor.stop()

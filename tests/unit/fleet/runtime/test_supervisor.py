import asyncio
import os
import signal
import subprocess
import sys

import pytest

from fleet.runtime.health import Health
from fleet.runtime.loop import Bot, LoopPolicy
from tests.unit.fleet.runtime.doing import Journal, Make, nothing
from tests.unit.fleet.runtime.streams import Heads, until_idle
from units import Head


async def test_run__every_stream_ends__drains_and_returns(
    supervisor_of: Make, journal: Journal
) -> None:
    streams = (Heads(), Heads())
    supervisor = supervisor_of(
        *(Bot(name=f"bot {n}", wakes=s.wakes, step=nothing) for n, s in enumerate(streams))
    )
    async with asyncio.TaskGroup() as group:
        running = group.create_task(supervisor.run())
        await until_idle()
        await streams[0].end()
        assert not running.done()
        await streams[1].end()

    assert running.result() is True
    assert journal.is_drained


async def test_run__one_bot_always_fails__the_other_works_on(
    supervisor_of: Make, health: Health
) -> None:
    bad, good = Heads(), Heads()

    async def fail(_: Head) -> None:
        raise OSError("down")

    supervisor = supervisor_of(
        Bot(name="bad", wakes=bad.wakes, step=fail),
        Bot(name="good", wakes=good.wakes, step=nothing),
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(supervisor.run())
        await until_idle()
        await bad.arrive(1)
        await good.arrive(1)
        verdict = health.ready()
        supervisor.stop()

    assert verdict.bots["good"] == "working"
    assert "OSError: down" in verdict.bots["bad"]


async def test_stop__running_step__may_finish_and_no_other_begins_before_the_drain(
    supervisor_of: Make, heads: Heads, journal: Journal
) -> None:
    go_on = asyncio.Event()
    blocks: list[tuple[int, bool]] = []

    async def slow(wake: Head) -> None:
        await go_on.wait()
        blocks.append((wake.number, journal.is_drained))

    supervisor = supervisor_of(Bot(name="bot", wakes=heads.wakes, step=slow))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(supervisor.run())
        await until_idle()
        await heads.arrive(1)
        await heads.arrive(2)
        supervisor.stop()
        await until_idle()
        assert not running.done()
        go_on.set()

    assert blocks == [(1, False)]
    assert journal.is_drained


async def test_stop__step_longer_than_the_grace__is_cancelled(
    supervisor_of: Make, heads: Heads
) -> None:
    async def hang(_: Head) -> None:
        await asyncio.Event().wait()

    supervisor = supervisor_of(Bot(name="bot", wakes=heads.wakes, step=hang), grace_s=0.02)
    async with asyncio.TaskGroup() as group:
        group.create_task(supervisor.run())
        await until_idle()
        await heads.arrive(1)
        supervisor.stop()


async def test_stop__receipts_later_than_the_grace__are_left_to_the_journal(
    supervisor_of: Make, heads: Heads, journal: Journal
) -> None:
    journal.settled.clear()
    supervisor = supervisor_of(Bot(name="bot", wakes=heads.wakes, step=nothing), grace_s=0.02)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(supervisor.run())
        await until_idle()
        supervisor.stop()

    assert running.result() is False


async def test_run__permanent_error__ends_every_bot(supervisor_of: Make) -> None:
    bad, good = Heads(), Heads()

    async def fail(_: Head) -> None:
        raise LookupError("the store belongs to another chain")

    supervisor = supervisor_of(
        Bot(name="bad", wakes=bad.wakes, step=fail),
        Bot(name="good", wakes=good.wakes, step=nothing),
        policy=LoopPolicy(permanent=(LookupError,)),
    )
    await bad.arrive(1)
    with pytest.raises(ExceptionGroup) as raised:
        await supervisor.run()

    assert raised.group_contains(LookupError, match="another chain")


async def test_services__run_as_long_as_the_bots(supervisor_of: Make, heads: Heads) -> None:
    seen: list[str] = []

    async def service() -> None:
        seen.append("began")
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("ended")

    supervisor = supervisor_of(
        Bot(name="bot", wakes=heads.wakes, step=nothing), services=(service,)
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(supervisor.run())
        await until_idle()
        assert seen == ["began"]
        await heads.end()

    assert seen == ["began", "ended"]


async def test_services__one_dies__everything_ends_with_its_reason(
    supervisor_of: Make, heads: Heads
) -> None:
    async def service() -> None:
        raise OSError("cannot listen on 127.0.0.1:80")

    supervisor = supervisor_of(
        Bot(name="bot", wakes=heads.wakes, step=nothing), services=(service,)
    )
    with pytest.raises(ExceptionGroup) as raised:
        await supervisor.run()

    assert raised.group_contains(OSError, match="cannot listen")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal__first__stops_in_good_order(
    supervisor_of: Make, heads: Heads, journal: Journal, number: signal.Signals
) -> None:
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    supervisor = supervisor_of(Bot(name="bot", wakes=heads.wakes, step=nothing))
    try:
        with supervisor.stopped_by_signals():
            async with asyncio.TaskGroup() as group:
                running = group.create_task(supervisor.run())
                await until_idle()
                os.kill(os.getpid(), number)
    finally:
        for each, was in before.items():
            signal.signal(each, was)

    assert running.result() is True
    assert journal.is_drained


_STUBBORN = """
import asyncio
from fleet.runtime.clock import SystemClock
from fleet.runtime.health import Health
from fleet.runtime.loop import Bot, LoopPolicy
from fleet.runtime.refusal import StartRefusedError
from fleet.runtime.supervisor import Supervisor

class Deaf:
    def succeeded(self, *a): ...
    def failed(self, *a): ...

async def wakes():
    await asyncio.Event().wait()
    yield

async def step(_): ...

async def drain():
    print("draining", flush=True)
    await asyncio.sleep(60)

async def main():
    clock = SystemClock()
    supervisor = Supervisor(
        bots=[Bot(name="bot", wakes=wakes, step=step)], policy=LoopPolicy(), clock=clock,
        health=Health(clock=clock, age_s_max=1), observer=Deaf(), grace_s=60, drain=drain)
    with supervisor.stopped_by_signals():
        print("running", flush=True)
        await supervisor.run()

asyncio.run(main())
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal__second__ends_the_process_at_once(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _STUBBORN], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        process.send_signal(number)
        assert process.stdout.readline() == "draining\n"
        process.send_signal(number)
        assert process.wait(timeout=60) == -number

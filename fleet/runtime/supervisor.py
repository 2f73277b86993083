"""Runs the bots of a process side by side and stops them in good order.

Knows loops and signals, not what a step does.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fleet.runtime.clock import Clock
from fleet.runtime.gate import Gate
from fleet.runtime.health import Health
from fleet.runtime.loop import Bot, Loop, LoopPolicy, StepObserver
from fleet.runtime.service import Service

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_STANDBY = "standing by"


Task = asyncio.Task[None]


async def _nothing_to_drain() -> None:
    """Nothing was sent."""


class Supervisor:
    """Runs bots until their wakes end, a stop is asked for, or an error that is permanent.

    Args:
        bots: at least one.
        policy: of each loop.
        clock: for pauses and durations; a wall clock also in lock-step, where nothing pauses.
        health: told of every step.
        observer: told of every step and its result.
        grace_s: wall-clock seconds for stopping: running steps and `drain` together.
        drain: awaited when no bot decides any more, until what was sent has its outcome.
        services: coroutines that must run as long as the bots do; cancelled after the drain.
        admission: awaited before any bot that acts begins; meanwhile those stand by, while services
            and bots that only follow the world run.
        gate: closed, it keeps bots that act from beginning another step.
    """

    def __init__(
        self,
        *,
        bots: Sequence[Bot[Any]],
        policy: LoopPolicy,
        clock: Clock,
        health: Health,
        observer: StepObserver,
        grace_s: float,
        drain: Callable[[], Awaitable[None]] = _nothing_to_drain,
        services: Sequence[Service] = (),
        admission: Callable[[], Awaitable[None]] | None = None,
        gate: Gate | None = None,
    ) -> None:
        self._admission = admission
        self._health = health
        self._grace_s = grace_s
        self._drain = drain
        self._services = services
        self._stopping = asyncio.Event()
        self._deadline: float | None = None
        loops = [
            Loop(bot=bot, policy=policy, clock=clock, health=health, observer=observer, gate=gate)
            for bot in bots
        ]
        self._followers = [loop for loop in loops if not loop.acts]
        self._actors = [loop for loop in loops if loop.acts]

    def stop(self) -> None:
        """Asks for an orderly end: no bot decides again, then `drain`. Returns at once."""
        self._stopping.set()

    @contextmanager
    def stopped_by_signals(self) -> Iterator[None]:
        """Makes SIGTERM and SIGINT stop it; the second one kills the process at once.

        That is safe at any time: what was sent is in the journal before it is sent.
        """
        loop = asyncio.get_running_loop()

        def first() -> None:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)
                signal.signal(number, signal.SIG_DFL)
            self.stop()

        for number in _SIGNALS:
            loop.add_signal_handler(number, first)
        try:
            yield
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)

    async def run(self) -> bool:
        """Runs everything to its end.

        Returns:
            Whether the drain was finished within the grace period.

        Raises:
            ExceptionGroup: with the permanent error, or what a service died of.
        """
        async with asyncio.TaskGroup() as group:
            services = [group.create_task(service()) for service in self._services]
            following = self._begun(group, self._followers)
            is_drained = True
            if await self._is_admitted():
                is_drained = await self._work(group, following)
            for task in (*services, *following):
                task.cancel()
        return is_drained

    def _begun(self, group: asyncio.TaskGroup, loops: Sequence[Loop[Any]]) -> list[Task]:
        return [group.create_task(loop.run(), name=loop.name) for loop in loops]

    async def _is_admitted(self) -> bool:
        """False: asked to stop before it was."""
        if self._admission is None:
            return True
        for loop in self._actors:
            self._health.stand_by(loop.name, _STANDBY)
        async with asyncio.TaskGroup() as group:
            admitted = group.create_task(self._admitted(self._admission), name="admission")
            stopped = group.create_task(self._stopping.wait(), name="stop")
            await asyncio.wait((admitted, stopped), return_when=asyncio.FIRST_COMPLETED)
            for task in (admitted, stopped):
                task.cancel()
        return not self._stopping.is_set()

    async def _admitted(self, admission: Callable[[], Awaitable[None]]) -> None:
        await admission()
        for loop in self._actors:
            self._health.register(loop.name)

    async def _work(self, group: asyncio.TaskGroup, following: Sequence[Task]) -> bool:
        loops = [*following, *self._begun(group, self._actors)]
        stopper = group.create_task(self._stop_when_asked(loops), name="stop")
        await asyncio.wait(loops)
        is_drained = await self._drained()
        stopper.cancel()
        return is_drained

    async def _stop_when_asked(self, loops: Sequence[asyncio.Task[None]]) -> None:
        await self._stopping.wait()
        self._deadline = asyncio.get_running_loop().time() + self._grace_s
        for loop in (*self._followers, *self._actors):
            loop.stop()
        await asyncio.sleep(self._grace_s)
        for task in loops:
            task.cancel()

    async def _drained(self) -> bool:
        now = asyncio.get_running_loop().time()
        deadline = now + self._grace_s if self._deadline is None else self._deadline
        try:
            async with asyncio.timeout_at(deadline):
                await self._drain()
        except TimeoutError:
            return False
        return True

"""One bot's loop: the newest wake, one step, and again; a failure is tried again, not passed on.

Knows wakes and steps, not what a step does and not the other bots.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol

from fleet.runtime.barrier import Barrier, NoBarrier
from fleet.runtime.clock import Clock
from fleet.runtime.gate import Gate, NoGate
from fleet.runtime.health import Health
from fleet.runtime.wakes import Alarm, Closed, Inbox, WakeT

_DETAIL_CHARACTERS_MAX = 300


def _always(_: object) -> bool:
    return True


def _kind(result: object) -> str:
    return type(result).__name__


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot(Generic[WakeT]):
    """One loop: a stream of wakes, and what to do at each.

    Attributes:
        name: for logs, metrics, health and the barrier.
        wakes: opens the stream; called again when the stream fails. A stream that ends
            normally ends the bot.
        step: looks at the world and acts; returns what came of it.
        is_success: whether a step's result means that it did its work. A result that says
            "could not be read" is no failure of the step, and no sign of health either.
        why_not: why a result is no success, in one line.
        alarm: makes the bot look at the newest head without waiting for another.
        heads_wake: False for a bot that only looks when its alarm rings.
        barrier: who is told when a wake has been dealt with.
        acts: False for a bot that only follows the world: it goes on while the process may not act.
    """

    name: str
    wakes: Callable[[], AsyncIterator[WakeT]]
    step: Callable[[WakeT], Awaitable[object]]
    is_success: Callable[[Any], bool] = _always
    why_not: Callable[[Any], str] = _kind
    alarm: Alarm | None = None
    heads_wake: bool = True
    barrier: Barrier = field(default_factory=NoBarrier)
    acts: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopPolicy:
    """Limits of a loop.

    Attributes:
        pause_s_min: after the first failed step; doubles with each further one.
        pause_s_max: the longest pause. A new head ends a pause: a late price costs more than
            one more try.
        retries: False leaves a failed wake be and goes on with the next, and a failed stream
            ends the process. In lock-step the next block comes only when this one is finished.
        step_s_max: wall-clock seconds after which a step is given up; None = no limit.
        permanent: errors that trying again cannot cure; they end the process.
    """

    pause_s_min: float = 1.0
    pause_s_max: float = 60.0
    retries: bool = True
    step_s_max: float | None = 60.0
    permanent: tuple[type[Exception], ...] = ()

    def pause(self, failures: int) -> float:
        """The pause after so many failures in a row, at least 1."""
        doublings = min(failures - 1, 32)  # any pause_s_max is reached by then
        return float(min(self.pause_s_min * 2**doublings, self.pause_s_max))

    def is_permanent(self, error: BaseException) -> bool:
        """Whether the process must end; of a group, whether any of its errors says so."""
        return any(isinstance(leaf, self.permanent) for leaf in leaves(error))


class StepObserver(Protocol):
    """Who hears of every step: logs, metrics, error reports."""

    def succeeded(self, name: str, wake: Any, result: object, seconds: float) -> None:
        """A step returned; `result` may still be a reason why nothing was done."""
        ...

    def failed(self, name: str, wake: Any, error: Exception, failures: int) -> None:
        """A step raised, for the `failures`th time in a row; `wake` is None for the stream."""
        ...


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors inside a group of groups; an ordinary error is its own leaf."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error


def describe(error: BaseException) -> str:
    """One line for an operator: the kind of error and the beginning of its first line."""
    first, *_ = str(error).splitlines() or [""]
    text = f"{type(error).__name__}: {first}" if first else type(error).__name__
    return text[:_DETAIL_CHARACTERS_MAX]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Raised:
    error: Exception


class Loop(Generic[WakeT]):
    """Runs one bot until its stream ends or `stop` is called.

    While `gate` is closed no step begins, and then one at the newest wake.
    """

    def __init__(
        self,
        *,
        bot: Bot[WakeT],
        policy: LoopPolicy,
        clock: Clock,
        health: Health,
        observer: StepObserver,
        gate: Gate | None = None,
    ) -> None:
        self._bot = bot
        self._gate = gate if gate is not None and bot.acts else NoGate()
        self._policy = policy
        self._clock = clock
        self._health = health
        self._observer = observer
        self._inbox: Inbox[WakeT] = Inbox(heads_wake=bot.heads_wake)
        self._failures = 0
        if bot.alarm is not None:
            bot.alarm.listen(self._inbox.ring)
        health.register(bot.name)

    @property
    def name(self) -> str:
        """The bot's."""
        return self._bot.name

    @property
    def acts(self) -> bool:
        """Whether the bot does more than follow the world."""
        return self._bot.acts

    def stop(self) -> None:
        """Lets the running step finish and begins no other."""
        self._inbox.discard()

    async def run(self) -> None:
        """Turns until there is nothing to wake for any more.

        Raises:
            ExceptionGroup: with an error that is permanent.
        """
        async with asyncio.TaskGroup() as group:
            feeding = group.create_task(self._feed(), name=f"{self.name}: wakes")
            retry: asyncio.Task[None] | None = None
            while not isinstance(wake := await self._inbox.take(), Closed):
                if not self._gate.is_open:
                    if not await self._is_let_in():
                        break
                    self._inbox.ring()
                    continue
                if retry is not None:
                    retry.cancel()
                is_done = await self._turn(wake)
                wants_retry = not is_done and self._policy.retries
                retry = group.create_task(self._ring_later()) if wants_retry else None
            feeding.cancel()
            if retry is not None:
                retry.cancel()

    async def _is_let_in(self) -> bool:
        """Waits until the gate opens; False: there is nothing to wait for any more."""
        async with asyncio.TaskGroup() as either:
            opened = either.create_task(self._gate.opened(), name=f"{self.name}: gate")
            closed = either.create_task(self._inbox.closed(), name=f"{self.name}: stop")
            await asyncio.wait((opened, closed), return_when=asyncio.FIRST_COMPLETED)
            is_open = opened.done()
            opened.cancel()
            closed.cancel()
        return is_open

    async def _turn(self, wake: WakeT) -> bool:
        started = self._clock.monotonic()
        self._health.began(self.name)
        result = await self._survive(lambda: self._step(wake))
        if isinstance(result, _Raised):
            self._note_failure(wake, result.error)
        else:
            self._note_result(wake, result, self._clock.monotonic() - started)
        await self._bot.barrier.finished(self.name, wake.number)
        return not isinstance(result, _Raised)

    async def _step(self, wake: WakeT) -> object:
        async with asyncio.timeout(self._policy.step_s_max):
            return await self._bot.step(wake)

    async def _feed(self) -> None:
        failures = 0
        while True:
            result = await self._survive(self._follow)
            if not isinstance(result, _Raised):
                break
            if not self._policy.retries:
                raise result.error
            failures += 1
            self._observer.failed(self.name, None, result.error, failures)
            await self._clock.sleep(self._policy.pause(failures))
        self._inbox.close()

    async def _follow(self) -> None:
        async for wake in self._bot.wakes():
            self._inbox.put(wake)

    async def _survive(self, work: Callable[[], Awaitable[object]]) -> object | _Raised:
        """The one place where any error is caught: the rest of the process must go on."""
        try:
            return await work()
        except Exception as error:
            if self._policy.is_permanent(error):
                raise
            return _Raised(error=error)

    async def _ring_later(self) -> None:
        await self._clock.sleep(self._policy.pause(self._failures))
        self._inbox.ring()

    def _note_result(self, wake: WakeT, result: object, seconds: float) -> None:
        self._failures = 0
        if self._bot.is_success(result):
            self._health.succeeded(self.name)
        else:
            self._health.failed(self.name, self._bot.why_not(result))
        self._observer.succeeded(self.name, wake, result, seconds)

    def _note_failure(self, wake: WakeT, error: Exception) -> None:
        self._failures += 1
        self._health.failed(self.name, describe(error))
        self._observer.failed(self.name, wake, error, self._failures)

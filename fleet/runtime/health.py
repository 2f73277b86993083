"""Whether the bots work, judged from when each last did.

A bot is unhealthy until its first success: "nothing to do" and "never got that far" must not
look the same. Knows no bot, only names and times.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from fleet.runtime.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class BotHealth:
    """One bot, in seconds of the clock's monotonic time.

    Attributes:
        started: when the bot was registered.
        stepping_since: when the step began that is still running; None between steps.
        finished: when a step last ended, well or not; None before the first.
        succeeded: when a step last succeeded; None before the first.
        failures: failed steps since then.
        detail: the last failure in one line.
        standby: what it waits for before it begins; it is not judged meanwhile.
        is_woken: blocks or ticks wake it; else it may wait for as long as it takes.
    """

    started: float
    stepping_since: float | None = None
    finished: float | None = None
    succeeded: float | None = None
    failures: int = 0
    detail: str = ""
    standby: str = ""
    is_woken: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether all is well, and what is said of each bot."""

    is_well: bool
    bots: Mapping[str, str]


class Health:
    """Collects what the supervisor sees and judges it.

    Args:
        clock: what ages are measured with.
        age_s_max: seconds without a success, within one step, or without one though blocks come,
            that are too many.
        head_age_s: seconds since the newest block came; NaN where that is not known.
    """

    def __init__(
        self, *, clock: Clock, age_s_max: float, head_age_s: Callable[[], float] = lambda: math.nan
    ) -> None:
        self._clock = clock
        self._age_s_max = age_s_max
        self._head_age_s = head_age_s
        self._overslept: dict[str, tuple[float, float]] = {}
        self._bots: dict[str, BotHealth] = {}
        self._hindrance = ""

    @property
    def bots(self) -> Mapping[str, BotHealth]:
        """What is known of each bot."""
        return dict(self._bots)

    def register(self, name: str, *, is_woken: bool = True) -> None:
        """From now on this bot must work; see `BotHealth`."""
        self._bots[name] = BotHealth(started=self._clock.monotonic(), is_woken=is_woken)

    def stand_by(self, name: str, reason: str) -> None:
        """This bot waits for something else, and that is well, until it is registered anew."""
        self._bots[name] = BotHealth(started=self._clock.monotonic(), standby=reason)

    def hinder(self, reason: str) -> None:
        """Why no bot may act now, whatever each says of itself; empty: they may again."""
        self._hindrance = reason

    def began(self, name: str) -> None:
        """A step begins."""
        self._bots[name] = replace(self._bots[name], stepping_since=self._clock.monotonic())

    def succeeded(self, name: str) -> None:
        """The step that began did what it is for."""
        bot = self._bots[name]
        now = self._clock.monotonic()
        self._bots[name] = BotHealth(
            started=bot.started, finished=now, succeeded=now, is_woken=bot.is_woken
        )

    def failed(self, name: str, detail: str) -> None:
        """The step that began did not."""
        bot = self._bots[name]
        self._bots[name] = replace(
            bot,
            stepping_since=None,
            finished=self._clock.monotonic(),
            failures=bot.failures + 1,
            detail=detail,
        )

    def loop_age(self, name: str) -> float:
        """Seconds since this bot last succeeded, since its start when it never did.

        NaN while it stands by.
        """
        bot = self._bots[name]
        if bot.standby:
            return math.nan
        return self._clock.monotonic() - (bot.started if bot.succeeded is None else bot.succeeded)

    def alive(self) -> Verdict:
        """Whether every loop turns. Restart the process otherwise.

        One that hangs in a step does not, nor one that no block wakes. A chain or a store that is
        away is no reason: then there is nothing to turn for. To be asked more often than limits
        are reached.
        """
        hanging = {name: why for name in self._bots if (why := self._hanging(name)) is not None}
        return Verdict(
            is_well=not hanging, bots={name: hanging.get(name, "turning") for name in self._bots}
        )

    def ready(self) -> Verdict:
        """Whether every bot succeeded lately, and may act. A process without bots is not ready."""
        faults = {name: fault for name in self._bots if (fault := self._fault(name)) is not None}
        return Verdict(
            is_well=bool(self._bots) and not faults and not self._hindrance,
            bots={
                name: faults.get(name, self._hindrance or bot.standby or "working")
                for name, bot in self._bots.items()
            },
        )

    def _hanging(self, name: str) -> str | None:
        now, since = self._clock.monotonic(), self._bots[name].stepping_since
        if since is not None:
            what = "in one step"
        else:
            since, what = self._passed_over_since(name, now), "no step though blocks come,"
        return f"{what} for {now - since:.0f} s" if now - since > self._age_s_max else None

    def _passed_over_since(self, name: str, now: float) -> float:
        """When it was first seen that a block had come after the last step; `now` if none has.

        Not when that block came: after an outage every bot's last step is long ago.
        """
        bot = self._bots[name]
        idle_since = bot.started if bot.finished is None else bot.finished
        is_woken = bot.is_woken and not (bot.standby or self._hindrance)
        if not (is_woken and now - self._head_age_s() > idle_since):
            self._overslept.pop(name, None)
            return now
        after, since = self._overslept.get(name, (idle_since, now))
        self._overslept[name] = (idle_since, since if after == idle_since else now)
        return self._overslept[name][1]

    def _fault(self, name: str) -> str | None:
        bot, age = self._bots[name], self.loop_age(name)
        because = f": {bot.detail}" if bot.detail else ""
        if bot.standby:
            return None
        if bot.succeeded is None:
            return f"no success yet, {age:.0f} s after its start{because}"
        if age > self._age_s_max:
            return f"no success for {age:.0f} s{because}"
        return None

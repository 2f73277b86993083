"""How often an endpoint may be asked, and how much of that is kept for what is urgent.

Backfill passes two gates: its own, which is the smaller, and the one that everything passes. So
a long backfill can take its share and never the rest.
"""

import asyncio
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from asyncio_throttle.throttler import Throttler


class Urgency(IntEnum):
    """What a request is for; lower is more urgent."""

    SENDING = 0
    DECIDING = 1
    BACKFILL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """At most `requests` within `period_s` seconds, of which `reserved_percent` are not backfill's.

    A period longer than a second expresses a rate below one a second.
    """

    requests: int
    period_s: float = 1.0
    reserved_percent: int = 50

    def __post_init__(self) -> None:
        if self.requests < 1 or self.period_s <= 0 or not 0 <= self.reserved_percent < 100:  # noqa: PLR2004 -- percent
            raise ValueError(f"no such rate: {self}")

    @property
    def backfill(self) -> tuple[int, float]:
        """Requests and period of backfill's gate: whole requests, so the period may stretch."""
        hundredths = self.requests * (100 - self.reserved_percent)
        if hundredths >= 100:  # noqa: PLR2004 -- one whole request
            return hundredths // 100, self.period_s
        return 1, self.period_s * 100 / hundredths


class _Gate(Protocol):
    async def acquire(self) -> None:
        """Returns when one more request is within the rate."""


class Throttle:
    """Holds requests back until the rate allows them; without a rate it never does."""

    def __init__(self, rate: Rate | None) -> None:
        self._everything: _Gate | None = None
        self._backfill: _Gate | None = None
        if rate is not None:
            requests, period_s = rate.backfill
            self._everything = Throttler(rate_limit=rate.requests, period=rate.period_s)
            self._backfill = Throttler(rate_limit=requests, period=period_s)

    async def admit(self, urgency: Urgency, *, wait_s_max: float) -> None:
        """Returns when a request of this urgency may be made.

        Raises:
            TimeoutError: it may not within `wait_s_max` seconds.
        """
        if self._everything is None or self._backfill is None:
            return
        async with asyncio.timeout(wait_s_max):
            if urgency is Urgency.BACKFILL:
                await self._backfill.acquire()
            await self._everything.acquire()

"""Rings alarms by the wall clock; what is due when an alarm rings is decided by chain time.

A schedule that is late, or rings twice, therefore does no harm: a late ring is still rung, many
late ones are one, and the step finds out by itself that nothing is due. Knows no bot.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from fleet.runtime.service import Service
from fleet.runtime.wakes import Alarm
from units import Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Periodic:
    """An alarm that rings every so many wall-clock seconds, first after one period."""

    name: str
    every: Seconds
    alarm: Alarm


def schedule(periodics: Sequence[Periodic]) -> Service:
    """A service that rings the alarms as long as it runs.

    Raises:
        ValueError: two of the same name, or a period that is not positive.
    """
    names = [periodic.name for periodic in periodics]
    if len(set(names)) != len(names) or any(periodic.every <= 0 for periodic in periodics):
        raise ValueError(f"a schedule needs distinct names and positive periods: {periodics}")

    async def ring() -> None:
        scheduler = _scheduler(periodics)
        scheduler.start()
        try:
            await asyncio.Event().wait()
        finally:
            scheduler.shutdown(wait=False)

    return ring


def _scheduler(periodics: Sequence[Periodic]) -> AsyncIOScheduler:
    scheduler = AsyncIOScheduler(
        timezone=UTC,
        job_defaults={
            "coalesce": True,  # many missed rings are one
            "misfire_grace_time": None,  # however late, it still rings
            "max_instances": 1,
        },
    )
    for periodic in periodics:
        scheduler.add_job(
            _ring,
            IntervalTrigger(seconds=periodic.every, timezone=UTC),
            args=[periodic.alarm],
            id=periodic.name,
            name=periodic.name,
        )
    return scheduler


async def _ring(alarm: Alarm) -> None:
    # A coroutine: the scheduler runs plain functions in a thread, and an alarm is not for threads.
    alarm.set()

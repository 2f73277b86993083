import asyncio

import pytest

from fleet.runtime.schedule import Periodic, schedule
from fleet.runtime.wakes import Alarm
from units import Seconds


def _periodic(name: str, every: int, alarm: Alarm) -> Periodic:
    return Periodic(name=name, every=Seconds(every), alarm=alarm)


async def test_schedule__a_period_passes__the_alarm_rings_on_the_event_loop() -> None:
    alarm, rung = Alarm(), asyncio.Event()
    alarm.listen(rung.set)
    ring = schedule([_periodic("retention", 1, alarm)])
    async with asyncio.TaskGroup() as group:
        service = group.create_task(ring())
        async with asyncio.timeout(60):
            await rung.wait()
        service.cancel()


@pytest.mark.parametrize(
    "periodics",
    [
        [_periodic("a", 1, Alarm()), _periodic("a", 2, Alarm())],
        [_periodic("a", 0, Alarm())],
    ],
)
def test_schedule__same_name_twice_or_no_period__is_refused(periodics: list[Periodic]) -> None:
    with pytest.raises(ValueError, match="distinct names and positive periods"):
        schedule(periodics)

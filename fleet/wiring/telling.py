"""Brings alerts from the outbox to people, round by round and once more before a process ends."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from fleet.runtime.clock import Clock
from fleet.settings import Settings
from fleet.settings.problems import Problem, SettingsError
from fleet.settings.secrets import read_secret
from fleet.store.engine import Database
from fleet.store.outbox import StoredOutbox
from fleet.telemetry.channels import addresses, channels
from fleet.telemetry.notify import Channel, Notifier, NotifyPolicy, Round
from fleet.telemetry.storms import StormPolicy
from units import Timestamp

ROUND_S = 1.0
"""Pause between two rounds of delivery."""

ROUND_S_MAX = 60.0
"""The same while the outbox can't be read."""


class Drains(Protocol):
    """Whoever delivers; `fleet.telemetry.notify.Notifier` is one."""

    async def drain(self, now: Timestamp) -> Round:
        """One round over every channel."""
        ...


class Telling:
    """One process's deliveries. The notifier is made when it is first wanted."""

    def __init__(self, *, opened: Callable[[], Awaitable[Drains]], clock: Clock) -> None:
        self._opened = opened
        self._clock = clock
        self._notifier: Drains | None = None

    async def round(self) -> Round:
        """One round of delivery."""
        return await (await self._ready()).drain(self._clock.now())

    async def rest(self) -> int:
        """Delivers all that can be delivered now; how many messages are left."""
        return await told(await self._ready(), self._clock)

    async def _ready(self) -> Drains:
        if self._notifier is None:
            self._notifier = await self._opened()
        return self._notifier


async def told(notifier: Drains, clock: Clock) -> int:
    """Rounds until nothing is open or a round brings nothing further; how many are left."""
    while True:
        done = await notifier.drain(clock.now())
        if done.still_open == 0 or not any(done.delivered.values()):
            return done.still_open


def all_channels(settings: Settings) -> tuple[Channel, ...]:
    """The log and every configured Apprise address, each for its severities.

    Raises:
        SettingsError: the file of addresses can't be read, or a line of it is of no use.
    """
    file = settings.telemetry.notify_urls_file
    source = f"MegaTAO {settings.network.name}"
    if file is None:
        return channels({}, source=source)
    text = read_secret(file)
    try:
        return channels(addresses(text), source=source)
    except ValueError as error:
        raise SettingsError(Problem(where=str(file), what=str(error))) from None


def notifier(settings: Settings, database: Database) -> Notifier:
    """Delivers what the database's outbox holds to everybody who is configured."""
    told = settings.telemetry
    storms = StormPolicy(messages_max=told.storm_messages_max, quiet_s=told.storm_quiet_s)
    return Notifier(
        outbox=StoredOutbox(database),
        channels=all_channels(settings),
        policy=NotifyPolicy(storms=storms),
    )

"""Brings alerts from the outbox to people, all the time and once more before a process ends."""

from collections.abc import Awaitable, Callable

from fleet.runtime.clock import Clock
from fleet.runtime.service import Service
from fleet.settings import Settings
from fleet.settings.secrets import read_secret
from fleet.store.engine import Database
from fleet.store.outbox import StoredOutbox
from fleet.telemetry.bot_metrics import WarningsMetrics
from fleet.telemetry.channels import addresses, channels
from fleet.telemetry.notify import Notifier, NotifyPolicy

ROUND_S = 1.0
"""Pause between two rounds of delivery."""


def notifier(settings: Settings, database: Database) -> Notifier:
    """Delivers to the log and to every configured Apprise address, each for its severities.

    Raises:
        ValueError: an address that Apprise can't use, or a severity that does not exist.
        SettingsError: the file of addresses can't be read.
    """
    file = settings.telemetry.notify_urls_file
    urls = {} if file is None else addresses(read_secret(file))
    return Notifier(
        outbox=StoredOutbox(database),
        channels=channels(urls, source=f"MegaTAO {settings.network.name}"),
        policy=NotifyPolicy(),
    )


def telling(
    opened: Callable[[], Awaitable[Notifier]], clock: Clock, metrics: WarningsMetrics
) -> Service:
    """A service: one round of delivery after the other."""

    async def tell() -> None:
        notifier = await opened()
        while True:
            done = await notifier.drain(clock.now())
            metrics.delivered(
                delivered=done.delivered, failed=done.failed, still_open=done.still_open
            )
            await clock.sleep(ROUND_S)

    return tell


async def told(notifier: Notifier, clock: Clock) -> int:
    """Rounds until nothing is open or a round brings nothing further; how many are left."""
    while True:
        done = await notifier.drain(clock.now())
        if done.still_open == 0 or not any(done.delivered.values()):
            return done.still_open

"""Tells people when nothing finalized comes, or comes from another time, by the clock on the wall.

The feeder is woken by blocks: where both chains stand still, or every node does, nobody else says
so. Every poll may succeed meanwhile.
"""

from collections.abc import Awaitable, Callable, Iterator

import structlog

from fleet.runtime.clock import Clock
from fleet.runtime.service import Service
from fleet.settings import Settings
from fleet.store.engine import Database
from fleet.wiring import policies
from fleet.wiring.source_watch import Sources
from fleet.wiring.troubles import Episodes, Trouble
from oracle.freshness import Clocks, Freshness, FreshnessPolicy, freshness
from units import BlockNumber, Timestamp

_log = structlog.stdlib.get_logger("sources")

LOOK_S = 2.0
"""Pause between two looks."""


class Silence:
    """The state of the clocks, a line whenever it changes, and a message when it is not fresh.

    Silence counts from the start where nothing has come yet. `opened` gives the outbox's store.
    """

    def __init__(
        self,
        *,
        source: Sources,
        opened: Callable[[], Awaitable[Database]],
        clock: Clock,
        policy: FreshnessPolicy,
    ) -> None:
        self._source = source
        self._episodes = Episodes(opened)
        self._clock = clock
        self._policy = policy
        self._started = clock.monotonic()
        self._state = Freshness.FRESH
        self._since = clock.now()

    async def listen(self) -> None:
        """A service: looks without end."""
        while True:
            await self.look()
            await self._clock.sleep(LOOK_S)

    async def look(self) -> None:
        """Compares the clocks once. Raises StoreError where the store is of no use at all."""
        now, latest = self._clock.now(), self._source.latest
        age = self._source.age_s()
        silence = self._clock.monotonic() - self._started if age is None else age
        block_time = None if latest is None else latest.time
        self._note(
            freshness(Clocks(block_time=block_time, arrived_s=silence, wall=now), self._policy), now
        )
        block = BlockNumber(0) if latest is None else latest.number
        await self._episodes.tell(self._troubles(block), block, now)

    def _note(self, found: Freshness, now: Timestamp) -> None:
        if found is self._state:
            return
        write = _log.info if found is Freshness.FRESH else _log.error
        write("source_clock", state=found.value, was=self._state.value)
        self._state, self._since = found, now

    def _troubles(self, block: BlockNumber) -> Iterator[Trouble]:
        if self._state is not Freshness.FRESH:
            yield Trouble(
                id=f"source-{self._state.name.lower()}-{self._since}",
                severity="page",
                title=f"Subtensor: {self._state.value}",
                body=f"The newest finalized block that was read is {block}: {self._state.value}."
                " See: keepers doctor",
            )


def services(
    settings: Settings,
    source: Sources,
    opened: Callable[[], Awaitable[Database]],
    clock: Clock,
) -> tuple[Service, ...]:
    """What listens for silence; in lock-step blocks come when the bots are done with them."""
    if policies.is_lockstep(settings):
        return ()
    policy = policies.freshness(settings)
    return (Silence(source=source, opened=opened, clock=clock, policy=policy).listen,)

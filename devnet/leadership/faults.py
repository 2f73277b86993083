"""What is done to the leader, and how long it takes until somebody acts in its place.

Somebody acts when an entry is in the journal that was not there when the fault had taken hold,
written by another process.
"""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from devnet.leadership.stage import LOST, Rival, Stage, frozen, until

_KILLED = -signal.SIGKILL
_AWAY_LEASES = 1.5


class Fault(StrEnum):
    """What befalls the leader."""

    KILLED = "killed"
    """Signal 9, on the machine of the standby, which sees that it is dead."""

    KILLED_ELSEWHERE = "killed elsewhere"
    """Signal 9, and nobody can see it."""

    STOPPED = "stopped"
    """SIGSTOP until another one acts, then SIGCONT."""

    PARTITIONED = "partitioned"
    """Cut off from the database until another one acts, then joined again."""

    TOLD = "told to end"
    """SIGTERM."""

    STORE_AWAY = "store away"
    """The database answers nobody for longer than a lease; nobody takes over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Takeover:
    """One fault and what came of it.

    Attributes:
        fault: what it was.
        seconds: from the fault to the first entry that somebody else wrote; of a store that was
            away, from its return to the first entry.
        stopped_s: of a store that was away, from then to the last step that decided anything.
    """

    fault: Fault
    seconds: float
    led_s: float | None = None
    stopped_s: float | None = None


async def strike(fault: Fault, stage: Stage) -> Takeover:
    """Does it to whoever leads, and sees to it that there are enough again.

    Raises:
        ContestError: nobody took over, or a process did not end as it must.
    """
    await until("a standby", lambda: _stands_by(stage), stage)
    leader = await led(stage)
    takeover = await _WAYS[fault](leader, stage)
    await stage.fill()
    return takeover


async def led(stage: Stage) -> Rival:
    """The leader, once there is one that has written something lately and one that stands by."""
    newest = await stage.newest()

    async def is_led() -> bool:
        return await stage.leader() is not None and await stage.newest() > newest

    await until("a leader at work", is_led, stage)
    leader = await stage.leader()
    return leader if leader is not None else await led(stage)


async def _stands_by(stage: Stage) -> bool:
    leader = await stage.leader()
    others = [each for each in stage.rivals if each is not leader]
    alive = [each for each in others if each.is_alive]
    return leader is not None and any("standing_by" in each.said for each in alive)


async def _succeeded(leader: Rival, stage: Stage, fault: Fault, since: float) -> Takeover:
    """Waits until another one has the lease, then until it has written an entry."""

    async def is_led() -> bool:
        heir = await stage.leader()
        return heir is not None and heir is not leader

    await until("another leader", is_led, stage)
    led_s, newest = time.monotonic() - since, await stage.newest()

    async def has_acted() -> bool:
        return await stage.newest() > newest

    await until("the first act of the new leader", has_acted, stage)
    return Takeover(fault=fault, led_s=led_s, seconds=time.monotonic() - since)


async def _killed(leader: Rival, stage: Stage) -> Takeover:
    """Which of the two it is was decided when the leader began."""
    fault = Fault.KILLED if leader.orders.is_seen else Fault.KILLED_ELSEWHERE
    began = time.monotonic()
    leader.signal(signal.SIGKILL)
    takeover = await _succeeded(leader, stage, fault, began)
    await leader.ends(_KILLED)
    return takeover


async def _stopped(leader: Rival, stage: Stage) -> Takeover:
    began = time.monotonic()
    leader.signal(signal.SIGSTOP)
    takeover = await _succeeded(leader, stage, Fault.STOPPED, began)
    leader.signal(signal.SIGCONT)
    await leader.ends(LOST)
    return takeover


async def _partitioned(leader: Rival, stage: Stage) -> Takeover:
    began = time.monotonic()
    async with frozen(leader.wire):
        takeover = await _succeeded(leader, stage, Fault.PARTITIONED, began)
    await leader.ends(LOST)
    return takeover


async def _told(leader: Rival, stage: Stage) -> Takeover:
    """From the moment at which it has ended: before that it waits for what it sent."""
    leader.signal(signal.SIGTERM)
    await leader.ends(0)
    return await _succeeded(leader, stage, Fault.TOLD, time.monotonic())


async def _store_away(leader: Rival, stage: Stage) -> Takeover:
    wires = [each.wire for each in stage.rivals if each.is_alive]
    began, began_wall = time.monotonic(), time.time()  # noqa: TID251 - a file's time is of the wall
    async with frozen(*wires):
        await asyncio.sleep(_AWAY_LEASES * stage.lease_s)
        stopped_s = leader.orders.signs.stat().st_mtime - began_wall
    began, newest = time.monotonic(), await stage.newest()

    async def goes_on() -> bool:
        return await stage.newest() > newest

    await until("the first act after the store's return", goes_on, stage)
    seconds = time.monotonic() - began
    return Takeover(fault=Fault.STORE_AWAY, seconds=seconds, stopped_s=max(stopped_s, 0.0))


_WAYS: dict[Fault, Callable[[Rival, Stage], Awaitable[Takeover]]] = {
    Fault.KILLED: _killed,
    Fault.KILLED_ELSEWHERE: _killed,
    Fault.STOPPED: _stopped,
    Fault.PARTITIONED: _partitioned,
    Fault.TOLD: _told,
    Fault.STORE_AWAY: _store_away,
}

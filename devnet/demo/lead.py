"""How a world and the real fleet go through blocks together: joined, in step, to an orderly end.

Knows that somebody is late or gone; judges nothing.
"""

import asyncio
from collections.abc import Callable

from devnet.demo.child import FleetDiedError, FleetProcess
from devnet.failure import DevnetStoppedError
from devnet.standin import LateParticipantError
from devnet.world import World

BOTS = frozenset({"transactions", "feeder", "liquidator", "funding", "warnings"})
"""Who must take part before the first block, and until the last."""

_JOIN_SECONDS_MAX = 90.0
_JOIN_POLL_SECONDS = 0.5


def check_goes_on(world: World, is_stopped: Callable[[], bool]) -> None:
    """Raises DevnetStoppedError when somebody wants it to stop."""
    if is_stopped():
        raise DevnetStoppedError(f"stopped at block {world.head.head.number}: no verdict")


async def joined(
    world: World,
    fleet: FleetProcess,
    is_stopped: Callable[[], bool],
    bots: frozenset[str] = BOTS,
) -> None:
    """Waits until every one of `bots` takes part, as long as the fleet lives."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _JOIN_SECONDS_MAX
    while True:
        try:
            await world.stand_in.lock_step.wait_joined(bots, timeout_s=_JOIN_POLL_SECONDS)
        except LateParticipantError as error:
            fleet.check()
            check_goes_on(world, is_stopped)
            if loop.time() > until:
                raise _died(fleet, str(error)) from None
        else:
            return


async def advance(world: World, fleet: FleetProcess, bots: frozenset[str] = BOTS) -> None:
    """One block, at whose end every one of `bots` still takes part."""
    try:
        await world.advance(in_step=True)
    except LateParticipantError as error:
        raise _died(fleet, str(error)) from None
    fleet.check()
    present = {participant.name for participant in world.stand_in.lock_step.participants}
    if not present >= bots:
        raise _died(fleet, f"left the lock-step: {', '.join(sorted(bots - present))}")


def _died(fleet: FleetProcess, what: str) -> FleetDiedError:
    return FleetDiedError(f"the fleet: {what}; {fleet.log}:\n{fleet.tail()}")


async def end(fleet: FleetProcess) -> None:
    """An orderly end is part of the drill: the fleet drains its alerts and says goodbye."""
    status = await fleet.stop()
    if status != 0:
        raise _died(fleet, f"ended with status {status} after SIGTERM")

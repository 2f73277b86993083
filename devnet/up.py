"""`keepers devnet up`: a world that runs until it is stopped or its tape ends."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from devnet.failure import DevnetError, one_line
from devnet.replay import BLOCKS_AN_HOUR, Replay, open_replay
from devnet.state import FleetOptions, StateFiles, write_state
from devnet.stopping import pause, stop_on_signals
from devnet.world import World, WorldOptions, running_world
from units import BLOCK_TIME

_SYNTHETIC_HOURS = 24 * 7
_JOIN_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class UpOptions:
    """What world to keep up.

    Attributes:
        state: FILE.json, written once everything answers and removed at the end.
        tape: a recorded price tape; None makes one of seven days up.
        start: ISO 8601 time on the tape to begin at; None = its start.
        speed: times real time (1 = a block every 12 s); None = lock-step, as fast as the fleet.
        traders: how many simulated traders.
        seed: of the traders and of a made-up tape.
    """

    state: Path
    tape: Path | None = None
    start: str | None = None
    speed: float | None = 1.0
    traders: int = 300
    seed: int = 1


async def run(options: UpOptions, *, console: Console | None = None) -> None:
    """Keeps the world up until SIGINT, SIGTERM or the tape's end.

    Raises:
        DevnetError: it can't start or go on; one line.
    """
    if options.speed is not None and options.speed <= 0:
        raise DevnetError(f"speed {options.speed:g} is not above 0")
    files = StateFiles(state=options.state)
    with one_line(), stop_on_signals() as stop:
        hours = _SYNTHETIC_HOURS if options.tape is None else 0
        replay = open_replay(path=options.tape, start=options.start, hours=hours, seed=options.seed)
        files.forget()
        screen = console or Console()
        for hole in replay.holes:
            screen.print(f"{replay.tape.name}: {hole}", highlight=False, soft_wrap=True)
        try:
            await _keep_up(options, replay, files, stop, screen)
        finally:
            files.state.unlink(missing_ok=True)


async def _keep_up(
    options: UpOptions, replay: Replay, files: StateFiles, stop: asyncio.Event, console: Console
) -> None:
    async with running_world(_world_options(options, replay)) as world:
        await write_state(world, files, FleetOptions(is_in_step=options.speed is None))
        console.print(f"devnet is up at block {world.start}: {files.state}")
        console.print(f"the fleet's configuration: keepers --config {files.network} …")
        if options.speed is None:
            await _in_step(world, stop, console)
        else:
            await _paced(world, stop, BLOCK_TIME / options.speed)
        console.print(f"devnet is down after block {world.head.head.number}")


def _world_options(options: UpOptions, replay: Replay) -> WorldOptions:
    return WorldOptions(
        tape=replay.tape,
        first=replay.first,
        blocks=min(replay.blocks, 24 * BLOCKS_AN_HOUR),
        traders=options.traders,
        seed=options.seed,
    )


async def _paced(world: World, stop: asyncio.Event, seconds_a_block: float) -> None:
    """A late block does not make the ones after it late: each has its own time."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    while not stop.is_set() and world.head.head.number < world.last_block:
        await world.advance(in_step=False)
        due = max(due + seconds_a_block, loop.time() - seconds_a_block)
        await pause(stop, due - loop.time())


async def _in_step(world: World, stop: asyncio.Event, console: Console) -> None:
    """Stands still while nobody takes part: otherwise the tape would be over at once."""
    is_waiting = False
    while not stop.is_set() and world.head.head.number < world.last_block:
        if world.stand_in.lock_step.participants:
            is_waiting = False
            await world.advance(in_step=True)
            continue
        if not is_waiting:
            console.print(f"lock-step: waiting at block {world.head.head.number} for a fleet")
        is_waiting = True
        await pause(stop, _JOIN_POLL_SECONDS)

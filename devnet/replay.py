"""Which prices a run replays: a recorded tape or a made-up one, from which block, for how long."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from devnet.synthetic_tape import synthetic_tape
from devnet.tape import Hole, Tape, TapeError
from units import BLOCK_TIME, BlockNumber, Timestamp

BLOCKS_AN_HOUR = 3_600 // BLOCK_TIME
_SPARE_ROWS = 3  # what the set-up takes before the first block of the run
_SPACING = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A stretch of a tape: it begins at `first`, and that block and those after it are `blocks`.

    `holes` are those in it.
    """

    tape: Tape
    first: BlockNumber
    blocks: int
    holes: tuple[Hole, ...]


def open_replay(*, path: Path | None, start: str | None, hours: int, seed: int) -> Replay:
    """The stretch to replay.

    Args:
        path: a recorded tape; None makes one up that is `hours` long.
        start: ISO 8601 time to begin at (UTC unless it says otherwise); None = the tape's start.
        hours: how many are wanted; 0 = all that the tape has.
        seed: of the made-up tape.

    Raises:
        TapeError: the tape or the time is no good, or the tape does not last that long.
    """
    wanted = hours * BLOCKS_AN_HOUR
    if path is None:
        tape = synthetic_tape(seed, rows=wanted // _SPACING + _SPARE_ROWS, spacing=_SPACING)
    else:
        tape = Tape.open(path)
    first = tape.first_block if start is None else tape.first_block_at(_time(tape, start))
    known = tape.last_block - first + 1
    if known < wanted:
        raise TapeError(
            f"{tape.name}: {known // BLOCKS_AN_HOUR} h from the start to its end, {hours} h wanted"
        )
    blocks = wanted or known
    return Replay(tape=tape, first=first, blocks=blocks, holes=_holes(tape, first, blocks))


def _holes(tape: Tape, first: BlockNumber, blocks: int) -> tuple[Hole, ...]:
    """Those that reach into the stretch."""
    return tuple(
        hole
        for hole in tape.holes
        if first < hole.until and hole.until - hole.blocks < first + blocks - 1
    )


def _time(tape: Tape, text: str) -> Timestamp:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise TapeError(f"{text!r} is not an ISO 8601 time such as 2025-03-23T06:00") from None
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    seconds = Timestamp(int(aware.timestamp()))
    if seconds < tape.time_at(tape.first_block):
        raise TapeError(f"{tape.name}: begins after {text}")
    return seconds

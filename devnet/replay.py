"""Which prices a run replays: a recorded tape or a made-up one, from which block, for how long."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from devnet.synthetic_tape import synthetic_tape
from devnet.tape import HOLE_BLOCKS_MAX, Hole, Tape, TapeError
from devnet.tape_file import seconds_of
from units import BLOCK_TIME, BlockNumber, Netuid, Timestamp

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


def open_replay(
    *,
    path: Path | None,
    start: str | None,
    hours: int,
    seed: int,
    hole_blocks_max: int = HOLE_BLOCKS_MAX,
) -> Replay:
    """The stretch to replay.

    Args:
        path: a recorded tape; None makes one up that is `hours` long.
        start: ISO 8601 time to begin at (UTC unless it says otherwise); None = the tape's start.
        hours: how many are wanted; 0 = all that the tape has.
        seed: of the made-up tape.
        hole_blocks_max: the longest distance of two rows across which the price before them holds.

    Raises:
        TapeError: the tape or the time is no good, or the tape does not last that long.
    """
    if path is None:
        rows = hours * BLOCKS_AN_HOUR // _SPACING + _SPARE_ROWS
        tape = synthetic_tape(seed, rows=rows, spacing=_SPACING)
    else:
        tape = Tape.open(path, hole_blocks_max=hole_blocks_max)
    return stretch_of(tape, start, hours)


def stretch_of(tape: Tape, start: str | None, hours: int) -> Replay:
    """So many hours of a tape from a time on, as `open_replay` says.

    Raises:
        TapeError: the time is no good, or the tape does not last that long.
    """
    wanted = hours * BLOCKS_AN_HOUR
    first = tape.first_block if start is None else tape.first_block_at(_time(tape, start))
    known = tape.last_block - first + 1
    if known < wanted:
        raise TapeError(
            f"{tape.name}: {known // BLOCKS_AN_HOUR} h from the start to its end, {hours} h wanted"
        )
    blocks = wanted or known
    return Replay(tape=tape, first=first, blocks=blocks, holes=_holes(tape, first, blocks))


def hours_from(tape: Tape, start: str | None) -> int:
    """How many whole hours the tape has from this time on; None = its start.

    Raises:
        TapeError: the time is no good.
    """
    first = tape.first_block if start is None else tape.first_block_at(_time(tape, start))
    return (tape.last_block - first + 1) // BLOCKS_AN_HOUR


def priced(tape: Tape, block: BlockNumber, netuids: Iterable[Netuid]) -> list[Netuid]:
    """Those of the markets that have a price at a block; 0 is none.

    Raises:
        TapeError: none of them has.
    """
    prices = tape.row_at(block).prices
    found = [netuid for netuid in netuids if prices.get(netuid)]
    if not found:
        raise TapeError(f"{tape.name}: no market of the exchange has a price at block {block}")
    return found


def most_shaken_first(
    tape: Tape, first: BlockNumber, blocks: int, netuids: Iterable[Netuid]
) -> list[Netuid]:
    """The same markets, in front the one whose price moves most between two rows of the stretch."""
    rows = range(first, min(first + blocks, tape.last_block), tape.spacing)
    prices = [tape.row_at(BlockNumber(block)).prices for block in rows]
    shocks = {
        netuid: max(_moves([row.get(netuid, 0) for row in prices]), default=0.0)
        for netuid in netuids
    }
    most = max(shocks, key=lambda netuid: shocks[netuid], default=None)
    return sorted(shocks, key=lambda netuid: netuid != most)


def _moves(prices: Sequence[int]) -> Iterator[float]:
    """How far each price is from the one before it, as a share of the smaller."""
    known = ((before, after) for before, after in pairwise(prices) if before and after)
    return (abs(before - after) / min(before, after) for before, after in known)


def _holes(tape: Tape, first: BlockNumber, blocks: int) -> tuple[Hole, ...]:
    """Those that reach into the stretch."""
    return tuple(
        hole
        for hole in tape.holes
        if first < hole.until and hole.until - hole.blocks < first + blocks - 1
    )


def _time(tape: Tape, text: str) -> Timestamp:
    try:
        seconds = seconds_of(text)
    except ValueError:
        raise TapeError(f"{text!r} is not an ISO 8601 time such as 2025-03-23T06:00") from None
    if seconds < tape.time_at(tape.first_block):
        raise TapeError(f"{tape.name}: begins after {text}")
    return seconds

"""What happened to positions, as bytes in the layout of records: many are folded without values.

A position's events as values (an event, a position, its key) cost more to make than all that is
done with them. A move is the same event as its kind, the position's id and a body that
fits into a record. Whatever does not fit stays a value. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from keepers.liquidation.packing import (
    AMOUNT_BYTES,
    SEQUENCE_BYTES,
    UnrepresentableError,
    packed,
)
from keepers.liquidation.positions import (
    BlockEvents,
    BookEvent,
    PositionChanged,
    PositionClosed,
    PositionKey,
    PositionLiquidated,
    PositionOpened,
)
from units import BlockHash, BlockNumber

OPENED: Final = 0
"""The body is the position's record."""
CHANGED: Final = 1
"""The body is the sequence, the margin and the size, as a record has them."""
REMOVED: Final = 2
"""Closed or liquidated: the body is the sequence."""

Move = tuple[int, bytes, bytes]
"""Kind, position id, body."""

PositionEvent = PositionOpened | PositionChanged | PositionClosed | PositionLiquidated


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockMoves:
    """The events of one block in log order, those of positions as moves where they fit."""

    number: BlockNumber
    hash: BlockHash
    events: tuple[BookEvent | Move, ...]


def move_of(event: PositionEvent) -> Move:
    """The event as a move.

    Raises:
        UnrepresentableError: it has numbers that no exchange holds.
    """
    match event:
        case PositionOpened(position=position):
            return OPENED, position.key.id, packed(position)
        case PositionChanged(key=key, margin=margin, size=size):
            return CHANGED, key.id, _sequence(key) + _amount(margin) + _amount(size)
        case PositionClosed(key=key) | PositionLiquidated(key=key):
            return REMOVED, key.id, _sequence(key)


def as_moves(blocks: Iterable[BlockEvents]) -> tuple[BlockMoves, ...]:
    """The same blocks with moves in place of what fits into one."""
    return tuple(
        BlockMoves(number=b.number, hash=b.hash, events=tuple(map(moved, b.events))) for b in blocks
    )


def moved(event: BookEvent) -> BookEvent | Move:
    """The event as a move where it is a position's and fits into one."""
    if not isinstance(event, PositionEvent):
        return event
    try:
        return move_of(event)
    except UnrepresentableError:
        return event


def _sequence(key: PositionKey) -> bytes:
    return _bytes(key.sequence, SEQUENCE_BYTES)


def _amount(value: int) -> bytes:
    return _bytes(value, AMOUNT_BYTES)


def _bytes(value: int, size: int) -> bytes:
    try:
        return value.to_bytes(size, "little")
    except OverflowError as error:
        raise UnrepresentableError(f"{value}: {error}") from error

"""A position as the book keeps it: 111 bytes that hold it exactly. Pure.

The contract's own storage is narrower (sizes of 96 bits, prices and indices of 128), so whatever
does not fit here is no position of an exchange and is refused.
"""

from struct import Struct, error
from typing import Final

from keepers.liquidation.positions import Position, PositionKey
from units import FundingIndex, Netuid, PositionId, PriceWei, Sequence, Wei

_LAYOUT: Final = Struct("<16sH?Q20s16s16s16s16s")
_AMOUNTS: Final = Struct("<18x?28x16s16s16s16s")

RECORD_BYTES: Final = _LAYOUT.size
ID_BYTES: Final = 16
AMOUNT_BYTES: Final = 16
SEQUENCE_BYTES: Final = 8
BUCKET: Final = slice(16, 19)
"""Where a record names its market and side: records with the same bytes there share a bucket."""
SEQUENCE: Final = slice(19, 27)
HOLDER: Final = slice(27, 47)
MARGIN: Final = slice(47, 63)
SIZE: Final = slice(63, 79)
STAKE: Final = slice(MARGIN.start, SIZE.stop)
"""Margin and size: what a partial close changes."""
ENTRY_PRICE: Final = slice(79, 95)
ENTRY_INDEX: Final = slice(95, 111)


class UnrepresentableError(ValueError):
    """A position with numbers that no exchange holds."""


def packed(position: Position) -> bytes:
    """The position as a record.

    Raises:
        UnrepresentableError: an amount needs more than 128 bits, the sequence more than 64.
    """
    try:
        return _LAYOUT.pack(
            position.key.id,
            position.netuid,
            position.is_long,
            position.key.sequence,
            position.holder,
            position.margin.to_bytes(AMOUNT_BYTES, "little"),
            position.size.to_bytes(AMOUNT_BYTES, "little"),
            position.entry_price.to_bytes(AMOUNT_BYTES, "little"),
            position.entry_index.to_bytes(AMOUNT_BYTES, "little", signed=True),
        )
    except (OverflowError, error) as cause:
        raise UnrepresentableError(f"position 0x{position.key.id.hex()}: {cause}") from cause


def unpacked(record: bytes) -> Position:
    """The position of a record."""
    position_id, netuid, is_long, sequence, holder, *amounts = _LAYOUT.unpack(record)
    margin, size, entry_price, entry_index = amounts
    return Position(
        key=PositionKey(id=PositionId(position_id), sequence=Sequence(sequence)),
        holder=holder,
        netuid=Netuid(netuid),
        is_long=is_long,
        margin=Wei(int.from_bytes(margin, "little")),
        size=Wei(int.from_bytes(size, "little")),
        entry_price=PriceWei(int.from_bytes(entry_price, "little")),
        entry_index=FundingIndex(int.from_bytes(entry_index, "little", signed=True)),
    )


def key_of(record: bytes) -> PositionKey:
    """Whose record it is."""
    sequence = int.from_bytes(record[SEQUENCE], "little")
    return PositionKey(id=PositionId(record[:ID_BYTES]), sequence=Sequence(sequence))


def amounts_of(record: bytes) -> tuple[bool, int, int, int, int]:
    """Side (long?), margin, size, entry price and entry index of a record: what a line is of."""
    is_long, margin, size, entry_price, entry_index = _AMOUNTS.unpack(record)
    return (
        is_long,
        int.from_bytes(margin, "little"),
        int.from_bytes(size, "little"),
        int.from_bytes(entry_price, "little"),
        int.from_bytes(entry_index, "little", signed=True),
    )


def bucket_bytes(netuid: Netuid, *, is_long: bool) -> bytes:
    """What stands at `BUCKET` in the records of this market and side."""
    return netuid.to_bytes(2, "little") + bytes([is_long])


def side_of(bucket: bytes) -> tuple[Netuid, bool]:
    """The market and side (long?) of a bucket."""
    return Netuid(int.from_bytes(bucket[:2], "little")), bucket[2] != 0

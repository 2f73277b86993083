"""SCALE encoding and the hashes of a Substrate block: what the Subtensor stand-in speaks.

Written from the published format, not with the client's codec, so that the client's codec is
tested against a second opinion. Knows nothing of Bittensor, prices or sockets.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

_COMPACT_ONE_BYTE = 1 << 6
_COMPACT_TWO_BYTES = 1 << 14
_COMPACT_FOUR_BYTES = 1 << 30
_COMPACT_LIMIT = 1 << 536


def compact(value: int) -> bytes:
    """An unsigned integer below 2^536 in SCALE's variable length form.

    The two low bits of the first byte say how long it is: 1, 2, 4 bytes, or 4 + n little-endian
    bytes that follow.

    Raises:
        ValueError: the value is negative or too large.
    """
    if not 0 <= value < _COMPACT_LIMIT:
        raise ValueError(f"not a compact integer: {value}")
    if value < _COMPACT_ONE_BYTE:
        return (value << 2).to_bytes(1, "little")
    if value < _COMPACT_TWO_BYTES:
        return (value << 2 | 0b01).to_bytes(2, "little")
    if value < _COMPACT_FOUR_BYTES:
        return (value << 2 | 0b10).to_bytes(4, "little")
    size = (value.bit_length() + 7) // 8
    return bytes([(size - 4) << 2 | 0b11]) + value.to_bytes(size, "little")


def u8(value: int) -> bytes:
    """One byte; raises OverflowError outside its range, as all fixed-width integers here do."""
    return value.to_bytes(1, "little")


def u16(value: int) -> bytes:
    """Two bytes, little endian."""
    return value.to_bytes(2, "little")


def u32(value: int) -> bytes:
    """Four bytes, little endian."""
    return value.to_bytes(4, "little")


def u64(value: int) -> bytes:
    """Eight bytes, little endian."""
    return value.to_bytes(8, "little")


def u128(value: int) -> bytes:
    """Sixteen bytes, little endian."""
    return value.to_bytes(16, "little")


def i128(value: int) -> bytes:
    """Sixteen bytes, little endian, two's complement."""
    return value.to_bytes(16, "little", signed=True)


def boolean(value: bool) -> bytes:
    """One byte, 0 or 1."""
    return b"\x01" if value else b"\x00"


def byte_string(value: bytes) -> bytes:
    """Vec<u8>: compact length, then the bytes."""
    return compact(len(value)) + value


def text(value: str) -> bytes:
    """A string: the byte string of its UTF-8."""
    return byte_string(value.encode())


def vector(items: Iterable[bytes]) -> bytes:
    """Vec<T> of items already encoded: compact count, then the items."""
    encoded = list(items)
    return compact(len(encoded)) + b"".join(encoded)


def option(value: bytes | None) -> bytes:
    """Option<T> of a value already encoded."""
    return b"\x00" if value is None else b"\x01" + value


def blake2b_256(data: bytes) -> bytes:
    """The hash of Substrate's headers."""
    return hashlib.blake2b(data, digest_size=32).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockHeader:
    """A Substrate header with a 32-bit block number, as Subtensor's.

    `parent_hash`, `state_root` and `extrinsics_root` are 32 bytes each; `digest` are the digest
    items, already encoded.
    """

    parent_hash: bytes
    number: int
    state_root: bytes
    extrinsics_root: bytes
    digest: tuple[bytes, ...] = ()

    def encode(self) -> bytes:
        """The SCALE bytes whose hash names the block; the number is compact."""
        return b"".join(
            (
                self.parent_hash,
                compact(self.number),
                self.state_root,
                self.extrinsics_root,
                vector(self.digest),
            )
        )

    def hash(self) -> bytes:
        """The block's hash: blake2b-256 of the encoded header."""
        return blake2b_256(self.encode())

"""Where a value lies in a Substrate node's storage.

Pure. Key = twox128(pallet) ++ twox128(item) ++ hasher(key), as FRAME defines it.
"""

import hashlib
from enum import StrEnum

import xxhash

from units import Netuid


class Hasher(StrEnum):
    """How a map's key enters its storage key; the names are those of runtime metadata."""

    IDENTITY = "Identity"
    TWOX_64_CONCAT = "Twox64Concat"
    BLAKE2_128_CONCAT = "Blake2_128Concat"


def storage_prefix(pallet: str, item: str) -> bytes:
    """The 32 bytes that begin every key of one storage item; a plain value's whole key."""
    return _twox(pallet.encode(), words=2) + _twox(item.encode(), words=2)


def netuid_key(prefix: bytes, hasher: Hasher, netuid: Netuid) -> bytes:
    """The key of one netuid (u16, little endian) in a map."""
    plain = netuid.to_bytes(2, "little")
    match hasher:
        case Hasher.IDENTITY:
            return prefix + plain
        case Hasher.TWOX_64_CONCAT:
            return prefix + _twox(plain, words=1) + plain
        case Hasher.BLAKE2_128_CONCAT:
            return prefix + hashlib.blake2b(plain, digest_size=16).digest() + plain


def _twox(data: bytes, *, words: int) -> bytes:
    """xxHash64 with the seeds 0, 1 …, each little endian."""
    hashes = (xxhash.xxh64_intdigest(data, seed=seed) for seed in range(words))
    return b"".join(each.to_bytes(8, "little") for each in hashes)

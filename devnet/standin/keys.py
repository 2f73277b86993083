"""Storage keys of Substrate: xxHash64 and what FRAME makes of it.

Written from the specification (XXH64, little endian; Twox128 = seeds 0 and 1), because the client
under test brings its own. Knows no pallet by name.
"""

_MASK = (1 << 64) - 1
_PRIME_1 = 0x9E3779B185EBCA87
_PRIME_2 = 0xC2B2AE3D27D4EB4F
_PRIME_3 = 0x165667B19E3779F9
_PRIME_4 = 0x85EBCA77C2B2AE63
_PRIME_5 = 0x27D4EB2F165667C5
_STRIPE = 32


def _rotated(value: int, bits: int) -> int:
    return (value << bits | value >> (64 - bits)) & _MASK


def _round(lane: int, word: int) -> int:
    return _rotated((lane + word * _PRIME_2) & _MASK, 31) * _PRIME_1 & _MASK


def _stripes(data: bytes, seed: int) -> int:
    """The accumulator over all whole stripes of 32 bytes."""
    lanes = [seed + _PRIME_1 + _PRIME_2, seed + _PRIME_2, seed, seed - _PRIME_1]
    whole = len(data) - len(data) % _STRIPE
    for at in range(0, whole, 8):
        word = int.from_bytes(data[at : at + 8], "little")
        lane = at // 8 % 4
        lanes[lane] = _round(lanes[lane] & _MASK, word)
    total = sum(_rotated(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18), strict=True))
    for lane in lanes:
        total = ((total ^ _round(0, lane)) * _PRIME_1 + _PRIME_4) & _MASK
    return total


def _tail(total: int, tail: bytes) -> int:
    """Fold in what is left after the stripes: words of 8, then 4, then single bytes."""
    while len(tail) >= 8:  # noqa: PLR2004 - the word sizes of the specification
        total ^= _round(0, int.from_bytes(tail[:8], "little"))
        total = (_rotated(total, 27) * _PRIME_1 + _PRIME_4) & _MASK
        tail = tail[8:]
    if len(tail) >= 4:  # noqa: PLR2004
        total ^= int.from_bytes(tail[:4], "little") * _PRIME_1 & _MASK
        total = (_rotated(total, 23) * _PRIME_2 + _PRIME_3) & _MASK
        tail = tail[4:]
    for byte in tail:
        total = _rotated(total ^ byte * _PRIME_5 & _MASK, 11) * _PRIME_1 & _MASK
    return total


def xxh64(data: bytes, seed: int = 0) -> int:
    """XXH64 of some bytes."""
    total = _stripes(data, seed) if len(data) >= _STRIPE else seed + _PRIME_5
    total = _tail((total + len(data)) & _MASK, data[len(data) - len(data) % _STRIPE :])
    total = (total ^ total >> 33) * _PRIME_2 & _MASK
    total = (total ^ total >> 29) * _PRIME_3 & _MASK
    return total ^ total >> 32


def twox64(data: bytes) -> bytes:
    """Eight bytes: XXH64 with seed 0."""
    return xxh64(data).to_bytes(8, "little")


def twox128(data: bytes) -> bytes:
    """Sixteen bytes: XXH64 with seeds 0 and 1."""
    return twox64(data) + xxh64(data, 1).to_bytes(8, "little")


def storage_prefix(pallet: str, item: str) -> bytes:
    """The 32 bytes that begin every key of a storage item, and are the whole key of a plain one."""
    return twox128(pallet.encode()) + twox128(item.encode())

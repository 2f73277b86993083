"""From a node's answers to values: headers, prices, identities.

Pure. Nothing is believed unchecked: an answer of another shape raises `MalformedAnswerError`, and
a number is never made up for one that is missing.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from oracle.quotes import SourceHead, Trouble
from oracle.sources.client import SourceFailureError
from units import BlockHash, BlockNumber, Netuid, Rao

_HASH_BYTES = 32
_PRICE_BYTES = 10
_MODE_BITS = 2
_BIG_INTEGER = 3


class MalformedAnswerError(SourceFailureError):
    """A node answered something else than what the method promises."""

    trouble = Trouble.MALFORMED


def head_from(header: Any) -> SourceHead:
    """A header as `chain_subscribeFinalizedHeads` gives it, with the hash it hashes to.

    hash = blake2b-256 over SCALE(parent hash, compact number, state root, extrinsics root,
    digest items); a subscription's header comes without it.
    """
    try:
        number = _height(int(header["number"], 16))
        logs = [_bytes(each) for each in header["digest"]["logs"]]
        roots = [_bytes(header[name], size=_HASH_BYTES) for name in _ROOTS]
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedAnswerError(f"not a header: {_short(header)}") from error
    parent, state, extrinsics = roots
    digest = compact(len(logs)) + b"".join(logs)
    encoded = parent + compact(number) + state + extrinsics + digest
    block_hash = hashlib.blake2b(encoded, digest_size=_HASH_BYTES).hexdigest()
    return SourceHead(number=BlockNumber(number), hash=BlockHash("0x" + block_hash))


_ROOTS = ("parentHash", "stateRoot", "extrinsicsRoot")


def block_hash_from(answer: Any) -> BlockHash:
    """A block hash, lower case; null, said of a height the node does not have, is malformed."""
    return BlockHash("0x" + _answered_bytes(answer, size=_HASH_BYTES).hex())


def prices_from(answer: Any) -> dict[Netuid, Rao]:
    """`SwapRuntimeApi_current_alpha_price_all`: Vec<(netuid u16, price u64)>, RAO per Alpha."""
    data = _answered_bytes(answer)
    count, start = _compact_at(data, 0)
    if len(data) - start != count * _PRICE_BYTES:
        raise MalformedAnswerError(f"{count} prices in {len(data) - start} bytes")
    rows = [data[at : at + _PRICE_BYTES] for at in range(start, len(data), _PRICE_BYTES)]
    prices = {Netuid(_unsigned(row[:2])): Rao(_unsigned(row[2:])) for row in rows}
    if len(prices) != count:
        raise MalformedAnswerError("one subnet has two prices")
    return prices


def storage_from(answer: Any, keys: Sequence[bytes]) -> Mapping[bytes, bytes | None]:
    """`state_queryStorageAt` of one block: the value of every key asked for, None where unset."""
    try:
        changes = {_bytes(key): _maybe_bytes(value) for key, value in answer[0]["changes"]}
    except (LookupError, TypeError, ValueError) as error:
        raise MalformedAnswerError(f"not storage: {_short(answer)}") from error
    missing = [key for key in keys if key not in changes]
    if missing:
        raise MalformedAnswerError(f"{len(missing)} of {len(keys)} storage keys are unanswered")
    return changes


def spec_version_from(answer: Any) -> int:
    """`state_getRuntimeVersion`."""
    found = answer.get("specVersion") if isinstance(answer, dict) else None
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found < 1 << 32:
        raise MalformedAnswerError(f"not a runtime version: {_short(answer)}")
    return found


def spec_version_of(last_upgrade: bytes) -> int:
    """`System.LastRuntimeUpgrade`: compact spec version, then the runtime's name."""
    return _compact_at(last_upgrade, 0)[0]


def unsigned(value: bytes | None, size: int) -> int:
    """A little-endian integer of exactly `size` bytes; 0 where nothing is stored.

    Zero is the default of every item read here (ValueQuery in pallets/subtensor/src/lib.rs).
    """
    if value is None:
        return 0
    if len(value) != size:
        raise MalformedAnswerError(f"{len(value)} bytes where {size} are stored")
    return _unsigned(value)


def compact(value: int) -> bytes:
    """SCALE's compact form of a number below 2^32; block heights and lengths are."""
    for mode, size in enumerate((1, 2, 4)):
        if value < 1 << (8 * size - _MODE_BITS):
            return (value << _MODE_BITS | mode).to_bytes(size, "little")
    return bytes([_BIG_INTEGER]) + value.to_bytes(4, "little")


def _compact_at(data: bytes, start: int) -> tuple[int, int]:
    """A compact number and where it ends."""
    mode = data[start] & _BIG_INTEGER if start < len(data) else _BIG_INTEGER
    end = start + (1 << mode)
    if mode == _BIG_INTEGER or end > len(data):
        raise MalformedAnswerError("not a compact number below 2^30")
    return _unsigned(data[start:end]) >> _MODE_BITS, end


def _unsigned(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _height(value: int) -> int:
    if not 0 <= value < 1 << 32:
        raise ValueError(value)
    return value


def _answered_bytes(answer: Any, *, size: int | None = None) -> bytes:
    try:
        return _bytes(answer, size=size)
    except (TypeError, ValueError) as error:
        raise MalformedAnswerError(f"not bytes in hex: {_short(answer)}") from error


def _maybe_bytes(value: Any) -> bytes | None:
    return None if value is None else _bytes(value)


def _bytes(value: Any, *, size: int | None = None) -> bytes:
    """0x-prefixed hex; raises TypeError or ValueError for anything else."""
    if not isinstance(value, str) or not value.startswith("0x"):
        raise TypeError(_short(value))
    data = bytes.fromhex(value[2:])
    if size is not None and len(data) != size:
        raise ValueError(_short(value))
    return data


def _short(answer: Any) -> str:
    return repr(answer)[:80]

"""A transaction's bytes, before and after its signature. Pure.

Sources: EIP-155 (legacy, with the chain's id in what is signed), EIP-1559 (type 2).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from eth_utils.crypto import keccak
from rlp.codec import encode_raw

from fleet.transactions.fees import Fee
from units import Address, TxHash, Wei

_EIP1559 = b"\x02"
_LEGACY_V = 35


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsigned:
    """All that is signed. `fee` without a tip makes a legacy transaction."""

    chain_id: int
    nonce: int
    to: Address
    data: bytes
    value: Wei
    gas_limit: int
    fee: Fee


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """The bytes a node takes, and the hash they will have on chain."""

    raw: bytes
    tx_hash: TxHash


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Of secp256k1, with a low s; `parity` tells which of two points was meant: 0 or 1."""

    parity: int
    r: int
    s: int


def payload(transaction: Unsigned) -> bytes:
    """What is hashed to be signed: all of it, and the chain's id."""
    if transaction.fee.tip is None:
        return _encoded([*_legacy(transaction), _word(transaction.chain_id), b"", b""])
    return _EIP1559 + _encoded(_typed(transaction))


def digest(transaction: Unsigned) -> bytes:
    """The 32 bytes that are signed."""
    return keccak(payload(transaction))


def sealed(transaction: Unsigned, signature: Signature) -> Signed:
    """The transaction with its signature."""
    point = _word(signature.r), _word(signature.s)
    if transaction.fee.tip is None:
        v = transaction.chain_id * 2 + _LEGACY_V + signature.parity
        raw = _encoded([*_legacy(transaction), _word(v), *point])
    else:
        raw = _EIP1559 + _encoded([*_typed(transaction), _word(signature.parity), *point])
    return Signed(raw=raw, tx_hash=TxHash("0x" + keccak(raw).hex()))


def _legacy(transaction: Unsigned) -> list[bytes]:
    return [_word(transaction.nonce), _word(transaction.fee.max_fee), *_call(transaction)]


def _typed(transaction: Unsigned) -> list[bytes | Sequence[bytes]]:
    """Without an access list."""
    fee = transaction.fee
    first = (transaction.chain_id, transaction.nonce, fee.tip or 0, fee.max_fee)
    return [*map(_word, first), *_call(transaction), []]


def _call(transaction: Unsigned) -> list[bytes]:
    """What both kinds have in the same order."""
    to = bytes.fromhex(transaction.to.removeprefix("0x"))
    return [_word(transaction.gas_limit), to, _word(transaction.value), transaction.data]


def _encoded(words: Sequence[bytes | Sequence[bytes]]) -> bytes:
    encoded: bytes = encode_raw(words)
    return encoded


def _word(value: int) -> bytes:
    """As RLP has it: no leading zeros, and nothing for zero."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")

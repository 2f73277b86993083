"""What a signature of somewhere else is worth: one of this key over these bytes, or nothing. Pure.

Source: EIP-2, nodes take the lower s of the two only.
"""

from dataclasses import dataclass

from coincurve import PublicKey
from coincurve.utils import GROUP_ORDER_INT
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from fleet.transactions.envelope import Signature, Unsigned, digest
from units import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A signature as a service gives it: s low or high, and no word on which point was meant."""

    r: int
    s: int


class NotOurSignatureError(ValueError):
    """The signature is not of the key, or not over the transaction, that was asked for."""


def verified(answer: Answer, transaction: Unsigned, address: Address) -> Signature:
    """The signature as nodes take it.

    Raises:
        NotOurSignatureError: it does not recover to `address`.
    """
    r, s = answer.r, min(answer.s, GROUP_ORDER_INT - answer.s)
    if 0 < r < GROUP_ORDER_INT and 0 < s < GROUP_ORDER_INT:
        compact = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        for parity in (0, 1):
            if _recovered(compact + bytes([parity]), digest(transaction)) == address:
                return Signature(parity=parity, r=r, s=s)
    raise NotOurSignatureError(f"the signature is not of {address} over this transaction")


def address_of(key: PublicKey) -> Address:
    """The account of a public key."""
    return Address(to_checksum_address(keccak(key.format(compressed=False)[1:])[-20:]))


def _recovered(signature: bytes, signed: bytes) -> Address | None:
    try:
        return address_of(PublicKey.from_signature_and_message(signature, signed, None))
    except ValueError:
        return None

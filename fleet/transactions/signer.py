"""Signs transactions. The only file that touches a private key, and the key never leaves it."""

import re
from typing import NoReturn, Protocol

from coincurve import PrivateKey
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from fleet.transactions.envelope import Signature, Signed, Unsigned, digest, sealed
from units import Address

_KEY = re.compile("[0-9a-fA-F]{64}")


class SigningFailed(Exception):  # noqa: N818 -- named after what happened
    """There is no signature now; one line without secrets. Nothing was signed that could leave."""


class Signer(Protocol):
    """Holds one key, here or elsewhere."""

    @property
    def address(self) -> Address:
        """The key's account."""

    async def sign(self, transaction: Unsigned) -> Signed:
        """Signs exactly this.

        Raises:
            SigningFailed: the key lives elsewhere, and it can't be reached or refuses.
        """


class LocalSigner:
    """A key in this process's memory; never in its repr, its errors or its logs."""

    def __init__(self, private_key: str) -> None:
        """Takes 0x and 64 hexadecimal digits.

        Raises:
            ValueError: it is no private key; the text does not repeat it.
        """
        self._key = _key(private_key)
        point = self._key.public_key.format(compressed=False)[1:]
        self.address = Address(to_checksum_address(keccak(point)[-20:]))

    def __repr__(self) -> str:
        return f"LocalSigner({self.address})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("the key stays in this process")

    async def sign(self, transaction: Unsigned) -> Signed:
        """Signs, in a tenth of a millisecond: libsecp256k1 without anything around it."""
        found = self._key.sign_recoverable(digest(transaction), hasher=None)
        r, s = int.from_bytes(found[:32], "big"), int.from_bytes(found[32:64], "big")
        return sealed(transaction, Signature(parity=found[64], r=r, s=s))


def _key(private_key: str) -> PrivateKey:
    digits = private_key.strip().removeprefix("0x")
    if _KEY.fullmatch(digits):
        try:
            return PrivateKey(bytes.fromhex(digits))
        except ValueError:  # zero, or above the order of the curve
            pass
    raise ValueError("not a private key: 0x and 64 hexadecimal digits are wanted")

"""A signer whose key lives somewhere else: asked with a time limit, checked, never believed."""

import asyncio
from typing import Protocol

from fleet.signing.verification import Answer, NotOurSignatureError, verified
from fleet.transactions.envelope import Signed, Unsigned, payload, sealed
from fleet.transactions.signer import SigningFailed
from units import Address


class KeyElsewhere(Protocol):
    """One secp256k1 key that can be asked, and can't be read."""

    @property
    def address(self) -> Address:
        """The key's account, with EIP-55's checksum."""

    async def signature(self, payload: bytes) -> Answer:
        """Signs the Keccak-256 hash of `payload`.

        Raises:
            SigningFailed: it can't be reached, or it refuses; one line without secrets.
        """

    async def close(self) -> None:
        """Lets go of connections."""


class ExternalSigner:
    """Implements `fleet.transactions.signer.Signer`."""

    def __init__(self, key: KeyElsewhere, *, timeout_s: float) -> None:
        """Takes the key, and the seconds after which a signature counts as refused."""
        self._key = key
        self._timeout_s = timeout_s
        self.address = key.address

    def __repr__(self) -> str:
        return f"ExternalSigner({self.address})"

    async def sign(self, transaction: Unsigned) -> Signed:
        """Asks for a signature over exactly this transaction.

        Raises:
            SigningFailed: none came in time, or one that is not of this key over these bytes.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._key.signature(payload(transaction))
        except TimeoutError:
            raise SigningFailed(f"no signature within {self._timeout_s} s") from None
        try:
            return sealed(transaction, verified(answer, transaction, self.address))
        except NotOurSignatureError as error:
            raise SigningFailed(str(error)) from None

    async def close(self) -> None:
        """Lets go of the key."""
        await self._key.close()

"""What both clouds' key services have in common: they sign a digest and answer in DER.

Their clients are synchronous, so each is alone in one thread. Credentials are the client's own
business (a workload identity, a role): no setting of the fleet holds any.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from coincurve import PublicKey
from coincurve.ecdsa import der_to_cdata, serialize_compact
from eth_utils.crypto import keccak

from fleet.signing.verification import Answer, address_of
from fleet.transactions.signer import SigningFailed
from units import Address

_POINT = 65
"""Bytes of an uncompressed point, the last ones of its SubjectPublicKeyInfo (RFC 5480)."""


class KeyService(Protocol):
    """One key of a cloud's service. Both calls block, and raise SigningFailed."""

    def public_key(self) -> bytes:
        """Its SubjectPublicKeyInfo, DER."""

    def sign(self, digest: bytes) -> bytes:
        """An ECDSA signature over 32 bytes as they are, DER."""

    def close(self) -> None:
        """Lets go of connections."""


class ServiceKey:
    """A key of a cloud's service; implements `fleet.signing.external.KeyElsewhere`."""

    def __init__(self, service: KeyService, thread: ThreadPoolExecutor, address: Address) -> None:
        self._service = service
        self._thread = thread
        self.address = address

    @classmethod
    async def open(cls, service: KeyService, timeout_s: float) -> "ServiceKey":
        """Asks the service who the key is; raises SigningFailed."""
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kms")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_s):
                der = await loop.run_in_executor(thread, service.public_key)
            return cls(service, thread, _address(der))
        except TimeoutError:
            thread.shutdown(wait=False, cancel_futures=True)
            raise SigningFailed(f"the key service does not answer within {timeout_s} s") from None
        except SigningFailed:
            thread.shutdown(wait=False, cancel_futures=True)
            raise

    async def signature(self, payload: bytes) -> Answer:
        """Asks the service to sign; raises SigningFailed."""
        loop = asyncio.get_running_loop()
        return signature_of(
            await loop.run_in_executor(self._thread, self._service.sign, keccak(payload))
        )

    async def close(self) -> None:
        """Lets go of the connection, without waiting for an answer that is still out."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._service.close)


def signature_of(der: bytes) -> Answer:
    """A signature as DER has it; raises SigningFailed."""
    try:
        compact = serialize_compact(der_to_cdata(der))
    except ValueError:
        raise SigningFailed("the key service answered with no signature") from None
    return Answer(r=int.from_bytes(compact[:32], "big"), s=int.from_bytes(compact[32:], "big"))


def _address(der: bytes) -> Address:
    try:
        return address_of(PublicKey(der[-_POINT:]))
    except ValueError:
        raise SigningFailed("the key is none of secp256k1") from None

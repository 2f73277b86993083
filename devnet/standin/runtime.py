"""Which runtime a block runs: its metadata, its version, and the runtime APIs it exports.

Knows the forms that Substrate gives versions and metadata; no storage, no sockets.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Self

from devnet import scale
from devnet.metadata import synthetic_metadata

SPEC_NAME = "node-subtensor"
_V14 = 14
_APIS = (("Core", 5), ("Metadata", 2), ("SwapRuntimeApi", 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeProfile:
    """One runtime.

    `metadata` is RuntimeMetadataPrefixed V14, as state_getMetadata gives it. `has_price_api` says
    whether SwapRuntimeApi_current_alpha_price_all is exported; the older call for one subnet
    always is.
    """

    metadata: bytes
    spec_version: int
    has_price_api: bool = True

    @classmethod
    def synthetic(
        cls,
        *,
        spec_version: int = 9001,
        has_price_api: bool = True,
        without: Collection[str] = (),
        padding: int = 0,
    ) -> Self:
        """A small made-up runtime that a client decodes in milliseconds.

        `without` names storage items that it does not have, `NetworkRegisteredAt` for instance;
        `padding` adds so many unused types, for one that takes as long as mainnet's.
        """
        return cls(
            metadata=synthetic_metadata(without=without, padding=padding),
            spec_version=spec_version,
            has_price_api=has_price_api,
        )

    @classmethod
    def real(cls, metadata: bytes, *, spec_version: int, has_price_api: bool) -> Self:
        """Metadata of the real chain, raw SCALE bytes.

        Raises:
            ValueError: the bytes are not V14 metadata.
        """
        if metadata[:5] != b"meta" + scale.u8(_V14):
            raise ValueError("not V14 runtime metadata")
        return cls(metadata=metadata, spec_version=spec_version, has_price_api=has_price_api)

    def describes(self, item: str) -> bool:
        """Whether the metadata names a storage item: one that it does not name is not stored."""
        return scale.text(item) in self.metadata

    def version(self) -> dict[str, Any]:
        """RuntimeVersion as JSON-RPC gives it."""
        return {
            "specName": SPEC_NAME,
            "implName": SPEC_NAME,
            "authoringVersion": 1,
            "specVersion": self.spec_version,
            "implVersion": 1,
            "apis": [["0x" + _api_id(name).hex(), version] for name, version in _APIS],
            "transactionVersion": 1,
            "systemVersion": 1,
            "stateVersion": 1,
        }

    def encoded_version(self) -> bytes:
        """RuntimeVersion as Core_version gives it."""
        apis = scale.vector(_api_id(name) + scale.u32(version) for name, version in _APIS)
        return b"".join(
            (
                scale.text(SPEC_NAME) * 2,
                scale.u32(1),
                scale.u32(self.spec_version),
                scale.u32(1),
                apis,
                scale.u32(1),
                scale.u8(1),
            )
        )

    def metadata_at_version(self, version: int) -> bytes:
        """Option<OpaqueMetadata>: this runtime knows version 14 alone."""
        opaque = scale.byte_string(self.metadata) if version == _V14 else None
        return scale.option(opaque)


def _api_id(name: str) -> bytes:
    """Substrate names a runtime API by the blake2b-64 of its trait's name."""
    return hashlib.blake2b(name.encode(), digest_size=8).digest()

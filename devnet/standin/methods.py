"""The JSON-RPC methods of a Substrate node that only read. Knows no connection."""

from collections.abc import Callable
from typing import Any, assert_never

from devnet.standin.chain import UnknownBlockError
from devnet.standin.jsonrpc import CLIENT_ERROR, UNKNOWN_BLOCK, Params, RpcError
from devnet.standin.node import NoBlock, Node, StateAt, StateGone
from devnet.standin.runtime_calls import RuntimeCallError, call_runtime
from units import BlockNumber

_KEYS_MAX = 1_000
_INVALID_COUNT = 4002


class ReadMethods:
    """Answers every reading method; `table` is by name, the aliases included."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.table: dict[str, Callable[[Params], Any]] = {
            "chain_getBlockHash": self._block_hash,
            "chain_getHead": self._block_hash,
            "chain_getFinalizedHead": self._finalized_head,
            "chain_getFinalisedHead": self._finalized_head,
            "chain_getHeader": self._header,
            "chain_getBlock": self._block,
            "chain_getRuntimeVersion": self._runtime_version,
            "state_getRuntimeVersion": self._runtime_version,
            "state_getMetadata": self._metadata,
            "state_getStorage": self._storage,
            "state_getStorageAt": self._storage,
            "state_queryStorageAt": self._query_storage_at,
            "state_getKeysPaged": self._keys_paged,
            "state_getKeysPagedAt": self._keys_paged,
            "state_call": self._call,
            "state_callAt": self._call,
            "system_chain": lambda _: node.chain_name,
            "system_chainType": lambda _: "Live",
            "system_name": lambda _: "Subtensor Node stand-in",
            "system_version": lambda _: "1.0.0",
            "system_properties": lambda _: {
                "ss58Format": 42,
                "tokenDecimals": 9,
                "tokenSymbol": "TAO",
            },
            "system_health": lambda _: {"peers": 8, "isSyncing": False, "shouldHavePeers": True},
        }

    def header_json(self, number: BlockNumber) -> dict[str, Any]:
        """A header as nodes write it: without its own hash, the number in hex."""
        header = self._node.chain.header(number)
        return {
            "parentHash": _hex(header.parent_hash),
            "number": hex(header.number),
            "stateRoot": _hex(header.state_root),
            "extrinsicsRoot": _hex(header.extrinsics_root),
            "digest": {"logs": [_hex(item) for item in header.digest]},
        }

    def _block_hash(self, params: Params) -> str | None:
        number = params.block_number(0, "hash")
        try:
            return self._node.chain.hash_of(
                self._node.best if number is None else BlockNumber(number)
            )
        except UnknownBlockError:
            return None

    def _finalized_head(self, _: Params) -> str:
        return self._node.chain.hash_of(self._node.finalized)

    def _header(self, params: Params) -> dict[str, Any] | None:
        block_hash = params.block_hash(0, "hash")
        if block_hash is None:
            return self.header_json(self._node.best)
        try:
            return self.header_json(self._node.chain.number_of(block_hash))
        except UnknownBlockError:
            return None

    def _block(self, params: Params) -> dict[str, Any] | None:
        """The header alone: the stand-in keeps no extrinsics."""
        header = self._header(params)
        if header is None:
            return None
        return {"block": {"header": header, "extrinsics": []}, "justifications": None}

    def _runtime_version(self, params: Params) -> dict[str, Any]:
        return self._at(params, 0, by="Api called for an unknown Block").profile.version()

    def _metadata(self, params: Params) -> str:
        return _hex(self._at(params, 0, by="Api called for an unknown Block").profile.metadata)

    def _storage(self, params: Params) -> str | None:
        key = params.hex_bytes(0, "key")
        value = self._node.storage_at(self._at(params, 1)).get(key)
        return None if value is None else _hex(value)

    def _query_storage_at(self, params: Params) -> list[dict[str, Any]]:
        keys = params.hex_list(0, "keys")
        at = self._at(params, 1)
        stored = self._node.storage_at(at)
        changes = [[_hex(key), _hex(stored[key]) if key in stored else None] for key in keys]
        return [{"block": at.hash, "changes": changes}]

    def _keys_paged(self, params: Params) -> list[str]:
        prefix = params.optional_hex_bytes(0, "prefix") or b""
        count = params.integer(1, "count")
        after = params.optional_hex_bytes(2, "startKey") or b""
        if count > _KEYS_MAX:
            raise RpcError(
                _INVALID_COUNT, f"count exceeds maximum value. value: {count}, max: {_KEYS_MAX}"
            )
        stored = self._node.storage_at(self._at(params, 3))
        keys = sorted(key for key in stored if key.startswith(prefix) and key > after)
        return [_hex(key) for key in keys[:count]]

    def _call(self, params: Params) -> str:
        name = params.text(0, "name")
        arguments = params.hex_bytes(1, "bytes")
        at = self._at(params, 2, by="Api called for an unknown Block")
        try:
            result = call_runtime(name, arguments, state=at.state, profile=at.profile)
        except RuntimeCallError as error:
            raise RpcError(CLIENT_ERROR, f"Client error: {error}") from None
        return _hex(result)

    def _at(self, params: Params, index: int, *, by: str = "UnknownBlock") -> StateAt:
        """The state at an optional block hash; `by` is how the node begins its refusal."""
        match self._node.at(params.block_hash(index, "hash")):
            case StateAt() as at:
                return at
            case StateGone(hash=block_hash):
                detail = f"State already discarded for {block_hash}"
            case NoBlock(hash=block_hash):
                detail = f"Header was not found in the database: {block_hash}"
            case never:
                assert_never(never)
        raise RpcError(UNKNOWN_BLOCK, f"Client error: {by}: {detail}")


def _hex(data: bytes) -> str:
    return "0x" + data.hex()

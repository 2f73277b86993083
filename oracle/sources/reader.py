"""Reads one finalized block: every market's price, identity and depth, in two requests.

Asks over one connection, one request at a time; knows no transport and keeps nothing that was
read.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from oracle.quotes import Depth, Identity, Reading, SourceBlock, SourceHead
from oracle.sources import answers
from oracle.sources.answers import MalformedAnswerError
from oracle.sources.client import Client, Connect, RefusedError, SourceFailureError
from oracle.sources.layouts import RuntimeLayouts
from oracle.sources.policy import SourcePolicy
from oracle.sources.restraint import Throttle
from oracle.sources.runtime import Layout, StorageLayout
from oracle.sources.storage_keys import storage_prefix
from units import BlockHash, BlockNumber, Netuid, Rao, Timestamp

Answer = TypeVar("Answer")

PRICE_API = "SwapRuntimeApi_current_alpha_price_all"

_NOW = storage_prefix("Timestamp", "Now")
_NOW_BYTES = 8
_LAST_UPGRADE = storage_prefix("System", "LastRuntimeUpgrade")
"""Which runtime's layout the storage has. It changes in the block whose migrations ran, one after
the block that set the new code, and costs no request of its own."""

_MILLISECONDS = 1_000
_TIME_END_MS = 253_402_300_800_000
"""The year 10000: no calendar goes further."""


class BlockReader:
    """The asking half of an endpoint; overlapping calls take turns, request by request."""

    def __init__(
        self,
        *,
        connect: Connect,
        throttle: Throttle,
        markets: Sequence[Netuid],
        policy: SourcePolicy,
    ) -> None:
        self._connect = connect
        self._throttle = throttle
        self._markets = tuple(markets)
        self._policy = policy
        self._client: Client | None = None
        self._turn = asyncio.Lock()

    def close(self) -> None:
        """Throw the connection away; what waits on it fails. The next request opens another."""
        if self._client is not None:
            self._client.abort()
            self._client = None

    async def read(self, block: SourceHead, layouts: RuntimeLayouts) -> Reading:
        """All that is to be known of a block; raises SourceFailureError."""
        prices = await self._prices(block.hash)
        used = layouts.latest
        values = await self._storage(self._keys(used), block.hash)
        spec_version = await self._spec_version(values, block.hash)
        layout = await layouts.at(spec_version, block.hash)
        if isinstance(layout, StorageLayout) and layout != used:
            values = await self._storage(self._keys(layout), block.hash)
        return Reading(
            block=SourceBlock(
                number=block.number,
                hash=block.hash,
                time=_time(values),
                spec_version=spec_version,
            ),
            prices=prices,
            identities=self._identities(layout, values),
            depths=self._depths(layout, values),
            detail=layout.detail,
        )

    async def finalized(self) -> SourceHead:
        """The newest finalized head; raises SourceFailureError."""
        block = await self._ask("chain_getFinalizedHead", [], answers.block_hash_from)
        return await self._ask("chain_getHeader", [block], answers.head_from)

    async def best(self) -> SourceHead:
        """The newest head, final or not; raises SourceFailureError."""
        return await self._ask("chain_getHeader", [], answers.head_from)

    async def head(self, number: BlockNumber) -> SourceHead:
        """The head of a height; raises SourceFailureError."""
        block = await self._ask("chain_getBlockHash", [number], answers.block_hash_from)
        return SourceHead(number=number, hash=block)

    async def _prices(self, block: BlockHash) -> Mapping[Netuid, Rao] | None:
        try:
            return await self._ask("state_call", [PRICE_API, "0x", block], answers.prices_from)
        except RefusedError as refusal:
            if _lacks_price_api(refusal):
                return None
            raise

    async def _storage(
        self, keys: Sequence[bytes], block: BlockHash
    ) -> Mapping[bytes, bytes | None]:
        written = ["0x" + key.hex() for key in keys]
        return await self._ask(
            "state_queryStorageAt",
            [written, block],
            lambda answer: answers.storage_from(answer, keys),
        )

    async def _spec_version(self, values: Mapping[bytes, bytes | None], block: BlockHash) -> int:
        upgraded = values[_LAST_UPGRADE]
        if upgraded is not None:
            return answers.spec_version_of(upgraded)
        # A chain that was never upgraded has not stored it.
        return await self._ask("state_getRuntimeVersion", [block], answers.spec_version_from)

    def _keys(self, layout: Layout | None) -> list[bytes]:
        of_markets = layout.keys(self._markets) if isinstance(layout, StorageLayout) else []
        return [_NOW, _LAST_UPGRADE, *of_markets]

    def _identities(
        self, layout: Layout, values: Mapping[bytes, bytes | None]
    ) -> Mapping[Netuid, Identity] | None:
        if not isinstance(layout, StorageLayout) or not layout.has_identities:
            return None
        return {netuid: layout.identity(netuid, values) for netuid in self._markets}

    def _depths(
        self, layout: Layout, values: Mapping[bytes, bytes | None]
    ) -> Mapping[Netuid, Depth] | None:
        if not isinstance(layout, StorageLayout) or not layout.has_depths:
            return None
        return {netuid: layout.depth(netuid, values) for netuid in self._markets}

    async def _ask(
        self, method: str, params: Sequence[Any], read: Callable[[Any], Answer]
    ) -> Answer:
        """One request and its answer, read.

        After any failure the connection is thrown away; a refusal is an answer.
        """
        async with self._turn:
            is_answered = False
            try:
                client = await self._connected()
                async with self._throttle, asyncio.timeout(self._policy.request_s_max):
                    answer = read(await client.request(method, params))
                is_answered = True
            except RefusedError:
                is_answered = True
                raise
            except TimeoutError as error:
                raise SourceFailureError(f"no answer to {method} in time") from error
            finally:
                if not is_answered:
                    self.close()
        return answer

    async def _connected(self) -> Client:
        if self._client is None:
            self._client = await self._connect(self._policy.request_s_max)
        return self._client


def _time(values: Mapping[bytes, bytes | None]) -> Timestamp:
    milliseconds = answers.unsigned(values[_NOW], _NOW_BYTES)
    if milliseconds == 0:
        raise MalformedAnswerError("the block has no timestamp")
    if milliseconds >= _TIME_END_MS:
        raise MalformedAnswerError(f"the block's timestamp is {milliseconds} ms: no such day")
    return Timestamp(milliseconds // _MILLISECONDS)


def _lacks_price_api(refusal: RefusedError) -> bool:
    """Whether the runtime does not export the call, rather than the node not having the block.

    Substrate's executor says "Exported method … is not found" (sc-executor-common, error.rs).
    """
    said = str(refusal)
    return PRICE_API in said and "not found" in said

"""The layout of the runtime that rules now, decoded beside the prices and never in their way."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable

from oracle.sources.client import SourceFailureError
from oracle.sources.policy import SourcePolicy
from oracle.sources.runtime import Layout, NoLayout
from units import BlockHash

FetchMetadata = Callable[[BlockHash], Awaitable[str]]
"""A runtime's metadata at a block, in hex; raises SourceFailureError."""

DecodeLayout = Callable[[int, str], Awaitable[Layout]]
"""`runtime.decode_layout`; raises OSError."""


class SharedDecoding:
    """One decoding at a time for all endpoints, and one for those that give the same metadata.

    It takes seconds of a core; three at once would take the core that prices need.
    """

    def __init__(self, decode: DecodeLayout) -> None:
        self._decode = decode
        self._turn = asyncio.Lock()
        self._known: tuple[tuple[int, bytes], Layout] | None = None

    async def __call__(self, spec_version: int, metadata: str) -> Layout:
        """See `DecodeLayout`."""
        key = spec_version, hashlib.sha256(metadata.encode()).digest()
        async with self._turn:
            if self._known is None or self._known[0] != key:
                self._known = key, await self._decode(spec_version, metadata)
            return self._known[1]


class RuntimeLayouts:
    """Knows one layout, the newest; starts to decode another when the runtime has changed.

    `tasks` runs the decoding; `close` before leaving it.
    """

    def __init__(
        self,
        *,
        tasks: asyncio.TaskGroup,
        fetch: FetchMetadata,
        decode: DecodeLayout,
        policy: SourcePolicy,
    ) -> None:
        self._tasks = tasks
        self._fetch = fetch
        self._decode = decode
        self._policy = policy
        self._decoding: asyncio.Task[None] | None = None
        self._latest: Layout | None = None
        self._trouble = ""

    @property
    def latest(self) -> Layout | None:
        """The last layout decoded, None before the first."""
        return self._latest

    async def at(self, spec_version: int, block: BlockHash) -> Layout:
        """The layout of this runtime version, which rules at `block`.

        Waits for the first one ever, and after an upgrade as long as the policy says; a layout
        that is not ready then is a `NoLayout` this time.
        """
        if self._latest is not None and self._latest.spec_version == spec_version:
            return self._latest
        if self._decoding is None or self._decoding.done():
            self._decoding = self._tasks.create_task(self._learn(spec_version, block))
        policy = self._policy
        patience = policy.upgrade_wait_s_max if self._latest else policy.metadata_s_max
        if patience:
            await asyncio.wait({self._decoding}, timeout=patience)
        if self._latest is not None and self._latest.spec_version == spec_version:
            return self._latest
        detail = self._trouble or f"runtime {spec_version} is being decoded"
        return NoLayout(spec_version=spec_version, detail=f"{detail}: identities are not checked")

    def close(self) -> None:
        """Stop decoding."""
        if self._decoding is not None:
            self._decoding.cancel()

    async def _learn(self, spec_version: int, block: BlockHash) -> None:
        """Fetch and decode once; what fails here is tried again at a later block."""
        try:
            async with asyncio.timeout(self._policy.metadata_s_max):
                metadata = await self._fetch(block)
                self._latest = await self._decode(spec_version, metadata)
            self._trouble = ""
        except (SourceFailureError, OSError, TimeoutError) as error:
            self._trouble = f"the metadata of runtime {spec_version} was not decoded: {error!r}"

"""A Subtensor endpoint: finalized heads, prices and identities, over connections of its own."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, nullcontext
from typing import Self
from weakref import WeakSet

from oracle.quotes import Reading, SourceHead, Unavailable
from oracle.sources.answers import MalformedAnswerError
from oracle.sources.client import Client, SourceFailureError
from oracle.sources.heads import FinalizedHeads
from oracle.sources.layouts import DecodeLayout, RuntimeLayouts
from oracle.sources.light import LightNode
from oracle.sources.lone_client import LoneClient
from oracle.sources.policy import SourcePolicy
from oracle.sources.reader import BlockReader
from oracle.sources.restraint import Restraint, Throttle
from oracle.sources.runtime import decode_layout
from units import BlockHash, BlockNumber, Netuid


class SubtensorEndpoint:
    """One node: a connection that only subscribes, and one that only asks. A `Source`.

    Use as an async context manager; it opens connections when they are first needed.
    """

    def __init__(
        self,
        *,
        url: str = "",
        light: LightNode | None = None,
        name: str = "the node",
        markets: Sequence[Netuid],
        policy: SourcePolicy,
        genesis: BlockHash | None = None,
        throttle: Throttle | None = None,
        decode: DecodeLayout = decode_layout,
        chance: Callable[[], float] = random.random,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Wire one endpoint.

        Args:
            url: ws:// or wss://; not looked at where there is a light client.
            light: the light client to ask instead of a node; checks its genesis itself.
            name: who runs it, for errors and logs.
            markets: the subnets whose identity is read.
            policy: limits.
            genesis: the hash of block 0, checked whenever a connection is opened.
            throttle: entered before every request and every connection; None does not limit.
            decode: makes a layout of metadata; shared, endpoints do it one after the other.
            chance: jitter, from 0 to 1.
            report: takes one line for operators when the subscription breaks.
        """
        self._url = url
        self._light = light
        self._name = name
        self._genesis = genesis
        self._policy = policy
        self._throttle = Restraint(nullcontext() if throttle is None else throttle)
        self._reader = BlockReader(
            connect=self._connect,
            throttle=self._throttle,
            markets=markets,
            policy=policy,
        )
        self._chance = chance
        self._report = report
        self._tasks = asyncio.TaskGroup()
        self._layouts = RuntimeLayouts(
            tasks=self._tasks, fetch=self._metadata, decode=decode, policy=policy
        )
        self._followers: WeakSet[FinalizedHeads] = WeakSet()
        self._clients: WeakSet[LoneClient] = WeakSet()
        self._is_closed = False

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
        if self._light is not None:
            await self._light.kill()
        await self._tasks.__aexit__(None, None, None)

    async def heads(self) -> AsyncGenerator[SourceHead, None]:
        """Newer and newer finalized heads until `close`; skips what a slow reader has missed."""
        follower = FinalizedHeads(
            connect=self._connect,
            policy=self._policy,
            chance=self._chance,
            report=self._report,
            failed=self._throttle.heard,
        )
        self._followers.add(follower)
        async with aclosing(follower.follow()) as heads:
            async for head in heads:
                yield head

    async def read(self, block: SourceHead) -> Reading | Unavailable:
        """See `Source`."""
        try:
            return await self._reader.read(block, self._layouts)
        except SourceFailureError as failure:
            return failure.unavailable()

    async def finalized(self) -> SourceHead | Unavailable:
        """See `Source`."""
        try:
            return await self._reader.finalized()
        except SourceFailureError as failure:
            return failure.unavailable()

    async def best(self) -> SourceHead | Unavailable:
        """See `Source`."""
        try:
            return await self._reader.best()
        except SourceFailureError as failure:
            return failure.unavailable()

    async def block(self, number: BlockNumber) -> SourceHead | Unavailable:
        """See `Source`."""
        try:
            return await self._reader.head(number)
        except SourceFailureError as failure:
            return failure.unavailable()

    def close(self) -> None:
        """End `heads`, fail what is being read, stop decoding; within a second of wall time."""
        self._is_closed = True
        for follower in tuple(self._followers):
            follower.close()
        self._layouts.close()
        self._reader.close()
        for client in tuple(self._clients):
            client.abort()

    async def _connect(self, socket_s_max: float) -> Client:
        async with self._throttle:
            if self._is_closed:
                raise SourceFailureError("the endpoint is closed")
            if self._light is not None:
                return await self._light.connect(socket_s_max)
            client = LoneClient(
                name=self._name, url=self._url, socket_s_max=socket_s_max, genesis=self._genesis
            )
            self._clients.add(client)
            await self._opened(client.connect, client)
        if self._genesis is not None:
            async with self._throttle:
                await self._opened(client.check_genesis, client)
        return client

    async def _opened(self, step: Callable[[], Awaitable[None]], client: LoneClient) -> None:
        try:
            await step()
        except BaseException:
            client.abort()
            raise

    async def _metadata(self, block: BlockHash) -> str:
        """Over a connection of its own, so that half a megabyte delays no price."""
        client = await self._connect(self._policy.metadata_s_max)
        try:
            async with self._throttle:
                answer = await client.request("state_getMetadata", [block])
        finally:
            client.abort()
        if not isinstance(answer, str):
            raise MalformedAnswerError("metadata is not text")
        return answer

"""Finalized heads as they come: one subscription, set up again whenever it breaks."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from oracle.quotes import SourceHead
from oracle.sources.answers import head_from
from oracle.sources.backoff import Backoff
from oracle.sources.client import AskedToWaitError, Client, Connect, SourceFailureError
from oracle.sources.handover import LatestWins
from oracle.sources.policy import SourcePolicy
from oracle.sources.rising import replaces

_SUBSCRIBE = "chain_subscribeFinalizedHeads"


class FinalizedHeads:
    """Follows the finalized heads of one endpoint over a connection of their own."""

    def __init__(
        self,
        *,
        connect: Connect,
        policy: SourcePolicy,
        chance: Callable[[], float],
        report: Callable[[str], None],
        failed: Callable[[SourceFailureError], None],
    ) -> None:
        """`report` takes a line for operators whenever the subscription breaks, `failed` why."""
        self._connect = connect
        self._policy = policy
        self._backoff = Backoff(
            first_s=policy.backoff_s_first, max_s=policy.backoff_s_max, chance=chance
        )
        self._report = report
        self._failed = failed
        self._closed = asyncio.Event()
        self._client: Client | None = None

    def close(self) -> None:
        """End `follow`; cuts the connection."""
        self._closed.set()
        if self._client is not None:
            self._client.abort()

    async def follow(self) -> AsyncGenerator[SourceHead, None]:
        """Every newer finalized head until `close`; a slow reader gets only the newest.

        Heads that were final together, or came while the connection was down, are skipped. One far
        below the one before takes that back.
        """
        newest = -1
        while not self._closed.is_set():
            try:
                async with aclosing(self._subscription()) as heads:
                    async for head in heads:
                        self._backoff.succeeded()
                        if replaces(head.number, newest):
                            newest = head.number
                            yield head
            except SourceFailureError as failure:
                self._failed(failure)
                if not self._closed.is_set():
                    self._report(f"finalized heads: {failure}")
                    asked_s = failure.retry_after_s if isinstance(failure, AskedToWaitError) else 0
                    await self._pause(asked_s)

    async def _subscription(self) -> AsyncGenerator[SourceHead, None]:
        """The heads of one connection; ends only by SourceFailureError."""
        self._client = client = await self._connect(self._policy.heads_gap_s_max)
        arrivals = LatestWins[Any]()
        try:
            client.follow(_SUBSCRIBE, arrivals.put)
            while True:
                yield head_from(await self._next(arrivals))
        finally:
            client.abort()

    async def _next(self, arrivals: LatestWins[Any]) -> Any:
        """What comes next; a connection that is alive and brings no head is dead all the same.

        The socket's own limit does not see that: nodes and proxies go on sending pings.
        """
        limit_s = self._policy.heads_gap_s_max
        try:
            async with asyncio.timeout(limit_s):
                arrived = await arrivals.take()
        except TimeoutError as silence:
            raise SourceFailureError(f"none came for {limit_s} s") from silence
        if isinstance(arrived, SourceFailureError):
            raise arrived
        return arrived

    async def _pause(self, asked_s: float) -> None:
        """Before it is set up again; as long as the node asks for, if that is longer."""
        try:
            async with asyncio.timeout(max(asked_s, self._backoff.pause_s())):
                await self._closed.wait()
        except TimeoutError:
            return

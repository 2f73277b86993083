"""New heads of chain 964: pushed over sockets of their own, polled while those are silent.

Consumers get the newest head only: in order, none twice, another block of the same height (a
reorganisation) as well. What happened to the chain in between is traced behind it and told to a
listener. Knows nothing of what is done at a head.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from fleet.chain.failures import ChainError
from fleet.chain.subscription import Socket, SocketPolicy, Subscription
from fleet.chain.tracing import Tracer
from units import BlockHash, BlockNumber, Head

_SEEN_MAX = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadPolicy:
    """How heads are waited for, in wall-clock seconds.

    `poll_s`: between polls while the subscription is silent or there is none.
    `silence_s_max`: without a pushed head, polling begins. 18: a block and a half.
    `trusts_pushes`: False: a pushed head only wakes the poll, which asks as many operators as
    must agree.
    """

    poll_s: float = 2.0
    silence_s_max: float = 18.0
    trusts_pushes: bool = True
    sockets: SocketPolicy = field(default_factory=SocketPolicy)


class HeadOrder:
    """Tells a head that is news from one that is not; remembers the last few hundred.

    A lower head is news only as a reorganisation: another block at a height seen before. A lower
    head of unknown height is taken for a node that lags behind.
    """

    def __init__(self) -> None:
        self._seen: dict[BlockNumber, BlockHash] = {}
        self.newest: Head | None = None

    def admit(self, head: Head) -> bool:
        """Is it news? Then it is the newest from now on."""
        is_below = self.newest is not None and head.number <= self.newest.number
        if is_below and not self.replaces(head):
            return False
        self._forget(head.number)
        self._seen[head.number] = head.hash
        self.newest = head
        return True

    def replaces(self, head: Head) -> bool:
        """Is it another block than the one seen at its height?"""
        known = self._seen.get(head.number)
        return known is not None and known != head.hash

    def _forget(self, number: BlockNumber) -> None:
        """Blocks from `number` on are no longer on the chain; very old ones need no memory."""
        kept = {each: name for each, name in self._seen.items() if each < number}
        self._seen = dict(itertools.islice(kept.items(), max(0, len(kept) - _SEEN_MAX), None))


class EthHeads:
    """`run` keeps it going; any number of consumers iterate over `heads()`.

    Args:
        latest: asks for the latest block.
        sockets: where heads are pushed from, in the order in which they are tried.
        chain_id: which chain those must serve; None: not asked.
        policy: how patient it is.
        tracer: follows each head back to what is known; None: nobody wants to know.
    """

    def __init__(
        self,
        *,
        latest: Callable[[], Awaitable[Head]],
        sockets: Sequence[Socket] = (),
        chain_id: int | None = None,
        policy: HeadPolicy | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self._latest = latest
        self._policy = policy or HeadPolicy()
        self._order = HeadOrder()
        self._arrived = asyncio.Event()
        self._rung = asyncio.Event()
        self._promised: BlockNumber | None = None
        self._pushed_at: float | None = None
        self._arrived_at: float | None = None
        self._poll_problem: str | None = None
        self._trace_problem: str | None = None
        self._tracer = tracer
        self._subscription = (
            Subscription(sockets, chain_id=chain_id, policy=self._policy.sockets, hear=self._pushed)
            if sockets
            else None
        )

    @property
    def newest(self) -> Head | None:
        """The newest head so far."""
        return self._order.newest

    def age_s(self) -> float | None:
        """Wall-clock seconds since the newest head came; None before the first.

        A chain or a node that stands still shows here and nowhere else.
        """
        return None if self._arrived_at is None else _now() - self._arrived_at

    @property
    def problem(self) -> str | None:
        """What fails now, in one line; the other way may still deliver."""
        pushing = None if self._subscription is None else self._subscription.problem
        return pushing or self._poll_problem or self._trace_problem

    async def heads(self) -> AsyncIterator[Head]:
        """The newest head now if there is one, then every newer one that is not overtaken."""
        seen: Head | None = None
        while True:
            seen = await self._after(seen)
            yield seen

    async def run(self) -> None:
        """Subscribes and polls until cancelled; failures are waited out and told by `problem`."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._poll(), name="heads: poll")
            if self._subscription is not None:
                tasks.create_task(self._subscription.run(), name="heads: subscription")
            if self._tracer is not None:
                tasks.create_task(self._trace(self._tracer), name="heads: trace")

    async def _after(self, seen: Head | None) -> Head:
        while (head := self._order.newest) is None or head == seen:
            await self._arrived.wait()
        return head

    async def _poll(self) -> None:
        while True:
            if self._is_silent() or self._is_promised():
                try:
                    self._arrive(await self._latest())
                    self._poll_problem = None
                except ChainError as failure:
                    self._poll_problem = f"polling for heads: {failure}"
            await self._pause()

    async def _pause(self) -> None:
        """Until the next poll, or a head that is known of and not had yet."""
        try:
            async with asyncio.timeout(self._policy.poll_s):
                await self._rung.wait()
        except TimeoutError:
            return
        self._rung.clear()

    def _is_silent(self) -> bool:
        pushed_at = self._pushed_at
        return pushed_at is None or _now() - pushed_at > self._policy.silence_s_max

    def _is_promised(self) -> bool:
        newest = self._order.newest
        return self._promised is not None and (newest is None or newest.number < self._promised)

    def _pushed(self, head: Head) -> bool:
        """Takes a pushed head; one that is behind what is known is no news."""
        newest = self._order.newest
        if newest is not None and head.number < newest.number and not self._order.replaces(head):
            return False
        self._pushed_at, self._poll_problem = _now(), None
        if self._policy.trusts_pushes:
            self._arrive(head)
        else:
            self._promised = head.number
            self._rung.set()
        return True

    def _arrive(self, head: Head) -> None:
        if self._order.admit(head):
            self._arrived_at = _now()
            self._arrived.set()  # whoever waits now; later ones wait for the next
            self._arrived = asyncio.Event()

    async def _trace(self, tracer: Tracer) -> None:
        async for head in self.heads():
            try:
                await tracer.follow(head)
                self._trace_problem = None
            except ChainError as failure:
                self._trace_problem = f"following the chain back: {failure}"


def _now() -> float:
    return asyncio.get_running_loop().time()

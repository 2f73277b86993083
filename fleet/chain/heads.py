"""New heads of chain 964: pushed over sockets of their own, polled while those are silent.

Consumers get the newest head only: in order, none twice, another block of the same height (a
reorganisation) as well. A pushed head is believed where it stands on a known block; any other, and
every minute the newest of them, is compared with what the nodes say that are read from. What
happened to the chain in between is traced behind it and told to a listener. Knows nothing of what
is done at a head.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from fleet.chain.failures import ChainError
from fleet.chain.head_order import HeadOrder
from fleet.chain.lineage import Withdrawal
from fleet.chain.subscription import Socket, SocketPolicy, Subscription
from fleet.chain.tracing import ChainListener, Tracer
from units import Head

_LEAP_MAX = 64
"""A pushed head so far above the newest is no sign that its socket works."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadPolicy:
    """How heads are waited for, in wall-clock seconds.

    `poll_s`: between polls while the subscription is silent or there is none.
    `silence_s_max`: without a pushed head, polling begins. 18: a block and a half.
    `audit_s`: without a poll, there is one however lively the subscription is. 60: five blocks.
    `trusts_pushes`: False: a pushed head only wakes the poll, which asks as many operators as
    must agree.
    """

    poll_s: float = 2.0
    silence_s_max: float = 18.0
    audit_s: float = 60.0
    trusts_pushes: bool = True
    sockets: SocketPolicy = field(default_factory=SocketPolicy)


class EthHeads:
    """`run` keeps it going; any number of consumers iterate over `heads()`.

    Args:
        latest: asks for the latest block.
        sockets: where heads are pushed from, in the order in which they are tried.
        chain_id: which chain those must serve; None: not asked.
        policy: how patient it is.
        tracer: follows each head back to what is known; None: nobody wants to know.
        listener: hears of heads that are taken back; None: nobody does.
    """

    def __init__(
        self,
        *,
        latest: Callable[[], Awaitable[Head]],
        sockets: Sequence[Socket] = (),
        chain_id: int | None = None,
        policy: HeadPolicy | None = None,
        tracer: Tracer | None = None,
        listener: ChainListener | None = None,
    ) -> None:
        self._latest = latest
        self._policy = policy or HeadPolicy()
        self._order = HeadOrder()
        self._arrived = asyncio.Event()
        self._rung = asyncio.Event()
        self._promised: Head | None = None
        self._pushed_at: float | None = None
        self._polled_at: float | None = None
        self._arrived_at: float | None = None
        self._poll_problem: str | None = None
        self._trace_problem: str | None = None
        self._tracer = tracer
        self._listener = listener
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
            if self._is_due():
                await self._look()
            await self._pause()

    async def _look(self) -> None:
        """Asks for the latest block; where nobody answers, a trusted push has to do."""
        self._rung.clear()
        self._polled_at = _now()
        try:
            latest = await self._latest()
            self._arrive(latest)
            self._forget_boast(latest)
            self._poll_problem = None
        except ChainError as failure:
            self._poll_problem = f"polling for heads: {failure}"
        promised = self._promised if self._policy.trusts_pushes else None
        if promised is not None and (self._poll_problem or self._order.continues(promised)):
            self._arrive(promised)

    def _forget_boast(self, latest: Head) -> None:
        """Nobody waits for the chain to get where no node that answers has been."""
        if self._promised is not None and self._promised.number - latest.number > _LEAP_MAX:
            self._promised = None

    async def _pause(self) -> None:
        """Until the next poll, or a head that is known of and not had yet.

        However fast a socket pushes, the nodes are asked no more often than without one.
        """
        try:
            async with asyncio.timeout(self._policy.poll_s):
                await self._rung.wait()
        except TimeoutError:
            return
        if self._polled_at is not None:
            await asyncio.sleep(self._polled_at + self._policy.poll_s - _now())

    def _is_due(self) -> bool:
        is_unsure = self._rung.is_set() or self._order.is_doubted or self._is_promised()
        return is_unsure or self._is_silent() or _is_past(self._polled_at, self._policy.audit_s)

    def _is_silent(self) -> bool:
        return _is_past(self._pushed_at, self._policy.silence_s_max)

    def _is_promised(self) -> bool:
        newest = self._order.newest
        promised = self._promised
        return promised is not None and (newest is None or newest.number < promised.number)

    def _pushed(self, head: Head) -> bool:
        """Takes a pushed head; one behind what is known, or far ahead of it, is no news."""
        newest = self._order.newest
        above = 0 if newest is None else head.number - newest.number
        if above < 0 and not self._order.replaces(head):
            if not self._order.continues(head):
                self._rung.set()  # who lags: this socket, or did somebody make the newest up?
            return False
        if self._policy.trusts_pushes and self._order.continues(head):
            self._poll_problem = None
            self._arrive(head)
        elif head != newest:
            self._promised = head
            self._rung.set()
        if above <= _LEAP_MAX:
            self._pushed_at = _now()
        return above <= _LEAP_MAX

    def _arrive(self, head: Head) -> None:
        before, refuted = self._order.newest, self._order.refuted
        if not self._order.admit(head):
            return
        self._arrived_at = _now()
        self._arrived.set()  # whoever waits now; later ones wait for the next
        self._arrived = asyncio.Event()
        if self._promised is not None and head.number >= self._promised.number:
            self._promised = None
        if self._order.refuted is not refuted and before is not None and self._listener is not None:
            self._listener.changed(Withdrawal(before, head))

    async def _trace(self, tracer: Tracer) -> None:
        async for head in self.heads():
            try:
                await tracer.follow(head)
                self._trace_problem = None
            except ChainError as failure:
                self._trace_problem = f"following the chain back: {failure}"


def _is_past(at: float | None, limit_s: float) -> bool:
    return at is None or _now() - at > limit_s


def _now() -> float:
    return asyncio.get_running_loop().time()

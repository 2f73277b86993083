"""One node of the pool with what is known of it: every answer and every failure is a sample.

Knows how a node says which chain it serves and where it stands; not what else is asked of it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from fleet.chain import answers, states
from fleet.chain.endpoint import Endpoint
from fleet.chain.failures import (
    AskedToWait,
    CallReverted,
    CannotAnswer,
    NodeUnavailable,
    RateUsedUp,
    RequestRejected,
    WrongChain,
)
from fleet.chain.rejections import ACCEPTED, Broadcast, broadcast_refused
from fleet.chain.states import NodeState, Sample, Standing, StatePolicy
from fleet.chain.throttle import Urgency
from units import BlockHash, BlockNumber, Head

Answer = TypeVar("Answer")
Inquiry = Callable[[Endpoint], Awaitable[Answer]]
"""Asks one endpoint a question and reads the answer; raises NodeUnavailable for nonsense."""

_LEAP_BLOCKS_MAX = 64
"""Further above what it said before, a node's word for its latest block is not enough."""

Now = Callable[[], float]
"""Monotonic seconds."""


class Listener(Protocol):
    """Hears what becomes of nodes; must not fail and not wait."""

    def state_changed(
        self, endpoint: str, before: NodeState | None, state: NodeState, why: str
    ) -> None:
        """A node changed its state; once for each change."""
        ...

    def requested(self, endpoint: str, result: str) -> None:
        """A node was asked something; `result` is a kind, not its words."""
        ...

    def outvoted(self, endpoint: str) -> None:
        """A node said something else than the others, or none agreed with another."""
        ...

    def waited(self, endpoint: str, seconds: float) -> None:
        """A request waited so long until the configured rate let it go, or gave up."""
        ...


async def genesis_of(endpoint: Endpoint) -> BlockHash | None:
    """The hash of the first block that an endpoint knows; None where it has forgotten it."""
    asked = ["earliest", False]
    found = await endpoint.request("eth_getBlockByNumber", asked, Urgency.DECIDING)
    return None if found is None else answers.head(found).hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which chain a node must serve; `genesis` is compared where both sides have it."""

    chain_id: int
    genesis: BlockHash | None = None

    async def of(self, endpoint: Endpoint, urgency: Urgency) -> str:
        """What is wrong with the chain of an endpoint; empty when nothing is."""
        if self.genesis is None:
            return self._wrong(await endpoint.request("eth_chainId", [], urgency), None)
        asked: list[tuple[str, list[Any]]] = [
            ("eth_chainId", []),
            ("eth_getBlockByNumber", ["earliest", False]),
        ]
        return self._wrong(*await endpoint.batch(asked, urgency))

    def _wrong(self, chain_id: Any, first_block: Any) -> str:
        found = answers.quantity(chain_id)
        if found != self.chain_id:
            return f"serves chain {found}, not {self.chain_id}"
        if first_block is not None and (genesis := answers.head(first_block).hash) != self.genesis:
            return f"serves another chain of id {found}: its genesis is {genesis}"
        return ""


class Member:
    """One node: asked through `ask`, after it has said which chain it serves."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        identity: Identity,
        policy: StatePolicy,
        now: Now,
        newest: Callable[["Member", BlockNumber], BlockNumber | None],
        listener: Listener,
    ) -> None:
        self.endpoint = endpoint
        self.standing = Standing()
        self.rests_until = 0.0
        self.is_prompt = True
        self._identity = identity
        self._policy = policy
        self._now = now
        self._newest = newest
        self._listener = listener
        endpoint.tell_waits(partial(listener.waited, endpoint.name))
        self._identifying = asyncio.Lock()
        self._silence: NodeUnavailable | None = None

    @property
    def name(self) -> str:
        """What logs and metrics call it."""
        return self.endpoint.name

    @property
    def state(self) -> NodeState | None:
        """Its state; None before the first sample."""
        return states.state_of(self.standing, self._policy)

    @property
    def is_wrong(self) -> bool:
        """Did it say, not long ago, that it serves another chain?"""
        is_recent = states.is_identified(self.standing, self._now(), self._policy)
        return bool(self.standing.wrong) and is_recent

    @property
    def is_still(self) -> bool:
        """Has its head stood still for too long?"""
        return states.is_still(self.standing, self._policy)

    @property
    def is_resting(self) -> bool:
        """Has it asked us to stay away?"""
        return self._now() < self.rests_until

    def preference(self) -> tuple[int, bool]:
        """Sorts the members: whom to ask first."""
        return states.preference(self.standing, self._now(), self._policy)

    async def ask(self, inquiry: Inquiry[Answer], urgency: Urgency) -> Answer:
        """Its answer. Raises as `Endpoint.request`, and WrongChain."""
        await self.identify(urgency)
        return await self._sampled(inquiry)

    async def identify(self, urgency: Urgency) -> None:
        """Asks for its chain when that is not known.

        Raises:
            WrongChain: it serves another one.
            NodeUnavailable: it did not say.
        """
        heard = self._silence
        async with self._identifying:
            if not states.is_identified(self.standing, self._now(), self._policy):
                if self._silence is not None and self._silence is not heard:
                    raise self._silence  # whoever waited has waited long enough
                await self._ask_identity(urgency)
        if self.standing.wrong:
            raise WrongChain(f"{self.name} {self.standing.wrong}")

    async def _ask_identity(self, urgency: Urgency) -> None:
        try:
            wrong = await self._sampled(lambda endpoint: self._identity.of(endpoint, urgency))
        except NodeUnavailable as failure:
            self._silence = failure
            raise
        self.note(states.Identified(wrong))

    async def head(self, urgency: Urgency) -> Head:
        """Its latest block, which is a sample of where it stands.

        One far above what it said before it must have by its number as well.
        """

        async def inquiry(endpoint: Endpoint) -> Head:
            asked = ["latest", False]
            latest = answers.head(await endpoint.request("eth_getBlockByNumber", asked, urgency))
            return await self._looked_up(latest, urgency) if self._is_leap(latest) else latest

        found = await self.ask(inquiry, urgency)
        self.note_head(found.number)
        return found

    def _is_leap(self, latest: Head) -> bool:
        before = self.standing.head
        return before is None or latest.number - before > _LEAP_BLOCKS_MAX

    async def _looked_up(self, latest: Head, urgency: Urgency) -> Head:
        asked = [hex(latest.number), False]
        found = await self.endpoint.request("eth_getBlockByNumber", asked, urgency)
        if found is None:
            text = f"{self.name} calls block {latest.number} its latest and does not have it"
            raise NodeUnavailable(text)
        return answers.head(found)

    def note_head(self, number: BlockNumber) -> None:
        """It said that this is its latest block."""
        newest = self._newest(self, number)
        behind = 0 if newest is None else max(0, newest - number)
        self.note(states.HeadAt(number, behind))

    async def deliver(self, raw: str) -> Broadcast | NodeUnavailable | WrongChain:
        """Hands over a raw transaction; what it says, or why it says nothing, is a value."""

        async def inquiry(endpoint: Endpoint) -> Broadcast:
            await endpoint.request("eth_sendRawTransaction", [raw], Urgency.SENDING)
            return ACCEPTED

        try:
            return await self.ask(inquiry, Urgency.SENDING)
        except RequestRejected as rejection:
            return broadcast_refused(rejection.message)
        except (NodeUnavailable, WrongChain) as failure:
            return failure

    async def probe(self) -> None:
        """Samples it for its own sake, behind everything that is urgent.

        Raises:
            ChainError: as `ask`; the failure is a sample itself.
        """
        identified_at = self.standing.identified_at
        if identified_at is not None and self._now() - identified_at >= self._policy.identity_s:
            self.standing = states.forgotten(self.standing)
        is_new = self.standing.identified_at is None
        await self.head(Urgency.BACKFILL)
        self.is_prompt = True
        if is_new or states.is_out_of_sync(self.standing, self._policy):
            await self._look_at_sync()

    async def _look_at_sync(self) -> None:
        async def inquiry(endpoint: Endpoint) -> bool:
            return bool(await endpoint.request("eth_syncing", [], Urgency.BACKFILL))

        try:
            self.note(states.Syncing(await self.ask(inquiry, Urgency.BACKFILL)))
        except RequestRejected:
            self.note(states.Syncing(is_syncing=False))  # some proxies do not serve it

    async def _sampled(self, inquiry: Inquiry[Answer]) -> Answer:
        try:
            found = await inquiry(self.endpoint)
        except RateUsedUp:
            self._listener.requested(self.name, "held back")
            raise
        except AskedToWait as failure:
            self._rest(failure, "asked to wait")
            raise
        except CannotAnswer:
            self._heard("cannot answer")
            raise
        except NodeUnavailable as failure:
            self._rest(failure, "failed")
            self.note(states.Failed(str(failure)))
            raise
        except (CallReverted, RequestRejected):
            self._heard("refused")
            raise
        self._heard("ok")
        return found

    def _rest(self, failure: NodeUnavailable, result: str) -> None:
        self.rests_until = max(self.rests_until, self._now() + failure.retry_after_s)
        self._listener.requested(self.name, result)

    def _heard(self, result: str) -> None:
        self._listener.requested(self.name, result)
        self.note(states.Answered())

    def note(self, sample: Sample) -> None:
        """Takes a sample, and tells when it changes the state."""
        standing = states.after(self.standing, sample, self._now(), self._policy)
        if standing is self.standing:  # as after nearly every answer
            return
        before, self.standing = self.state, standing
        state = self.state
        if state is not None and state is not before:
            why = states.reason_of(self.standing, state)
            self._listener.state_changed(self.name, before, state, why)

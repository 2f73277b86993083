"""The nodes of one chain as one: whom to ask, how many, and what their answers come to together.

Three ways of asking: `first` takes the word of the best node, `agreed` that of as many operators
as must agree, `broadcast` tells every node. Knows no contract and no method but those that tell
where a node stands.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fleet.chain import answers, states
from fleet.chain.broadcasts import combined
from fleet.chain.deliveries import Deliveries
from fleet.chain.endpoint import Endpoint
from fleet.chain.failures import (
    ChainError,
    NodeUnavailable,
    StateUnavailable,
    WrongChain,
    gathered,
)
from fleet.chain.listeners import Listeners
from fleet.chain.member import Identity, Inquiry, Listener, Member, Now
from fleet.chain.members import Members, by_operator
from fleet.chain.poll import Poll
from fleet.chain.rejections import Broadcast
from fleet.chain.states import NodeState, StatePolicy
from fleet.chain.throttle import Urgency
from units import BlockHash, BlockNumber, Head

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolPolicy:
    """How many operators must say the same, and how patient the pool is with each.

    `agreement`: operators that must agree on what is decided by.
    `hedge_s`: seconds after which one more operator is asked in place of one that is silent.
    """

    agreement: int = 1
    hedge_s: float = 1.0
    states: StatePolicy = field(default_factory=StatePolicy)


class Pool:
    """Every endpoint of one chain. Each says which chain it serves before it is believed."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        *,
        chain_id: int,
        genesis: BlockHash | None = None,
        policy: PoolPolicy | None = None,
        now: Now | None = None,
    ) -> None:
        self._policy = policy or PoolPolicy()
        self.now = now or _loop_time
        self._listeners = Listeners()
        self._members = Members(
            endpoints,
            identity=Identity(chain_id=chain_id, genesis=genesis),
            agreement=self._policy.agreement,
            policy=self._policy.states,
            now=self.now,
            listener=self._listeners,
        )
        self._deliveries = Deliveries()

    @property
    def agreement(self) -> int:
        """How many operators must say the same."""
        return self._policy.agreement

    def states(self) -> dict[str, NodeState | None]:
        """The state of each endpoint; None of one that nothing is known of."""
        return {member.name: member.state for member in self._members.all}

    def remembered(self, name: str, reaches: bool) -> None:
        """An endpoint was seen to remember what the configuration says, or not to."""
        for member in self._members.all:
            if member.name == name:
                member.note(states.Remembered(is_pruned=not reaches))

    def listen(self, listener: Listener) -> None:
        """Tells `listener` every state there is now, and each change from now on."""
        self._listeners.add(listener)
        for member in self._members.all:
            if member.state is not None:
                why = states.reason_of(member.standing, member.state)
                listener.state_changed(member.name, None, member.state, why)

    async def close(self) -> None:
        """Closes every connection."""
        await self._deliveries.close()
        for member in self._members.all:
            await member.endpoint.close()

    async def check(self) -> None:
        """Asks every node for its chain; one that serves another is told and never believed.

        Raises:
            WrongChain: all of them serve another one.
            NodeUnavailable: not one serves it; nodes that are down are checked when first used.
        """
        failures: list[NodeUnavailable | WrongChain] = []
        for member in self._members.all:
            try:
                await member.identify(Urgency.DECIDING)
            except (NodeUnavailable, WrongChain) as failure:
                failures.append(failure)
        if len(failures) == len(self._members.all):
            raise gathered(failures)

    async def watch(self) -> None:
        """Keeps every node's state current until cancelled, a request or two a node and block."""
        while True:
            async with asyncio.TaskGroup() as probes:
                for member in self._members.all:
                    probes.create_task(self._probe(member), name=f"probe: {member.name}")
            await asyncio.sleep(self._policy.states.recheck_s / 4)

    async def first(self, inquiry: Inquiry[Answer], urgency: Urgency) -> Answer:
        """The answer of the best node that gives one; see `Endpoint.request` for failures."""
        return await self._first(lambda member: member.ask(inquiry, urgency))

    async def request(self, method: str, params: list[Any], urgency: Urgency) -> Any:
        """The first answer to one request, as the node gave it."""
        return await self.first(lambda node: node.request(method, params, urgency), urgency)

    async def agreed(
        self,
        inquiry: Inquiry[Answer],
        urgency: Urgency,
        *,
        key: Callable[[Answer], Any] = lambda answer: answer,
    ) -> Answer:
        """What enough operators say; a no counts as an answer, a node that lags has no say.

        Args:
            inquiry: about one block, so that nodes can agree.
            urgency: what it is for.
            key: what of an answer has to be the same.

        Raises:
            NodesDisagree: they say different things.
            StateUnavailable: too few have the state of that block.
            NodeUnavailable: too few answered.
            CallReverted, RequestRejected: so many said no.
        """
        members = self._members.preferred()
        if self.agreement == 1:
            return await self._first(lambda member: member.ask(inquiry, urgency), members)
        return await self._result(self._poll(members, lambda each: each.ask(inquiry, urgency), key))

    async def everything(self, inquiry: Inquiry[Answer], urgency: Urgency) -> list[Answer]:
        """What each operator says who says anything, one answer each.

        Raises:
            NodeUnavailable: fewer answered than must agree.
        """
        members = self._members.preferred()
        return await self._poll(members, lambda each: each.ask(inquiry, urgency)).everything()

    async def anyone(self, inquiry: Inquiry[bool], urgency: Urgency) -> bool:
        """Does any node say yes? False is the word of every node that can be reached.

        Raises:
            NodeUnavailable: none says yes, and one of those said nothing, or there are none.
        """
        reachable = self._members.reachable()
        failures: list[NodeUnavailable | WrongChain] = [
            self._members.absence([each]) for each in reachable if each.is_resting
        ]
        said_no = False
        for member in (each for each in reachable if not each.is_resting):
            try:
                if await member.ask(inquiry, urgency):
                    return True
                said_no = True
            except NodeUnavailable as failure:
                failures.append(failure)
            except WrongChain:
                continue
        if failures or not said_no:
            raise gathered(failures) if failures else self._members.absence()
        return False

    async def head(self, urgency: Urgency) -> Head:
        """The latest block; with agreement, the latest that so many operators have reached."""
        if self.agreement == 1:
            return await self._first(lambda member: member.head(urgency))
        poll = self._poll(self._members.preferred(), lambda member: member.head(urgency))
        return await self._reached(await poll.everything(), urgency)

    async def finalized(self, urgency: Urgency) -> Head | None:
        """The latest block that so many operators hold for final; None while none is named."""

        async def inquiry(node: Endpoint) -> Head | None:
            asked = ["finalized", False]
            found = await node.request("eth_getBlockByNumber", asked, urgency)
            return None if found is None else answers.head(found)

        if self.agreement == 1:
            return await self.first(inquiry, urgency)
        heads = [each for each in await self.everything(inquiry, urgency) if each is not None]
        if len(heads) < self.agreement:
            return None
        return await self.block(_kth_highest(heads, self.agreement), urgency, answers.head)

    async def block(
        self, number: BlockNumber, urgency: Urgency, read: Callable[[Any], Answer]
    ) -> Answer | None:
        """What `read` finds in the block of that height on the best chain; None beyond its end."""

        async def inquiry(node: Endpoint) -> Answer | None:
            found = await node.request("eth_getBlockByNumber", [hex(number), False], urgency)
            if found is None and self.agreement > 1:
                raise StateUnavailable(f"{node.name} has no block {number}")
            return None if found is None else read(found)

        return await self.agreed(inquiry, urgency)

    async def broadcast(self, raw: bytes) -> Broadcast:
        """Hands a raw transaction to every node at once; never raises for a node's no.

        Returns as soon as one has it: the others get it all the same. See `combined` for what
        several answers come to.
        """
        members = [member for member in self._members.all if not member.is_wrong]
        asked = [member for member in members if not member.is_resting]
        silent = [f"{member.name} asked us to wait" for member in members if member.is_resting]
        if not asked:
            return combined([], silent)
        return await self._deliveries.verdict(asked, "0x" + raw.hex(), silent)

    async def _probe(self, member: Member) -> None:
        if member.is_resting or not states.is_due(member.standing, self.now(), self._policy.states):
            return
        with suppress(ChainError):  # it is in the member's standing, and told from there
            await member.probe()

    async def _first(
        self,
        ask: Callable[[Member], Awaitable[Answer]],
        members: Sequence[Member] | None = None,
    ) -> Answer:
        failures: list[NodeUnavailable | WrongChain] = []
        for member in self._members.preferred() if members is None else members:
            try:
                return await ask(member)
            except (NodeUnavailable, WrongChain) as failure:
                failures.append(failure)
        if any(isinstance(each, NodeUnavailable) for each in failures):
            raise gathered(failures)
        raise self._members.absence()  # who was asked serves another chain, who rests perhaps not

    async def _result(self, poll: Poll[Answer]) -> Answer:
        try:
            return await poll.result()
        finally:
            for name in poll.outvoted:
                self._listeners.outvoted(name)

    def _poll(
        self,
        members: Sequence[Member],
        ask: Callable[[Member], Awaitable[Answer]],
        key: Callable[[Answer], Any] = lambda answer: answer,
    ) -> Poll[Answer]:
        """A question to these; raises NodeUnavailable when too few of them may be asked now."""
        operators = by_operator(members)
        if len(operators) < self.agreement:
            raise self._members.absence()
        return Poll(operators, ask, needed=self.agreement, hedge_s=self._policy.hedge_s, key=key)

    async def _reached(self, heads: Sequence[Head], urgency: Urgency) -> Head:
        number = _kth_highest(heads, self.agreement)
        same = [head for head in heads if head.number == number]
        if len(same) >= self.agreement and len(set(same)) == 1:
            return same[0]
        found = await self.block(number, urgency, answers.head)
        assert found is not None, "with agreement a block that is not there is a failure"
        return found


def _kth_highest(heads: Sequence[Head], k: int) -> BlockNumber:
    return sorted((head.number for head in heads), reverse=True)[k - 1]


def _loop_time() -> float:
    return asyncio.get_running_loop().time()

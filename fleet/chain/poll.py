"""Asks several operators the same until enough have answered, and no more than needed.

Knows whom to ask next and when to stop waiting; what answers come to is in agreement.py.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

from fleet.chain import agreement
from fleet.chain.agreement import Absence, Ballot
from fleet.chain.failures import CallReverted, NodeUnavailable, RequestRejected, WrongChain
from fleet.chain.member import Member

Answer = TypeVar("Answer")
_Task = asyncio.Task[Ballot[Answer]]


class Poll(Generic[Answer]):
    """One question to many.

    Args:
        operators: the nodes of each, the best first; a later one stands in for an earlier.
        ask: puts the question to one node.
        needed: how many operators must say the same.
        hedge_s: seconds after which one more is asked in place of one that is silent.
        key: what of an answer has to be the same.
    """

    def __init__(
        self,
        operators: Sequence[Sequence[Member]],
        ask: Callable[[Member], Awaitable[Answer]],
        *,
        needed: int,
        hedge_s: float,
        key: Callable[[Answer], Any] = lambda answer: answer,
    ) -> None:
        self._operators = list(operators)
        self._ask = ask
        self._needed = needed
        self._hedge_s = hedge_s
        self._key = key
        self._ballots: list[Ballot[Answer]] = []
        self.outvoted: tuple[str, ...] = ()

    async def result(self) -> Answer:
        """What enough say.

        Raises:
            NodesDisagree, NodeUnavailable, StateUnavailable: nothing is agreed on.
            CallReverted, RequestRejected: that is what enough say.
        """
        async with asyncio.TaskGroup() as asking:
            pending: set[_Task[Answer]] = set()
            while self._agreed() is None:
                pending |= self._more(asking, self._missing() - len(pending))
                if not pending:
                    break
                pending = await self._some(asking, pending)
            for task in pending:
                task.cancel()
        return self._judged()

    async def everything(self) -> list[Answer]:
        """The answers of all who answer, without waiting long once enough have.

        An operator that was too slow last time is not waited for until it was seen in time again:
        one that hangs would cost every question its patience.

        Raises:
            NodeUnavailable: fewer than needed answered.
        """
        async with asyncio.TaskGroup() as asking:
            asked = {
                asking.create_task(self._ballot(members)): members[0] for members in self._operators
            }
            pending = set(asked)
            while pending and len(self._votes()) < self._needed:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                self._count(done)
            if quick := [task for task in pending if asked[task].is_prompt]:
                await asyncio.wait(quick, timeout=self._hedge_s)
            self._count({task for task in pending if task.done()})
            for task, member in asked.items():
                member.is_prompt = task.done()
                task.cancel()
        answers = self._votes()
        if len(answers) < self._needed:
            raise agreement.failure_of(self._ballots, self._needed, self._key)
        return answers

    async def _some(
        self, asking: asyncio.TaskGroup, pending: set[_Task[Answer]]
    ) -> set[_Task[Answer]]:
        """Waits for the next ballot; whoever is silent for long gets a stand-in."""
        done, pending = await asyncio.wait(
            pending, timeout=self._hedge_s, return_when=asyncio.FIRST_COMPLETED
        )
        self._count(done)
        return pending if done else pending | self._more(asking, 1)

    def _more(self, asking: asyncio.TaskGroup, count: int) -> set[_Task[Answer]]:
        chosen = self._operators[: max(0, count)]
        del self._operators[: len(chosen)]
        return {asking.create_task(self._ballot(members)) for members in chosen}

    async def _ballot(self, members: Sequence[Member]) -> Ballot[Answer]:
        """What one operator says, by the first of its nodes that says anything."""
        said: Absence | None = None
        for member in members:
            try:
                return Ballot(member.name, await self._ask(member))
            except (CallReverted, RequestRejected) as no:
                return Ballot(member.name, no)
            except (NodeUnavailable, WrongChain) as absence:
                said = absence
        assert said is not None, "an operator has a node"
        return Ballot(members[-1].name, said)

    def _count(self, done: set[_Task[Answer]]) -> None:
        self._ballots += [task.result() for task in done]

    def _votes(self) -> list[Answer]:
        refused = (NodeUnavailable, WrongChain, CallReverted, RequestRejected)
        return [each.said for each in self._ballots if not isinstance(each.said, refused)]

    def _missing(self) -> int:
        """How many more must answer, at best."""
        return self._needed - agreement.support(self._ballots, self._key)

    def _agreed(self) -> agreement.Agreed[Answer] | None:
        return agreement.agreed(self._ballots, self._needed, self._key)

    def _judged(self) -> Answer:
        found = self._agreed()
        if found is None:
            votes = [each.endpoint for each in self._ballots if each.counts]
            self.outvoted = tuple(votes) if len(votes) >= self._needed else ()
            raise agreement.failure_of(self._ballots, self._needed, self._key)
        self.outvoted = found.outvoted
        if isinstance(found.said, CallReverted | RequestRejected):
            raise found.said
        return found.said

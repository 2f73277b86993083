"""Several Subtensor endpoints as one source, which speaks only when enough operators agree.

Every endpoint is asked for the same height at once. The answer goes out as soon as enough agree
and those that are usually quick have had a moment more; what comes later is judged as well, and
only names its sender.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self, TypeVar

from oracle.quorum import (
    Ballot,
    agreed,
    is_settled,
    reached,
    standing_against,
    too_few,
    unheard,
)
from oracle.quotes import Quote, Reading, SourceBlock, SourceHead, Standing, Unavailable
from oracle.sources.endpoint import Endpoint
from oracle.sources.highest import Highest
from oracle.sources.member import Member
from oracle.sources.rising import Rise
from units import BlockNumber

Answer = TypeVar("Answer", Reading, SourceHead)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuorumPolicy:
    """Who must agree, and how long the others are waited for; wall-clock seconds.

    agreement: operators that must say the same; more than half of all.
    straggler_s: after enough have agreed, so long the rest may still answer, so that the record
        has what they said. One that needed longer is not waited for until it was in time again.
    patience_s: how long an endpoint may take to finalize a height that enough others have.
    wrong_chain_rest_s: for so long one that serves another chain is not asked again.
    """

    agreement: int = 1
    straggler_s: float = 0.5
    patience_s: float = 4.0
    wrong_chain_rest_s: float = 60.0


class QuorumSource:
    """Implements `oracle.ports.PriceSource` over at least one endpoint; enter it before use."""

    def __init__(self, endpoints: Sequence[Endpoint], policy: QuorumPolicy) -> None:
        operators = len({each.operator for each in endpoints})
        if not operators // 2 < policy.agreement <= operators:
            raise ValueError(f"{policy.agreement} of {operators} operators is no quorum")
        self._members = tuple(
            Member(each, patience_s=policy.patience_s, rest_s=policy.wrong_chain_rest_s)
            for each in endpoints
        )
        self._policy = policy
        self._tasks = asyncio.TaskGroup()
        self._late: set[asyncio.Task[Any]] = set()
        self._quotes: dict[str, Quote] = {}
        self._rise = Rise()
        self.latest: SourceBlock | None = None

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in tuple(self._late):
            task.cancel()
        await self._tasks.__aexit__(None, None, None)

    @property
    def quotes(self) -> tuple[Quote, ...]:
        """What each endpoint that was heard said last, and what that was worth."""
        return tuple(self._quotes[each.name] for each in self._members if each.name in self._quotes)

    def age_s(self) -> float | None:
        """Seconds since a higher height was agreed on; None before the first."""
        risen_at = self._rise.risen_at
        return None if risen_at is None else _now() - risen_at

    async def heads(self) -> AsyncGenerator[SourceHead, None]:
        """The heights that enough operators have finalized, each once and none lower.

        Lower is one only where it takes the others back (`oracle.sources.rising`). A slow reader
        gets only the newest. Ends when every endpoint's heads have ended.
        """
        highest = Highest()
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(self._follow_all(highest))
            try:
                while (head := await highest.next()) is not None:
                    yield head
            except GeneratorExit:
                pass  # whoever closes a generator expects silence, and the group would wrap this
            finally:
                following.cancel()

    async def read(self, number: BlockNumber) -> Reading | Unavailable:
        """See `PriceSource`: the block at a height that enough operators have finalized."""
        return await self._read(number, Member.quote)

    async def finalized(self) -> SourceHead | Unavailable:
        """See `PriceSource`: the newest height that enough operators have finalized."""
        return await self._common(Member.ask_finalized, is_final=True)

    async def buried(self, depth: int) -> Reading | Unavailable:
        """The block so far below the best one that enough operators have; it is not final."""
        best = await self._common(Member.ask_best, is_final=False)
        if isinstance(best, Unavailable):
            return best
        return await self._read(BlockNumber(best.number - depth), Member.buried_quote)

    async def _read(
        self,
        number: BlockNumber,
        quote: Callable[[Member, BlockNumber], Coroutine[Any, Any, Reading | Unavailable]],
    ) -> Reading | Unavailable:
        needed = self._policy.agreement
        said, pending = await self._ask(
            lambda member: quote(member, number),
            lambda answers: is_settled(self._ballots(answers), needed),
        )
        result = agreed(self._ballots(said), needed)
        self._learn(result.quotes)
        if isinstance(result, Reading):
            self.latest = result.block
            self._judge_late(pending, result)
        return result

    async def _common(
        self,
        ask: Callable[[Member], Coroutine[Any, Any, SourceHead | Unavailable]],
        *,
        is_final: bool,
    ) -> SourceHead | Unavailable:
        needed = self._policy.agreement
        said, _ = await self._ask(
            ask, lambda answers: reached(self._heights(answers), needed) is not None
        )
        self._note_absent(said)
        heights = self._heights(said)
        number = reached(heights, needed)
        if number is not None and is_final:
            self._note_height(number)
        heads = (each for each in said.values() if isinstance(each, SourceHead))
        if number is not None:
            return next(each for each in heads if each.number == number)
        absent = [each for each in said.values() if isinstance(each, Unavailable)]
        absent += [_unanswered(member) for member in self._members if member.name not in said]
        return replace(too_few(absent, len(heights), needed), quotes=self.quotes)

    async def _ask(
        self,
        ask: Callable[[Member], Coroutine[Any, Any, Answer | Unavailable]],
        is_enough: Callable[[Mapping[str, Answer | Unavailable]], bool],
    ) -> tuple[
        Mapping[str, Answer | Unavailable], Mapping[Member, asyncio.Task[Answer | Unavailable]]
    ]:
        """What the endpoints answered before it was enough, and who has not answered yet."""
        asked = {m: m.begin(self._tasks, ask(m)) for m in self._members if not m.is_busy}
        self._keep(asked.values())

        def answers() -> dict[str, Answer | Unavailable]:
            return {m.name: task.result() for m, task in asked.items() if task.done()}

        while (waiting := [t for t in asked.values() if not t.done()]) and not is_enough(answers()):
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        quick = [task for member, task in asked.items() if member.is_prompt and not task.done()]
        if quick:
            await asyncio.wait(quick, timeout=self._policy.straggler_s)
        for member, task in asked.items():
            member.is_prompt = task.done()
        return answers(), {m: task for m, task in asked.items() if not task.done()}

    def _keep(self, tasks: Any) -> None:
        for task in tasks:
            self._late.add(task)
            task.add_done_callback(self._late.discard)

    def _ballots(self, answers: Mapping[str, Reading | Unavailable]) -> list[Ballot]:
        return [
            Ballot(endpoint=each.name, operator=each.endpoint.operator, said=answers.get(each.name))
            for each in self._members
        ]

    def _heights(self, answers: Mapping[str, SourceHead | Unavailable]) -> dict[str, int]:
        """The highest height of each operator that gave one."""
        heights: dict[str, int] = {}
        for member in self._members:
            said = answers.get(member.name)
            if isinstance(said, SourceHead):
                operator = member.endpoint.operator
                heights[operator] = max(said.number, heights.get(operator, 0))
        return heights

    def _note_absent(self, said: Mapping[str, SourceHead | Unavailable]) -> None:
        absent = {name: each for name, each in said.items() if isinstance(each, Unavailable)}
        self._learn(unheard(self._ballots(absent)))

    def _judge_late(
        self, pending: Mapping[Member, asyncio.Task[Reading | Unavailable]], result: Reading
    ) -> None:
        for member, task in pending.items():
            task.add_done_callback(partial(self._note_late, member.name, result))

    def _note_late(
        self, name: str, result: Reading, done: asyncio.Task[Reading | Unavailable]
    ) -> None:
        if done.cancelled() or done.exception():
            return
        standing, detail = standing_against(done.result(), result), done.result().detail
        self._quotes[name] = replace(self._quotes[name], standing=standing, detail=detail)

    def _learn(self, quotes: Sequence[Quote]) -> None:
        """One that has not answered yet is still worth what it was before."""
        self._quotes |= {
            each.endpoint: each
            for each in quotes
            if each.standing is not Standing.PENDING or each.endpoint not in self._quotes
        }

    async def _follow_all(self, highest: Highest) -> None:
        async with asyncio.TaskGroup() as tasks:
            for member in self._members:
                tasks.create_task(self._follow(member, highest))
        highest.close()

    async def _follow(self, member: Member, highest: Highest) -> None:
        async for _ in member.heads():
            head = self._held()
            if head is not None:
                self._note_height(head.number)
                highest.put(head)

    def _held(self) -> SourceHead | None:
        """The highest head that enough operators have by what each said last."""
        heads = {m.name: m.finalized for m in self._members if m.finalized is not None}
        number = reached(self._heights(heads), self._policy.agreement)
        return next((each for each in heads.values() if each.number == number), None)

    def _note_height(self, number: int) -> None:
        """A height that was agreed on counts until those who said it take it back."""
        held = self._held()
        self._rise.note(number, number if held is None else held.number, _now())


def _now() -> float:
    return asyncio.get_running_loop().time()


def _unanswered(member: Member) -> Unavailable:
    return Unavailable(detail=f"{member.name} has not answered yet")

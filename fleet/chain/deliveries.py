"""Hands one transaction to many nodes, and outlives the answer: the slow ones get it as well.

A delivery that were cancelled once another node has the transaction might never reach its node, so
these tasks belong to the pool, each bounded by its endpoint's timeout, and end with it.
"""

import asyncio
from collections.abc import Iterable, Sequence

from fleet.chain.broadcasts import HELD, combined
from fleet.chain.failures import NodeUnavailable, WrongChain
from fleet.chain.member import Member
from fleet.chain.rejections import Broadcast
from fleet.chain.states import NodeState

_Task = asyncio.Task[Broadcast | NodeUnavailable | WrongChain]


class Deliveries:
    """All that is on its way."""

    def __init__(self) -> None:
        self._tasks: set[_Task] = set()

    async def close(self) -> None:
        """Ends what is still on its way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def verdict(
        self, members: Sequence[Member], raw: str, silent: Sequence[str]
    ) -> Broadcast:
        """What the members say together; at once when one of them has it.

        A node that is unreachable gets it too and is not waited for, unless there are no others.
        """
        tasks = {self._start(member, raw): member for member in members}
        heard = {task for task, each in tasks.items() if each.state is not NodeState.UNREACHABLE}
        absent = [tasks[task].name for task in tasks.keys() - heard] if heard else []
        found: list[Broadcast] = []
        quiet = [*silent, *(f"{name} is unreachable" for name in absent)]
        pending = heard or set(tasks)
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            _sort(done, found, quiet)
            if any(answer.verdict in HELD for answer in found):
                break
        return combined(found, quiet)

    def _start(self, member: Member, raw: str) -> _Task:
        loop = asyncio.get_running_loop()
        task = loop.create_task(member.deliver(raw), name=f"deliver: {member.name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _sort(done: Iterable[_Task], found: list[Broadcast], quiet: list[str]) -> None:
    """Answers to answers and silence to silence; a node of another chain has no say."""
    for task in done:
        said = task.result()
        if isinstance(said, Broadcast):
            found.append(said)
        elif isinstance(said, NodeUnavailable):
            quiet.append(str(said))

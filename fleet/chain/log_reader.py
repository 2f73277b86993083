"""Logs from one node at a time, only as far back as that node is known to remember.

The tip is read by block hash: a node that has not indexed that block refuses instead of answering
an empty list. What is below it is read by ranges, from the same node. Knows no other node's answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fleet.chain import answers
from fleet.chain.endpoint import Endpoint
from fleet.chain.failures import LogsTooOld, StateUnavailable
from fleet.chain.horizon import SETTLED_BLOCKS, Horizon, Landmarks, Reach
from fleet.chain.logs import Log, LogPolicy, RangeSize, Wanted, of_block, read_logs, within
from fleet.chain.throttle import Urgency
from units import BlockHash, BlockNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Blocks first..last, both included; `tip` is the hash of the last one where it is known."""

    first: BlockNumber
    last: BlockNumber
    tip: BlockHash | None = None

    @property
    def below_tip(self) -> BlockNumber:
        """The last block that is read by number."""
        return self.last if self.tip is None else BlockNumber(self.last - 1)


class LogReader:
    """Remembers for each node how far back it reaches and how long a range it takes.

    Args:
        policy: what is taken for granted.
        landmarks: blocks with logs of the contracts that will be asked for.
        now: monotonic seconds.
        remembered: hears whether a node remembers what the configuration says.
    """

    def __init__(
        self,
        policy: LogPolicy,
        *,
        landmarks: Landmarks,
        now: Callable[[], float],
        remembered: Callable[[str, bool], None],
    ) -> None:
        self._policy = policy
        self._landmarks = landmarks
        self._now = now
        self._remembered = remembered
        self._horizons: dict[str, Horizon] = {}
        self._sizes: dict[str, RangeSize] = {}

    async def read(
        self, node: Endpoint, span: Span, wanted: Wanted, urgency: Urgency
    ) -> tuple[Log, ...]:
        """All such logs of these blocks.

        Raises:
            LogsTooOld: the node may have forgotten the first of them, and would not say so.
            StateUnavailable: it has not reached the last one, or is on another fork.
            TooManyLogs: one block alone has more than the node returns.
        """
        tip: list[Log] = []
        if span.tip is not None:
            asked = [wanted.of(span.tip)]
            tip = of_block(await node.request("eth_getLogs", asked, urgency), span.last, span.tip)
        if span.first > span.below_tip:
            return tuple(tip)
        await self._require_memory(node, span, wanted, urgency)

        async def read(start: BlockNumber, end: BlockNumber) -> Any:
            return await node.request("eth_getLogs", [wanted.within(start, end)], urgency)

        return (*await read_logs(read, span.first, span.below_tip, self._size(node)), *tip)

    def note(self, logs: tuple[Log, ...]) -> None:
        """These were agreed on: the blocks that hold them are landmarks from now on."""
        self._landmarks.note(BlockNumber(int(log["blockNumber"], 16)) for log in logs)

    async def _require_memory(
        self, node: Endpoint, span: Span, wanted: Wanted, urgency: Urgency
    ) -> None:
        head = BlockNumber(answers.quantity(await node.request("eth_blockNumber", [], urgency)))
        if span.last > head:
            late = f"{node.name} is at block {head}, logs to {span.last} are not there yet"
            raise StateUnavailable(late)
        depth = head - span.first
        if depth > SETTLED_BLOCKS:
            await self._look(node, span.first, head, wanted, urgency)
        if self._horizon(node).reach(depth) is not Reach.YES:
            raise LogsTooOld(
                f"logs from block {span.first} on are asked at block {head}: {node.name} is not"
                " known to remember that far back, and would answer an empty list"
            )

    async def _look(
        self,
        node: Endpoint,
        first: BlockNumber,
        head: BlockNumber,
        wanted: Wanted,
        urgency: Urgency,
    ) -> None:
        """Asks for a block at least as far back that is known to hold such a log."""
        horizon, mark = self._horizon(node), self._landmarks.at_or_before(first, head)
        if mark is None or head - first <= horizon.proven or horizon.lacks(head - mark):
            return
        asked = [Wanted(addresses=wanted.addresses).within(mark, mark)]
        found = within(await node.request("eth_getLogs", asked, urgency), mark, mark)
        shown = horizon.shown(head - mark, has_logs=bool(found), now=self._now())
        self._horizons[node.name] = shown
        self._remembered(node.name, not shown.is_pruned)

    def _horizon(self, node: Endpoint) -> Horizon:
        new = Horizon(assumed=self._policy.horizon_blocks)
        known = self._horizons.get(node.name, new)
        return known.at(self._now(), forget_s=self._policy.forget_s)

    def _size(self, node: Endpoint) -> RangeSize:
        return self._sizes.setdefault(node.name, RangeSize(self._policy.range_blocks_max))

"""Reads a range of logs whole or not at all: never a silent gap.

Ranges that a node refuses or is too slow for are halved, and grow again while it goes well. Knows
nothing of what a log means, nor how far back a node remembers.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fleet.chain import answers
from fleet.chain.failures import (
    NoAnswerInTime,
    NodeUnavailable,
    RequestRejected,
    TooManyLogs,
)
from fleet.chain.rejections import Refusal, query_refused
from units import Address, BlockHash, BlockNumber

Log = dict[str, Any]
"""As the node gave it: address, topics, data, blockNumber, blockHash, logIndex, removed …"""

_GROW_AFTER = 3
"""Ranges that went well in a row before the next is twice as long."""

_SLOW_MAX = 3
"""Ranges in a row that may be answered too late: each costs the whole timeout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPolicy:
    """How logs are asked for.

    `horizon_blocks`: how far behind the head a node is taken to remember; None for archives.
    `range_blocks_max`: blocks asked for in one request; public proxies refuse wide ranges.
    `forget_s`: how long a node that had forgotten a landmark is not asked that far back.
    """

    horizon_blocks: int | None = 250
    range_blocks_max: int = 100
    forget_s: float = 300.0


class RangeSize:
    """How many blocks to ask for at once: halved on refusal, doubled after some successes."""

    def __init__(self, blocks_max: int) -> None:
        self._blocks_max = blocks_max
        self._successes = 0
        self.blocks = blocks_max

    def succeeded(self) -> None:
        """A range of this size was answered."""
        self._successes += 1
        if self._successes >= _GROW_AFTER:
            self.blocks, self._successes = min(2 * self.blocks, self._blocks_max), 0

    def refused(self, asked: int) -> None:
        """A range of so many blocks was too much."""
        self.blocks, self._successes = max(1, min(self.blocks, asked // 2)), 0


RangeReader = Callable[[BlockNumber, BlockNumber], Awaitable[Any]]
"""Asks a node for the logs of one range, both ends included."""


async def read_logs(
    read: RangeReader, first: BlockNumber, last: BlockNumber, size: RangeSize
) -> tuple[Log, ...]:
    """All logs of blocks first..last in the order of the chain.

    Raises:
        TooManyLogs: one block alone has more than the node returns.
        ChainError: as `read` raises it; then nothing is returned.
    """
    found: list[Log] = []
    slow, start = 0, first
    while start <= last:
        end = BlockNumber(min(start + size.blocks - 1, last))
        try:
            found += within(await read(start, end), start, end)
        except RequestRejected as rejection:
            _halve(size, start, end, rejection)
        except NoAnswerInTime:
            slow += 1
            if slow >= _SLOW_MAX or start == end:
                raise
            size.refused(end - start + 1)
        else:
            size.succeeded()
            slow, start = 0, BlockNumber(end + 1)
    return tuple(found)


def _halve(
    size: RangeSize, first: BlockNumber, last: BlockNumber, rejection: RequestRejected
) -> None:
    if query_refused(rejection.code, rejection.message) is not Refusal.TOO_MANY_LOGS:
        raise rejection
    if first == last:
        raise TooManyLogs(f"block {first}: {rejection.message}") from rejection
    size.refused(last - first + 1)


def within(logs: Any, first: BlockNumber, last: BlockNumber) -> list[Log]:
    """The logs of an answer about a range, both ends included.

    Raises:
        NodeUnavailable: it is no list of logs, or they are not of that range.
    """
    found = list(answers.logs(logs))
    if not all(_is_within(log, first, last) for log in found):
        raise NodeUnavailable(f"the node's logs of blocks {first} to {last} are not from there")
    return found


def _is_within(log: Any, first: BlockNumber, last: BlockNumber) -> bool:
    try:
        number = int(log["blockNumber"], 16)
        return first <= number <= last and isinstance(log["blockHash"], str)
    except (KeyError, TypeError, ValueError):
        return False


def of_block(logs: Any, number: BlockNumber, block: BlockHash) -> list[Log]:
    """An answer about one block by its hash.

    Raises:
        NodeUnavailable: it is not of that block.
    """
    found = within(logs, number, number)
    if any(log["blockHash"] != block for log in found):
        raise NodeUnavailable(f"the node's logs of block {block} are another block's")
    return found


def log_mark(log: Log) -> tuple[Any, ...]:
    """What of a log has to be the same from every node; clients add fields of their own."""
    names = ("blockHash", "logIndex", "transactionHash", "address", "data")
    topics = (str(topic).lower() for topic in log["topics"])
    return (*(str(log.get(name)).lower() for name in names), *topics)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Whose logs, and which."""

    addresses: tuple[Address, ...]
    topics: tuple[str | Sequence[str] | None, ...] = ()

    def within(self, first: BlockNumber, last: BlockNumber) -> dict[str, Any]:
        """The parameter of eth_getLogs for a range, both ends included."""
        return {"fromBlock": hex(first), "toBlock": hex(last)} | self._filter()

    def of(self, block: BlockHash) -> dict[str, Any]:
        """The parameter of eth_getLogs for one block by its hash."""
        return {"blockHash": block} | self._filter()

    def _filter(self) -> dict[str, Any]:
        topics = {"topics": list(self.topics)} if self.topics else {}
        return {"address": list(self.addresses)} | topics

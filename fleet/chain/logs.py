"""Reads a range of logs whole or not at all: never a silent gap.

A node that has pruned a block answers "no logs" for it instead of refusing (Frontier's filter
skips blocks whose statuses are missing), so ranges beyond the horizon are refused here. Ranges
that are too large are cut; knows nothing of what a log means.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fleet.chain.failures import LogsTooOld, NodeUnavailable, RequestRejected, TooManyLogs
from fleet.chain.rejections import Refusal, query_refused
from units import Address, BlockNumber

Log = dict[str, Any]
"""As the node gave it: address, topics, data, blockNumber, blockHash, logIndex, removed …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPolicy:
    """How logs are asked for.

    `horizon_blocks`: how far behind the head a range may begin; None for an archive node.
    `range_blocks_max`: blocks asked for in one request; public proxies refuse wide ranges.
    """

    horizon_blocks: int | None = 250
    range_blocks_max: int = 100

    def check(self, first: BlockNumber, head: BlockNumber) -> None:
        """Raises LogsTooOld when blocks from `first` on may have been pruned at `head`."""
        if self.horizon_blocks is not None and first < head - self.horizon_blocks:
            raise LogsTooOld(
                f"logs from block {first} on are asked at block {head}:"
                f" more than {self.horizon_blocks} blocks back a node may answer an empty list"
            )


RangeReader = Callable[[BlockNumber, BlockNumber], Awaitable[Any]]
"""Asks a node for the logs of one range, both ends included."""


def chunks(
    first: BlockNumber, last: BlockNumber, size: int
) -> Iterator[tuple[BlockNumber, BlockNumber]]:
    """Cuts first..last, both included, into ranges of at most `size` blocks."""
    for start in range(first, last + 1, size):
        yield BlockNumber(start), BlockNumber(min(start + size - 1, last))


async def read_logs(
    read: RangeReader, first: BlockNumber, last: BlockNumber, policy: LogPolicy
) -> tuple[Log, ...]:
    """All logs of blocks first..last in the order of the chain.

    Raises:
        TooManyLogs: one block alone has more than the node returns.
        ChainError: as `read` raises it; then nothing is returned.
    """
    ahead = deque(chunks(first, last, policy.range_blocks_max))
    found: list[Log] = []
    while ahead:
        start, end = ahead.popleft()
        try:
            found += _checked(await read(start, end), start, end)
        except RequestRejected as rejection:
            if query_refused(rejection.code, rejection.message) is not Refusal.TOO_MANY_LOGS:
                raise
            ahead.extendleft(reversed(_halves(start, end, rejection)))
    return tuple(found)


def _halves(
    first: BlockNumber, last: BlockNumber, rejection: RequestRejected
) -> Sequence[tuple[BlockNumber, BlockNumber]]:
    if first == last:
        raise TooManyLogs(f"block {first}: {rejection.message}") from rejection
    middle = BlockNumber((first + last) // 2)
    return (first, middle), (BlockNumber(middle + 1), last)


def _checked(logs: Any, first: BlockNumber, last: BlockNumber) -> list[Log]:
    """Refuses an answer that is no list of logs of this range."""
    if not isinstance(logs, list) or not all(_is_within(log, first, last) for log in logs):
        raise NodeUnavailable(f"the node's logs of blocks {first} to {last} are not from there")
    return logs


def _is_within(log: Any, first: BlockNumber, last: BlockNumber) -> bool:
    try:
        number = int(log["blockNumber"], 16)
        return first <= number <= last and isinstance(log["blockHash"], str)
    except (KeyError, TypeError, ValueError):
        return False


def log_mark(log: Log) -> tuple[Any, ...]:
    """What of a log has to be the same from every node; clients add fields of their own."""
    names = ("blockHash", "logIndex", "transactionHash", "address", "data")
    topics = (str(topic).lower() for topic in log.get("topics", ()))
    return (*(str(log.get(name)).lower() for name in names), *topics)


def log_filter(
    first: BlockNumber,
    last: BlockNumber,
    addresses: Sequence[Address],
    topics: Sequence[str | Sequence[str] | None],
) -> dict[str, Any]:
    """The parameter of eth_getLogs."""
    asked: dict[str, Any] = {
        "fromBlock": hex(first),
        "toBlock": hex(last),
        "address": list(addresses),
    }
    if topics:
        asked["topics"] = list(topics)
    return asked

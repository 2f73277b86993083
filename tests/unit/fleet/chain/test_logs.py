from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.chain.failures import LogsTooOld, NodeUnavailable, RequestRejected, TooManyLogs
from fleet.chain.logs import LogPolicy, chunks, log_filter, read_logs
from units import Address, BlockNumber


def block(number: int) -> BlockNumber:
    return BlockNumber(number)


class LogNode:
    """Has one log in every block, and returns at most so many at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.asked: list[tuple[int, int]] = []

    async def __call__(self, first: BlockNumber, last: BlockNumber) -> Any:
        self.asked.append((first, last))
        if last - first + 1 > self._most:
            message = f"query returned more than {self._most} results"
            raise RequestRejected(method="eth_getLogs", code=-32603, message=message)
        return [
            {"blockNumber": hex(number), "blockHash": "0x00"} for number in range(first, last + 1)
        ]


def numbers(logs: tuple[dict[str, Any], ...]) -> list[int]:
    return [int(log["blockNumber"], 16) for log in logs]


@given(
    first=st.integers(0, 500),
    length=st.integers(1, 300),
    size=st.integers(1, 120),
    most=st.integers(1, 400),
)
async def test_read_logs__any_limits__every_block_once_and_in_order(
    first: int, length: int, size: int, most: int
) -> None:
    node, last = LogNode(most), first + length - 1
    policy = LogPolicy(range_blocks_max=size)
    found = await read_logs(node, block(first), block(last), policy)
    assert numbers(found) == list(range(first, last + 1))
    assert all(b - a < size for a, b in node.asked)


async def test_read_logs__one_block_has_too_many__typed() -> None:
    with pytest.raises(TooManyLogs, match="block 5"):
        await read_logs(LogNode(0), block(5), block(6), LogPolicy())


async def test_read_logs__refused_for_another_reason__passed_on() -> None:
    async def read(first: BlockNumber, last: BlockNumber) -> Any:
        raise RequestRejected(method="eth_getLogs", code=-32601, message="no such method")

    with pytest.raises(RequestRejected):
        await read_logs(read, block(1), block(2), LogPolicy())


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        [{"blockNumber": "0x9", "blockHash": "0x00"}],
        [{"blockNumber": "0x1"}],
        [{"blockNumber": "0x1", "blockHash": None}],
        ["0x1"],
    ],
)
async def test_read_logs__answer_is_not_of_this_range__never_believed(answer: object) -> None:
    async def read(first: BlockNumber, last: BlockNumber) -> Any:
        return answer

    with pytest.raises(NodeUnavailable):
        await read_logs(read, block(1), block(2), LogPolicy())


def test_policy__beyond_the_horizon__refused_because_empty_would_be_a_lie() -> None:
    policy = LogPolicy(horizon_blocks=250)
    policy.check(block(750), block(1_000))
    with pytest.raises(LogsTooOld):
        policy.check(block(749), block(1_000))


def test_policy__archive__goes_back_for_ever() -> None:
    LogPolicy(horizon_blocks=None).check(block(0), block(10**7))


def test_chunks__last_one_is_shorter() -> None:
    assert list(chunks(block(1), block(5), 2)) == [(1, 2), (3, 4), (5, 5)]


def test_filter__without_topics__has_none() -> None:
    address = Address("0x" + "11" * 20)
    assert log_filter(block(1), block(16), [address], []) == {
        "fromBlock": "0x1",
        "toBlock": "0x10",
        "address": [address],
    }
    assert log_filter(block(1), block(1), [address], ["0xaa"])["topics"] == ["0xaa"]

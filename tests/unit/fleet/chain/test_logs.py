from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.chain.failures import NoAnswerInTime, NodeUnavailable, RequestRejected, TooManyLogs
from fleet.chain.logs import RangeSize, Wanted, log_mark, of_block, read_logs
from tests.unit.fleet.chain.played import log
from units import Address, BlockHash, BlockNumber


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
        return [log(number, "0x00") for number in range(first, last + 1)]


def numbers(logs: tuple[dict[str, Any], ...]) -> list[int]:
    return [int(each["blockNumber"], 16) for each in logs]


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
    found = await read_logs(node, block(first), block(last), RangeSize(size))
    assert numbers(found) == list(range(first, last + 1))
    assert all(b - a < size for a, b in node.asked)


async def test_read_logs__one_block_has_too_many__typed() -> None:
    with pytest.raises(TooManyLogs, match="block 5"):
        await read_logs(LogNode(0), block(5), block(6), RangeSize(100))


async def test_read_logs__refused_for_another_reason__passed_on() -> None:
    async def read(first: BlockNumber, last: BlockNumber) -> Any:
        raise RequestRejected(method="eth_getLogs", code=-32601, message="no such method")

    with pytest.raises(RequestRejected):
        await read_logs(read, block(1), block(2), RangeSize(100))


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        [log(9, "0x00")],
        [log(1, "0x00") | {"blockHash": None}],
        [log(1, "0x00") | {"blockNumber": None}],
        [log(1, "0x00") | {"topics": None}],
        [log(1, "0x00") | {"topics": [[]]}],
        [log(1, "0x00") | {"data": 5}],
        ["0x1"],
    ],
)
async def test_read_logs__answer_is_not_of_this_range__never_believed(answer: object) -> None:
    async def read(first: BlockNumber, last: BlockNumber) -> Any:
        return answer

    with pytest.raises(NodeUnavailable):
        await read_logs(read, block(1), block(2), RangeSize(100))


async def test_read_logs__node_takes_less_for_a_while__ranges_shrink_and_grow_again() -> None:
    node, size = LogNode(10), RangeSize(80)
    await read_logs(node, block(0), block(99), size)
    assert [last - first + 1 for first, last in node.asked[:4]] == [80, 40, 20, 10]
    node._most, node.asked = 1_000, []
    await read_logs(node, block(100), block(999), size)
    lengths = [last - first + 1 for first, last in node.asked]
    assert max(lengths) == 80
    assert lengths == sorted(lengths[:-1]) + lengths[-1:], "they only grow"


class SlowNode(LogNode):
    """Too slow for more than so many blocks; never answers at all when that is none."""

    async def __call__(self, first: BlockNumber, last: BlockNumber) -> Any:
        if last - first + 1 > self._most:
            self.asked.append((first, last))
            raise NoAnswerInTime("no answer in 5 s")
        return await super().__call__(first, last)


async def test_read_logs__node_is_too_slow_for_the_range__halved_as_well() -> None:
    node = SlowNode(30)
    found = await read_logs(node, block(0), block(199), RangeSize(100))
    assert numbers(found) == list(range(200))


async def test_read_logs__node_does_not_answer_at_all__given_up_after_a_few() -> None:
    node = SlowNode(0)
    with pytest.raises(NoAnswerInTime):
        await read_logs(node, block(0), block(199), RangeSize(100))
    assert len(node.asked) == 3


HASH = BlockHash("0x" + "ab" * 32)


def test_of_block__logs_of_another_block__never_believed() -> None:
    mine = log(5, HASH)
    assert of_block([mine], block(5), HASH) == [mine]
    assert of_block([], block(5), HASH) == []
    for other in (mine | {"blockHash": "0xcd"}, mine | {"blockNumber": "0x6"}, "0x", None):
        with pytest.raises(NodeUnavailable):
            of_block([other], block(5), HASH)


def test_mark__same_log_in_another_client_s_words__is_the_same() -> None:
    log = {
        "blockHash": HASH,
        "logIndex": "0x0",
        "transactionHash": "0xAA",
        "address": "0xBb",
        "topics": ["0xCC"],
        "data": "0x",
    }
    other = log | {"address": "0xbb", "topics": ["0xcc"], "blockTimestamp": "0x1"}
    assert log_mark(log) == log_mark(other)
    for name, value in (("data", "0x01"), ("logIndex", "0x1"), ("topics", [])):
        assert log_mark(log) != log_mark(log | {name: value})


def test_filter__without_topics__has_none() -> None:
    address = Address("0x" + "11" * 20)
    assert Wanted(addresses=(address,)).within(block(1), block(16)) == {
        "fromBlock": "0x1",
        "toBlock": "0x10",
        "address": [address],
    }
    assert Wanted(addresses=(address,), topics=("0xaa",)).of(HASH) == {
        "blockHash": HASH,
        "address": [address],
        "topics": ["0xaa"],
    }

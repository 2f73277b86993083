"""Logs from nodes that forget, lag and fork, which are played."""

from typing import Any

import pytest

from fleet.chain.endpoint import Endpoint
from fleet.chain.failures import LogsTooOld, NodeUnavailable, StateUnavailable
from fleet.chain.history import Checkpoint, beginning
from fleet.chain.logs import Log, LogPolicy
from fleet.chain.node import Node
from fleet.chain.pool import Pool, PoolPolicy
from fleet.chain.states import NodeState
from fleet.chain.throttle import Urgency
from tests.unit.fleet.chain.played import log
from units import Address, BlockHash, BlockNumber

EXCHANGE = Address("0x" + "11" * 20)
HEAD = 10_000
POLICY = LogPolicy(horizon_blocks=250, range_blocks_max=100)


def block_hash(number: int, fork: int = 0) -> BlockHash:
    return BlockHash(f"0x{fork:032x}{number:032x}")


class LoggingNode(Endpoint):
    """Logs something in every tenth block; answers nothing, and says nothing, beyond its memory."""

    def __init__(self, name: str, *, memory: int = HEAD, head: int = HEAD) -> None:
        super().__init__(name=name, url="http://nowhere.invalid", rate=None, timeout_s=1)
        self.memory = memory
        self.height = head
        self.indexed = head
        self.asked: list[dict[str, Any]] = []
        self.outage: NodeUnavailable | None = None

    async def request(self, method: str, params: list[Any], urgency: Urgency) -> Any:
        if self.outage is not None:
            raise self.outage
        match method:
            case "eth_chainId":
                return hex(964)
            case "eth_blockNumber":
                return hex(self.height)
            case "eth_getLogs":
                self.asked.append(params[0])
                return self._logs(params[0])
            case "eth_getBlockByNumber":
                return {
                    "number": hex(self.height),
                    "hash": block_hash(self.height),
                    "parentHash": block_hash(self.height - 1),
                    "timestamp": "0x1",
                }
            case _:
                raise AssertionError(method)

    def _logs(self, wanted: dict[str, Any]) -> list[Log]:
        if "blockHash" in wanted:
            number = int(wanted["blockHash"][34:], 16)
            if number > self.indexed:
                raise StateUnavailable(f"{self.name}: unknown block")
            span = range(number, number + 1)
        else:
            last = min(int(wanted["toBlock"], 16), self.indexed)
            span = range(int(wanted["fromBlock"], 16), last + 1)
        kept = (number for number in span if number >= self.height - self.memory)
        return [_log(number) for number in kept if number % 10 == 0]


def _log(number: int) -> Log:
    return log(number, block_hash(number))


def node(*nodes: LoggingNode, agreement: int = 1, known: int | None = None) -> Node:
    pool = Pool(
        nodes,
        chain_id=964,
        policy=PoolPolicy(agreement=agreement, hedge_s=0.05),
        now=lambda: 1_000.0,
    )
    landmarks = [] if known is None else [BlockNumber(known)]
    return Node(pool, log_policy=POLICY, landmarks=landmarks)


async def read(chain: Node, first: int, last: int, tip: BlockHash | None = None) -> list[int]:
    found = await chain.logs(BlockNumber(first), BlockNumber(last), [EXCHANGE], tip=tip)
    return [int(each["blockNumber"], 16) for each in found]


async def test_tip__one_block__one_question_by_its_hash() -> None:
    played = LoggingNode("a")
    assert await read(node(played), HEAD, HEAD, block_hash(HEAD)) == [HEAD]
    assert played.asked == [{"blockHash": block_hash(HEAD), "address": [EXCHANGE]}]


async def test_tip__node_has_not_indexed_it__refused_where_a_range_would_be_empty() -> None:
    played = LoggingNode("a")
    played.indexed = HEAD - 1
    chain = node(played)
    assert await read(chain, HEAD, HEAD) == [], "the trap"
    with pytest.raises(StateUnavailable):
        await read(chain, HEAD, HEAD, block_hash(HEAD))


async def test_tip__with_blocks_below_it__each_once_and_in_order() -> None:
    played = LoggingNode("a")
    found = await read(node(played), HEAD - 35, HEAD, block_hash(HEAD))
    assert found == [HEAD - 30, HEAD - 20, HEAD - 10, HEAD]


async def test_tip__of_another_fork__is_no_answer() -> None:
    with pytest.raises(NodeUnavailable):
        await read(node(LoggingNode("a")), HEAD, HEAD, block_hash(HEAD, fork=7))


async def test_range__beyond_the_configured_horizon__refused() -> None:
    with pytest.raises(LogsTooOld):
        await read(node(LoggingNode("a")), HEAD - 251, HEAD)


async def test_range__beyond_it_and_an_event_from_before_is_still_there__read() -> None:
    found = await read(node(LoggingNode("a"), known=500), HEAD - 5_000, HEAD)
    assert len(found) == 501


async def test_range__beyond_it_and_that_event_is_gone__refused() -> None:
    played = LoggingNode("a", memory=300)
    chain = node(played, known=500)
    with pytest.raises(LogsTooOld):
        await read(chain, HEAD - 5_000, HEAD)
    assert len(await read(chain, HEAD - 250, HEAD)) == 26, "as far as is configured it is believed"


async def test_range__node_forgets_earlier_than_configured__seen_told_and_refused() -> None:
    played = LoggingNode("a")
    chain = node(played)
    await chain.head()
    assert len(await read(chain, HEAD - 250, HEAD)) == 26
    played.memory, played.height = 100, HEAD + 60
    played.indexed = played.height
    with pytest.raises(LogsTooOld):
        await read(chain, HEAD - 130, HEAD + 60)
    assert chain.states() == {"a": NodeState.PRUNED}
    assert len(await read(chain, HEAD + 40, HEAD + 60)) == 3


async def test_range__one_node_forgets__another_is_asked() -> None:
    pruned, archive = LoggingNode("a", memory=300), LoggingNode("b")
    found = await read(node(pruned, archive, known=500), HEAD - 5_000, HEAD)
    assert len(found) == 501


async def test_range__one_of_three_leaves_logs_out__outvoted() -> None:
    nodes = [LoggingNode("a", memory=40), LoggingNode("b"), LoggingNode("c")]
    found = await read(node(*nodes, agreement=2), HEAD - 240, HEAD)
    assert len(found) == 25


async def test_range__node_that_answers_lags__another_says_what_it_lacks() -> None:
    late, current = LoggingNode("a", head=HEAD - 15), LoggingNode("b")
    assert await read(node(late, current), HEAD - 20, HEAD) == [HEAD - 20, HEAD - 10, HEAD]
    with pytest.raises(StateUnavailable):
        await read(node(late), HEAD - 20, HEAD)


class Backfill:
    """Reads a long range as a backfill does: keeps the checkpoint of what it has worked in."""

    def __init__(self, chain: Node, first: int, last: int) -> None:
        self._chain = chain
        self.checkpoint = beginning(BlockNumber(first), BlockNumber(last))
        self.found: list[int] = []
        self.seen: list[Checkpoint] = []

    async def run(self, until: int = HEAD, played: LoggingNode | None = None) -> None:
        pieces = self._chain.history(self.checkpoint, [EXCHANGE], progress=self.seen.append)
        async for piece in pieces:
            self.found += [int(each["blockNumber"], 16) for each in piece.logs]
            self.checkpoint = piece.checkpoint
            if played is not None and self.checkpoint.next > until:
                played.outage = NodeUnavailable("down")


async def test_history__interrupted__goes_on_from_its_checkpoint() -> None:
    played = LoggingNode("a")
    backfill = Backfill(node(played, known=10), HEAD - 1_000, HEAD)
    with pytest.raises(NodeUnavailable):
        await backfill.run(HEAD - 500, played)
    assert 0.5 < backfill.checkpoint.progress < 0.7
    played.outage = None
    await backfill.run()
    assert backfill.found == list(range(HEAD - 1_000, HEAD + 1, 10))
    assert backfill.checkpoint.is_done
    ends = [each.next for each in backfill.seen]
    assert ends == sorted(set(ends))
    assert backfill.seen[-1].progress == 1
    await backfill.run()
    assert len(backfill.seen) == len(ends), "nothing is left"

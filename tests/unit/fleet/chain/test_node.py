"""What Node makes of a node's answers, with a node that is played."""

from collections.abc import Callable
from typing import Any

import pytest

from fleet.chain.answers import FeeQuote
from fleet.chain.endpoint import Endpoint
from fleet.chain.failures import (
    CallReverted,
    LogsTooOld,
    NodeUnavailable,
    RequestRejected,
    StateUnavailable,
)
from fleet.chain.logs import LogPolicy
from fleet.chain.node import Node
from fleet.chain.pool import Pool
from fleet.chain.throttle import Urgency
from units import Address, BlockNumber, TxHash, Wei

ACCOUNT = Address("0x00000000000000000000000000000000000000Aa")
HASH = "0x" + "ab" * 32
BLOCK = {"number": "0x3e8", "hash": HASH, "parentHash": HASH, "timestamp": "0x5"}
Answer = Callable[[list[Any]], Any]


class PlayedEndpoint(Endpoint):
    """Answers by method."""

    def __init__(self, answers: dict[str, Answer]) -> None:
        super().__init__(name="played", url="http://nowhere.invalid", rate=None, timeout_s=1)
        self._answers: dict[str, Answer] = {"eth_chainId": lambda _: "0x3c4"} | answers
        self.urgencies: list[Urgency] = []

    async def request(self, method: str, params: list[Any], urgency: Urgency) -> Any:
        self.urgencies.append(urgency)
        found = self._answers[method](params)
        if isinstance(found, Exception):
            raise found
        return found


def node(policy: LogPolicy | None = None, **answers: Answer) -> Node:
    endpoint = PlayedEndpoint({f"eth_{name}": answer for name, answer in answers.items()})
    return Node(Pool([endpoint], chain_id=964), log_policy=policy)


@pytest.mark.parametrize(
    "answer", [None, [], {}, BLOCK | {"number": None}, BLOCK | {"hash": "0x12"}, "0x1"]
)
async def test_head__answer_makes_no_sense__unavailable_instead_of_a_guess(answer: object) -> None:
    with pytest.raises(NodeUnavailable):
        await node(getBlockByNumber=lambda _: answer).head()


async def test_block__beyond_the_head__none() -> None:
    assert await node(getBlockByNumber=lambda _: None).block(BlockNumber(5)) is None
    assert await node(getBlockByNumber=lambda _: None).sealed(BlockNumber(5)) is None


async def test_sealed__a_block__comes_with_its_bloom() -> None:
    found = await node(getBlockByNumber=lambda _: BLOCK | {"logsBloom": "0x10"}).sealed(
        BlockNumber(1000)
    )
    assert found is not None
    assert (found.head.number, found.logs_bloom) == (1000, 16)


async def test_sealed__header_without_a_bloom__unavailable_instead_of_no_logs() -> None:
    with pytest.raises(NodeUnavailable, match="logsBloom"):
        await node(getBlockByNumber=lambda _: BLOCK).sealed(BlockNumber(1000))


async def test_finalized__node_names_none__none() -> None:
    assert await node(getBlockByNumber=lambda _: None).finalized() is None


async def test_call__at_a_block__asks_for_just_that() -> None:
    asked: list[Any] = []

    def answer(params: list[Any]) -> str:
        asked.extend(params)
        return "0x0102"

    found = await node(call=answer).call(
        ACCOUNT, b"\x01", BlockNumber(1_000), sender=ACCOUNT, gas=21_000
    )
    assert found == b"\x01\x02"
    assert asked == [{"to": ACCOUNT, "data": "0x01", "from": ACCOUNT, "gas": "0x5208"}, "0x3e8"]


async def test_simulate__whatever_the_node_says__is_a_value() -> None:
    async def outcome(answer: object) -> tuple[str, bytes]:
        found = await node(call=lambda _: answer).simulate(
            sender=ACCOUNT, to=ACCOUNT, data=b"", value=Wei(1), gas=1, block=BlockNumber(5)
        )
        return found.outcome, found.data

    assert await outcome("0x") == ("succeeds", b"")
    assert await outcome(CallReverted(b"why")) == ("reverts", b"why")
    poor = RequestRejected(method="eth_call", code=-32003, message="Insufficient funds")
    assert await outcome(poor) == ("reverts", b"")
    assert await outcome(NodeUnavailable("down")) == ("unknown", b"")


async def test_logs__node_has_not_reached_the_last_block__not_taken_for_none() -> None:
    with pytest.raises(NodeUnavailable, match="not there yet"):
        await node(blockNumber=lambda _: "0x64", getLogs=lambda _: []).logs(
            BlockNumber(99), BlockNumber(101), [ACCOUNT]
        )


async def test_logs__pruned_range__refused() -> None:
    pruned = node(LogPolicy(horizon_blocks=10), blockNumber=lambda _: "0x64", getLogs=lambda _: [])
    with pytest.raises(LogsTooOld):
        await pruned.logs(BlockNumber(80), BlockNumber(100), [ACCOUNT])
    assert await pruned.logs(BlockNumber(90), BlockNumber(100), [ACCOUNT]) == ()


async def test_logs__for_backfill__every_request_carries_that_urgency() -> None:
    endpoint = PlayedEndpoint({"eth_blockNumber": lambda _: "0x64", "eth_getLogs": lambda _: []})
    played = Node(Pool([endpoint], chain_id=964), log_policy=LogPolicy(range_blocks_max=10))
    first, last = BlockNumber(61), BlockNumber(100)
    await played.logs(first, last, [ACCOUNT], urgency=Urgency.BACKFILL)
    assert endpoint.urgencies == [Urgency.BACKFILL] * (1 + 1 + 4)


async def test_fee_quote__node__gas_price_and_the_latest_base_fee() -> None:
    quote = await node(
        gasPrice=lambda _: "0xa",
        getBlockByNumber=lambda _: BLOCK | {"baseFeePerGas": "0xb"},
    ).fee_quote()
    assert quote == FeeQuote(gas_price=10, base_fee=11)


async def test_receipt__pending__none_and_mined__with_its_fee() -> None:
    receipt = {
        "transactionHash": HASH,
        "blockNumber": "0x7",
        "blockHash": HASH,
        "status": "0x0",
        "gasUsed": "0x5208",
        "effectiveGasPrice": "0x2",
        "logs": [],
    }
    assert await node(getTransactionReceipt=lambda _: None).receipt(TxHash(HASH)) is None
    found = await node(getTransactionReceipt=lambda _: receipt).receipt(TxHash(HASH))
    assert found is not None
    assert (found.block, found.succeeded, found.fee) == (7, False, 42_000)


class NonceHistory:
    """An account that used nonce n in block 10 + 3 n; state before block `kept_from` is gone."""

    def __init__(self, kept_from: int = 0) -> None:
        self._kept_from = kept_from
        self.reads = 0

    def count(self, params: list[Any]) -> Any:
        self.reads += 1
        number = int(params[1], 16)
        if number < self._kept_from:
            return StateUnavailable("pruned")
        return hex(max(0, (number - 10) // 3 + 1))

    def block(self, params: list[Any]) -> Any:
        number = int(params[0], 16)
        nonce, rest = divmod(number - 10, 3)
        mine = {"from": ACCOUNT.lower(), "nonce": hex(nonce), "hash": HASH}
        other = {"from": "0x" + "77" * 20, "nonce": hex(nonce), "hash": "0x" + "cd" * 32}
        return BLOCK | {"transactions": [other] + ([] if rest else [mine])}


@pytest.mark.parametrize("nonce", range(8))
async def test_spender_of__a_used_nonce__names_the_transaction(nonce: int) -> None:
    history = NonceHistory()
    found = await node(
        getTransactionCount=history.count, getBlockByNumber=history.block
    ).spender_of(ACCOUNT, nonce, after=BlockNumber(5), by=BlockNumber(40))
    assert found == HASH
    assert history.reads <= 6


async def test_spender_of__state_is_pruned__can_not_be_told() -> None:
    history = NonceHistory(kept_from=30)
    found = await node(
        getTransactionCount=history.count, getBlockByNumber=history.block
    ).spender_of(ACCOUNT, 0, after=BlockNumber(5), by=BlockNumber(40))
    assert found is None

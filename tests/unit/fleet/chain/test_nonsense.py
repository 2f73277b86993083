"""Whatever a node answers is a value or a ChainError: nothing else ever comes out of a question."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.chain.answers import transactions
from fleet.chain.endpoint import Endpoint
from fleet.chain.failures import ChainError, NodeUnavailable
from fleet.chain.node import Node
from fleet.chain.pool import Pool, PoolPolicy
from fleet.chain.replies import Patience, failure_of, result_of
from fleet.chain.throttle import Urgency
from tests.unit.fleet.chain.played import log
from units import Address, BlockHash, BlockNumber, TxHash, Wei

ACCOUNT = Address("0x00000000000000000000000000000000000000Aa")
HASH = "0x" + "ab" * 32
BLOCK = {
    "number": "0x5",
    "hash": HASH,
    "parentHash": HASH,
    "timestamp": "0x5",
    "logsBloom": "0x0",
    "baseFeePerGas": "0x1",
    "transactions": [{"from": ACCOUNT, "nonce": "0x1", "hash": HASH}],
}
RECEIPT = {
    "transactionHash": HASH,
    "blockNumber": "0x5",
    "blockHash": HASH,
    "gasUsed": "0x1",
    "status": "0x1",
    "effectiveGasPrice": "0x1",
    "logs": [log(5, HASH)],
}
FIVE, NINE = BlockNumber(5), BlockNumber(9)
QUESTIONS: dict[str, Callable[[Node], Awaitable[object]]] = {
    "head": lambda node: node.head(),
    "finalized": lambda node: node.finalized(),
    "block": lambda node: node.block(FIVE),
    "sealed": lambda node: node.sealed(FIVE),
    "call": lambda node: node.call(ACCOUNT, b"", FIVE),
    "logs": lambda node: node.logs(FIVE, NINE, [ACCOUNT]),
    "logs of the tip": lambda node: node.logs(FIVE, FIVE, [ACCOUNT], tip=BlockHash(HASH)),
    "balance": lambda node: node.balance(ACCOUNT, FIVE),
    "code": lambda node: node.code(ACCOUNT, FIVE),
    "storage": lambda node: node.storage(ACCOUNT, 1, FIVE),
    "genesis": lambda node: node.genesis(),
    "nonces": lambda node: node.nonces(ACCOUNT, FIVE),
    "count": lambda node: node.count_at(ACCOUNT, FIVE),
    "receipts": lambda node: node.receipts([TxHash(HASH)]),
    "fees": lambda node: node.fee_quote(),
    "spender": lambda node: node.spender_of(ACCOUNT, 1, after=FIVE, by=NINE),
    "held": lambda node: node.knows(TxHash(HASH)),
    "send": lambda node: node.send_raw(b"\x01"),
    "simulate": lambda node: node.simulate(
        sender=ACCOUNT, to=ACCOUNT, data=b"", value=Wei(0), gas=1, block=FIVE
    ),
}
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from([HASH, "0x", "0x5", "-0x5", "0x_5", "0x" + "f" * 600, "0x" + "f" * 40, "é"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*BLOCK, *RECEIPT, "topics", "x"]), inner, max_size=6)
    ),
    max_leaves=12,
)


@st.composite
def marred(draw: st.DrawFn, whole: dict[str, Any]) -> dict[str, Any]:
    """An honest answer with one or two members that are something else."""
    names = draw(st.sets(st.sampled_from([*whole]), min_size=1, max_size=2))
    return whole | {name: draw(JSON) for name in sorted(names)}


ANSWERS = (
    JSON
    | marred(BLOCK)
    | marred(RECEIPT)
    | st.lists(marred(log(5, HASH)), min_size=1, max_size=2)
    | marred(BLOCK).flatmap(lambda block: JSON.map(lambda sent: block | {"transactions": [sent]}))
)


class Liar(Endpoint):
    """Says its chain truly, and to everything else what it is told to."""

    def __init__(self, name: str, said: list[Any]) -> None:
        super().__init__(name=name, url="http://nowhere.invalid", rate=None, timeout_s=1)
        self._said = said
        self._asked = 0

    async def request(self, method: str, params: list[Any], urgency: Urgency) -> Any:
        if method == "eth_chainId":
            return "0x3c4"
        self._asked += 1
        return self._said[self._asked % len(self._said)]


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("agreement", [1, 2])
@settings(max_examples=25)
@given(said=st.lists(ANSWERS, min_size=1, max_size=3))
async def test_question__any_json__a_value_or_a_chain_error(
    question: str, agreement: int, said: list[Any]
) -> None:
    liars = [Liar("a", said), Liar("b", said)]
    policy = PoolPolicy(agreement=agreement)
    node = Node(Pool(liars[:agreement], chain_id=964, policy=policy))
    with suppress(ChainError):
        await QUESTIONS[question](node)
    await node.close()


@given(
    reply=JSON | JSON.map(lambda error: {"error": error}),
    method=st.sampled_from(["a", "eth_sendRawTransaction"]),
)
def test_reply__any_json__a_result_or_a_chain_error(reply: Any, method: str) -> None:
    with suppress(ChainError):
        result_of("node", method, reply, Patience())


@given(error=st.fixed_dictionaries({"code": JSON, "message": JSON, "data": JSON}))
def test_error__any__is_told_in_a_line_of_some_length(error: dict[str, Any]) -> None:
    assert len(str(failure_of("node", "eth_call", error, Patience()))) < 1_200


def test_error__data_nested_deep__is_no_data() -> None:
    data: Any = "0x01"
    for _ in range(900):
        data = {"data": data}
    said = {"code": 3, "message": "execution reverted", "data": data}
    assert str(failure_of("node", "eth_call", said, Patience())) == "execution reverted"


@pytest.mark.parametrize("number", ["-0x1", "0x", "5", 5, "0x_5", hex(1 << 63), "0x" + "f" * 600])
async def test_head__of_no_number_that_a_block_has__unavailable(number: object) -> None:
    node = Node(Pool([Liar("a", [BLOCK | {"number": number}])], chain_id=964))
    with pytest.raises(NodeUnavailable) as failure:
        await node.head()
    assert len(str(failure.value)) < 200


async def test_head__of_a_time_that_no_calendar_has__unavailable() -> None:
    node = Node(Pool([Liar("a", [BLOCK | {"timestamp": hex(1 << 40)}])], chain_id=964))
    with pytest.raises(NodeUnavailable):
        await node.head()


@pytest.mark.parametrize("logs", [None, 5, [5], [{}], [log(5, HASH) | {"topics": 5}]])
async def test_receipt__with_something_else_where_logs_belong__unavailable(logs: object) -> None:
    node = Node(Pool([Liar("a", [RECEIPT | {"logs": logs}])], chain_id=964))
    with pytest.raises(NodeUnavailable):
        await node.receipt(TxHash(HASH))


@pytest.mark.parametrize("sent", [None, 5, [5], [{}]])
def test_transactions__something_else__unavailable(sent: object) -> None:
    with pytest.raises(NodeUnavailable):
        transactions(BLOCK | {"transactions": sent})

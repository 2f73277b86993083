import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devnet.standin.jsonrpc import Params, RpcError, answer
from devnet.standin.lockstep import LockStep
from devnet.standin.methods import ReadMethods
from devnet.standin.node import Node
from devnet.standin.runtime import RuntimeProfile
from devnet.standin.session import Session
from devnet.synthetic_tape import synthetic_tape
from units import BlockNumber

TAPE = synthetic_tape(1, rows=40)
NODE = Node(
    tape=TAPE,
    start=BlockNumber(TAPE.first_block + 20),
    runtime=RuntimeProfile.synthetic(),
    finality_lag=2,
)
READS = ReadMethods(NODE)


def session() -> Session:
    lock_step = LockStep(publish=lambda _: False)
    return Session(node=NODE, reads=READS, lock_step=lock_step, send=lambda _: None)


def asked(message: Any) -> Any:
    text = answer(json.dumps(message), session().call)
    return None if text is None else json.loads(text)


def error_of(method: str, *params: Any) -> tuple[int, str]:
    error = asked({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})["error"]
    return error["code"], error["message"]


METHODS = asked({"id": 1, "method": "rpc_methods"})["result"]["methods"]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80),
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4)
    ),
    max_leaves=12,
)
named_params = st.dictionaries(
    st.sampled_from(["hash", "key", "keys", "name", "bytes", "kind", "order", "count"]),
    json_values | st.just("head"),
)
requests = st.fixed_dictionaries(
    {"method": st.sampled_from(METHODS) | st.text(max_size=20), "id": json_values},
    optional={"params": json_values | st.lists(json_values, max_size=4) | named_params},
)


@given(requests | json_values | st.lists(requests, max_size=3))
def test_answer__any_json__is_a_result_or_an_error_and_never_raises(message: Any) -> None:
    answered = asked(message)
    for one in answered if isinstance(answered, list) else [answered]:
        assert ("result" in one) != ("error" in one)
        assert one["jsonrpc"] == "2.0"


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_answer__any_bytes__is_a_parse_error_or_an_answer(message: bytes | str) -> None:
    assert json.loads(answer(message, session().call) or "null")["jsonrpc"] == "2.0"


def test_answer__deeply_nested__is_a_parse_error() -> None:
    assert json.loads(answer("[" * 100_000, session().call) or "")["error"]["code"] == -32700


def test_answer__batch_of_binary__answers_each_and_skips_notifications() -> None:
    batch = [
        {"jsonrpc": "2.0", "id": "a", "method": "system_chain", "params": []},
        {"jsonrpc": "2.0", "method": "system_chain", "params": []},
        {"jsonrpc": "2.0", "id": None, "method": "no_such"},
    ]
    answers = json.loads(answer(json.dumps(batch).encode(), session().call) or "")
    assert answers[0] == {"jsonrpc": "2.0", "id": "a", "result": "Bittensor"}
    assert [one["id"] for one in answers] == ["a", None]


def test_answer__notification_alone__is_silent() -> None:
    assert asked({"jsonrpc": "2.0", "method": "system_chain"}) is None
    assert asked([{"jsonrpc": "2.0", "method": "system_chain"}]) is None


@pytest.mark.parametrize("message", [[], 7, {"id": 1}, {"method": 5}, {"method": "x", "id": []}])
def test_answer__not_a_request__is_an_invalid_request(message: Any) -> None:
    assert asked(message)["error"]["code"] == -32600


def test_answer__unknown_method__is_method_not_found() -> None:
    assert error_of("eth_blockNumber") == (-32601, "Method not found")


@pytest.mark.parametrize(
    ("method", "params", "message"),
    [
        ("state_getStorage", [], "key is not given"),
        ("state_getStorage", [5], "key is not a string"),
        ("state_getStorage", ["0xzz"], "key is not hex"),
        ("state_getStorage", ["0x00", "0x12"], "hash is not a 32 byte hash"),
        ("state_queryStorageAt", ["0x00"], "keys is not an array of hex strings"),
        ("state_queryStorageAt", [[None]], "keys is not an array of hex strings"),
        ("state_getKeysPaged", ["0x", -1], "count is not an unsigned integer"),
        ("state_getKeysPaged", ["0x", True], "count is not an unsigned integer"),
        ("state_call", ["Core_version"], "bytes is not given"),
        ("chain_getBlockHash", ["latest"], "hash is not a block number"),
        ("devnet_join", ["feeder", "late", 1], "kind is not head or finalized"),
    ],
)
def test_answer__wrong_parameters__names_the_parameter(
    method: str, params: list[Any], message: str
) -> None:
    assert error_of(method, *params) == (-32602, f"Invalid params: {message}")


def test_keys_paged__too_many_at_once__refused_as_a_node_does() -> None:
    code, message = error_of("state_getKeysPaged", "0x", 1_001)
    assert code == 4002
    assert message == "count exceeds maximum value. value: 1001, max: 1000"


def test_params__by_name__read_like_those_by_position() -> None:
    assert Params({"key": "0x01"}).hex_bytes(0, "key") == Params(["01"]).hex_bytes(0, "key")
    assert Params(None).block_hash(0, "hash") is None


def test_params__neither_list_nor_object__refused() -> None:
    with pytest.raises(RpcError, match="neither an array nor an object"):
        Params("0x")

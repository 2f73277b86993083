"""What a person reads of a revert: each declared error, Solidity's own, and garbage."""

from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.abi import function_abi_to_4byte_selector
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from protocol.abi import describe_revert
from tests.unit.protocol.abi_values import CONTRACTS, Entry, drawn, encoded, entries, one

ERRORS = {e["name"]: e for contract in CONTRACTS for e in entries(contract, "error")}
ERROR_STRING, PANIC = keccak(text="Error(string)")[:4], keccak(text="Panic(uint256)")[:4]
words = st.integers(0, 2**256 - 1).map(lambda value: value.to_bytes(32, "big"))
offsets = st.one_of(st.integers(0, 96), st.integers(2**62, 2**256 - 1))
lengths = offsets.map(lambda value: value.to_bytes(32, "big"))


def selector(error: Entry) -> bytes:
    as_function: Any = error | {"type": "function"}
    return function_abi_to_4byte_selector(as_function)


def shown(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)


@pytest.mark.parametrize("name", ERRORS)
@given(data=st.data())
def test_describe_revert__a_declared_error__is_named_with_its_arguments(
    name: str, data: st.DataObject
) -> None:
    error = ERRORS[name]
    values = data.draw(drawn(error["inputs"]))
    said = describe_revert(selector(error) + encoded(error["inputs"], values))
    labels = [parameter["name"] for parameter in error["inputs"]]
    listed = ", ".join(f"{label}={shown(values[label])}" for label in labels)
    assert said.lower() == f"{name}({listed})".lower()  # an address may lose its capitals


@given(text=st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1))
def test_describe_revert__a_string__is_that_string(text: str) -> None:
    assert describe_revert(ERROR_STRING + encode(["string"], [text])) == text


@given(code=st.integers(0, 2**256 - 1))
def test_describe_revert__a_panic__is_its_code(code: int) -> None:
    assert describe_revert(PANIC + code.to_bytes(32, "big")) == f"Panic(0x{code:02x})"


def test_describe_revert__arithmetic_overflow__is_the_code_of_solidity_s_table() -> None:
    assert describe_revert(PANIC + (0x11).to_bytes(32, "big")) == "Panic(0x11)"


def test_describe_revert__nothing__says_so() -> None:
    assert describe_revert(b"") == "reverted without a reason"


@pytest.mark.parametrize(
    "data",
    [
        b"\x01",
        b"\x01\x02\x03\x04",
        b"\xff" * 36,
        ERROR_STRING,
        ERROR_STRING + encode(["bytes"], [b"\xff\xfe"]),
        ERROR_STRING + (32).to_bytes(32, "big") + (2**255).to_bytes(32, "big"),
        ERROR_STRING + (2**255).to_bytes(32, "big"),
        PANIC,
        selector(one("Exchange", "error", "SlippageExceeded")) + bytes(95),
    ],
    ids=[
        "a byte",
        "an unknown error",
        "an unknown error with data",
        "a string without data",
        "a string that is not UTF-8",
        "a string longer than memory",
        "a string somewhere else",
        "a panic without a code",
        "a declared error cut short",
    ],
)
def test_describe_revert__cannot_be_read__is_shown_as_it_is(data: bytes) -> None:
    assert describe_revert(data) == f"reverted with 0x{data.hex()}"


@given(text=st.text())
def test_describe_revert__a_string_of_several_lines__is_one_line(text: str) -> None:
    said = describe_revert(ERROR_STRING + encode(["string"], [text]))
    assert len(said.splitlines()) == 1


known = st.sampled_from([ERROR_STRING, PANIC, *(selector(error) for error in ERRORS.values())])


@given(
    head=st.one_of(known, st.binary(max_size=4)),
    body=st.lists(st.one_of(words, lengths, st.binary(max_size=40)), max_size=5),
)
def test_describe_revert__any_bytes__is_one_line(head: bytes, body: list[bytes]) -> None:
    said = describe_revert(head + b"".join(body))
    assert len(said.splitlines()) == 1

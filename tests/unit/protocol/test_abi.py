"""What is derived from the compiler's JSON: selectors, topics, types, and which entry is meant."""

import pytest
from eth_abi.exceptions import DecodingError
from hypothesis import given
from hypothesis import strategies as st

from protocol import abi
from tests.unit.protocol.abi_values import (
    CONTRACTS,
    Values,
    answer,
    entries,
    outputs,
    selector,
    topic,
)

FUNCTIONS = [(c, e["name"]) for c in CONTRACTS for e in entries(c, "function")]
EVENTS = [(c, e["name"]) for c in CONTRACTS for e in entries(c, "event")]
SELECTORS = {
    ("PriceFeed", "hasRole"): "91d14854",
    ("PriceFeed", "grantRole"): "2f2ff15d",
    ("Exchange", "deposit"): "b6b55f25",
    ("Exchange", "withdraw"): "2e1a7d4d",
}
"""As anybody knows them: OpenZeppelin's AccessControl, and deposit(uint256), withdraw(uint256)."""


@pytest.mark.parametrize(("contract", "function"), SELECTORS)
def test_selector__published_elsewhere__is_that(contract: abi.Contract, function: str) -> None:
    assert abi.selector(contract, function).hex() == SELECTORS[contract, function]


@pytest.mark.parametrize(("contract", "function"), FUNCTIONS)
def test_selector__each_function__is_of_its_signature(
    contract: abi.Contract, function: str
) -> None:
    assert abi.selector(contract, function) == selector(contract, function)


@pytest.mark.parametrize(("contract", "event"), EVENTS)
def test_topic__each_event__is_of_its_signature(contract: abi.Contract, event: str) -> None:
    assert abi.topic(contract, event) == topic(contract, event)


def test_topic__events_of_all_contracts__differ_unless_inherited_from_access_control() -> None:
    own = [(c, e) for c, e in EVENTS if not e.startswith("Role")]
    assert len({abi.topic(contract, event) for contract, event in own}) == len(own)


@given(values=outputs("Exchange", "markets"))
def test_decode_output__structs_within_structs__are_the_values(values: Values) -> None:
    data = answer("Exchange", "markets", values)
    (found,) = abi.decode_output("Exchange", "markets", data)
    (declared,) = abi.entry("Exchange", "function", "markets")["outputs"]
    names = [component["name"] for component in declared["components"]]
    inner = [component["name"] for component in declared["components"][-1]["components"]]
    for seen, market in zip(found, values["found"], strict=True):
        assert seen[names.index("rate")] == market["rate"]
        assert seen[names.index("listed")] == market["listed"]
        assert (
            dict(zip(inner, seen[names.index("parameters")], strict=True)) == market["parameters"]
        )


@given(data=st.binary(max_size=31))
def test_decode_output__too_short__is_refused(data: bytes) -> None:
    with pytest.raises(DecodingError):
        abi.decode_output("Exchange", "vaultState", data)


@pytest.mark.parametrize(
    ("kind", "name"), [("function", "nobody"), ("event", "push"), ("constructor", "push")]
)
def test_entry__there_is_none__is_an_error(kind: str, name: str) -> None:
    with pytest.raises(LookupError, match=f"PriceFeed has 0 {kind} entries named {name}"):
        abi.entry("PriceFeed", kind, name)


def test_interface__each_contract__has_no_overloads() -> None:
    for kind in ("function", "event", "error"):
        for contract in CONTRACTS:
            names = [entry["name"] for entry in entries(contract, kind)]
            assert len(names) == len(set(names))

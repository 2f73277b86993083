"""Values of the ABI's own types: drawn with their edges, encoded by eth_abi, read by their names.

What `protocol` reads and writes word by word is held against this, so it uses nothing of it but
the compiler's JSON.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.abi import collapse_if_tuple, event_abi_to_log_topic, function_abi_to_4byte_selector
from eth_utils.address import to_checksum_address
from hypothesis import strategies as st

import protocol.abi

Entry = dict[str, Any]
Values = dict[str, Any]
Strategy = st.SearchStrategy[Any]

CONTRACTS = ("PriceFeed", "Exchange", "KeeperRouter")
FOLDER = Path(protocol.abi.__file__).parent
ABIS: dict[str, list[Entry]] = {
    name: json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")) for name in CONTRACTS
}

netuids = st.integers(0, 2**16 - 1)
addresses = st.binary(min_size=20, max_size=20).map(to_checksum_address)
ids = st.binary(min_size=16, max_size=16)
market_addresses = netuids.map(lambda netuid: to_checksum_address(netuid.to_bytes(20, "big")))


def netuid(market: str) -> int:
    return int(market, 16)


def entries(contract: str, kind: str) -> list[Entry]:
    return [entry for entry in ABIS[contract] if entry["type"] == kind]


def one(contract: str, kind: str, name: str) -> Entry:
    (found,) = (entry for entry in entries(contract, kind) if entry["name"] == name)
    return found


# Drawing


def drawn(parameters: Sequence[Entry], **instead: Strategy) -> st.SearchStrategy[Values]:
    """Any values of these parameters by name; `instead` narrows parameters of that name."""
    return st.fixed_dictionaries({p["name"]: _value(p, instead) for p in parameters})


def outputs(contract: str, function: str, **instead: Strategy) -> st.SearchStrategy[Values]:
    return drawn(one(contract, "function", function)["outputs"], **instead)


def event_values(contract: str, event: str, **instead: Strategy) -> st.SearchStrategy[Values]:
    return drawn(one(contract, "event", event)["inputs"], **instead)


def _value(parameter: Entry, instead: Mapping[str, Strategy]) -> Strategy:
    kind: str = parameter["type"]
    if parameter["name"] in instead:
        return instead[parameter["name"]]
    if kind.endswith("[]"):
        element = parameter | {"type": kind.removesuffix("[]"), "name": None}
        return st.lists(_value(element, instead), max_size=4)
    if kind == "tuple":
        return drawn(parameter["components"], **instead)
    return _scalar(kind)


def _scalar(kind: str) -> Strategy:
    if kind.startswith("uint"):
        return _integers(0, 2 ** int(kind[4:]) - 1)
    if kind.startswith("int"):
        half: int = 2 ** (int(kind[3:]) - 1)
        return _integers(-half, half - 1)
    if kind.startswith("bytes") and kind != "bytes":
        return st.binary(min_size=int(kind[5:]), max_size=int(kind[5:]))
    plain = {"bool": st.booleans(), "address": addresses, "bytes": st.binary(), "string": st.text()}
    return plain[kind]


def _integers(least: int, most: int) -> Strategy:
    return st.one_of(st.sampled_from([least, most]), st.integers(least, most))


# Encoding and decoding


def encoded(parameters: Sequence[Entry], values: Values) -> bytes:
    kinds = [collapse_if_tuple(p) for p in parameters]
    return encode(kinds, [_plain(p, values[p["name"]]) for p in parameters])


def answer(contract: str, function: str, values: Values) -> bytes:
    """What an eth_call of the function returns."""
    return encoded(one(contract, "function", function)["outputs"], values)


def raw_log(contract: str, event: str, values: Values, *, number: int = 7) -> dict[str, Any]:
    """The log of an event as JSON-RPC gives it."""
    inputs = one(contract, "event", event)["inputs"]
    indexed = [p for p in inputs if p["indexed"]]
    data = encoded([p for p in inputs if not p["indexed"]], values)
    topics = [topic(contract, event), *(_hex(encoded([p], values)) for p in indexed)]
    block_hash = f"0x{number:064x}"
    return {
        "topics": topics,
        "data": _hex(data),
        "blockNumber": hex(number),
        "blockHash": block_hash,
    }


def topic(contract: str, event: str) -> str:
    entry: Any = one(contract, "event", event)
    return _hex(event_abi_to_log_topic(entry))


def selector(contract: str, function: str) -> bytes:
    entry: Any = one(contract, "function", function)
    return function_abi_to_4byte_selector(entry)


def decoded_call(data: bytes) -> tuple[str, Values]:
    """The function that a call's data names, and its arguments by name; structs as dicts."""
    entry = _functions()[data[:4]]
    found = decode([collapse_if_tuple(p) for p in entry["inputs"]], data[4:])
    named = zip(entry["inputs"], found, strict=True)
    return entry["name"], {p["name"]: _named(p, value) for p, value in named}


@cache
def _functions() -> dict[bytes, Entry]:
    return {
        selector(contract, entry["name"]): entry
        for contract in CONTRACTS
        for entry in entries(contract, "function")
    }


def _plain(parameter: Entry, value: Any) -> Any:
    if parameter["type"].endswith("[]"):
        element = parameter | {"type": parameter["type"].removesuffix("[]")}
        return [_plain(element, each) for each in value]
    if parameter["type"] == "tuple":
        return tuple(_plain(c, value[c["name"]]) for c in parameter["components"])
    return value


def _named(parameter: Entry, value: Any) -> Any:
    if parameter["type"].endswith("[]"):
        element = parameter | {"type": parameter["type"].removesuffix("[]")}
        return [_named(element, each) for each in value]
    if parameter["type"] == "tuple":
        parts = zip(parameter["components"], value, strict=True)
        return {c["name"]: _named(c, each) for c, each in parts}
    return value


def _hex(data: bytes) -> str:
    return "0x" + data.hex()

"""The exchange's interface as the compiler wrote it, and what is derived from it once.

Selectors, event topics and error names come from the JSON files beside this one, which
`make contracts` writes; nothing here is typed by hand.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import event_abi_to_log_topic, function_abi_to_4byte_selector
from eth_utils.crypto import keccak

Contract = Literal["PriceFeed", "Exchange", "KeeperRouter"]
CONTRACTS: tuple[Contract, ...] = ("PriceFeed", "Exchange", "KeeperRouter")

_ERROR_STRING = keccak(text="Error(string)")[:4]
_PANIC = keccak(text="Panic(uint256)")[:4]


@cache
def interface(contract: Contract) -> tuple[dict[str, Any], ...]:
    """The ABI entries of a contract, in the compiler's JSON form."""
    text = files(__package__).joinpath(f"{contract}.json").read_text(encoding="utf-8")
    return tuple(json.loads(text))


def entry(contract: Contract, kind: str, name: str) -> Any:
    """The one entry of this kind and name.

    Raises:
        LookupError: the contract has no such entry, or more than one.
    """
    found = [e for e in interface(contract) if e["type"] == kind and e.get("name") == name]
    if len(found) != 1:
        raise LookupError(f"{contract} has {len(found)} {kind} entries named {name}, not one")
    return found[0]


@cache
def selector(contract: Contract, function: str) -> bytes:
    """The four bytes that call `function`."""
    return function_abi_to_4byte_selector(entry(contract, "function", function))


@cache
def topic(contract: Contract, event: str) -> str:
    """The first topic of `event`'s logs, 0x-prefixed."""
    return "0x" + event_abi_to_log_topic(entry(contract, "event", event)).hex()


@cache
def output_types(contract: Contract, function: str) -> tuple[str, ...]:
    """What `function` returns, as types that eth_abi understands."""
    return tuple(_type_of(o) for o in entry(contract, "function", function)["outputs"])


def decode_output(contract: Contract, function: str, data: bytes) -> tuple[Any, ...]:
    """The values that `function` returned.

    Raises:
        DecodingError: the bytes are not what this function returns.
    """
    return tuple(decode(output_types(contract, function), data))


def _type_of(parameter: dict[str, Any]) -> str:
    kind: str = parameter["type"]
    if not kind.startswith("tuple"):
        return kind
    inner = ",".join(_type_of(c) for c in parameter["components"])
    return f"({inner}){kind.removeprefix('tuple')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Error:
    name: str
    types: tuple[str, ...]
    labels: tuple[str, ...]


@cache
def _errors() -> dict[bytes, _Error]:
    declared = [e for c in CONTRACTS for e in interface(c) if e["type"] == "error"]
    return {_selector_of(error): error for error in map(_error_of, declared)}


def _error_of(declaration: Any) -> _Error:
    return _Error(
        name=declaration["name"],
        types=tuple(_type_of(i) for i in declaration["inputs"]),
        labels=tuple(i["name"] for i in declaration["inputs"]),
    )


def _selector_of(error: _Error) -> bytes:
    return keccak(text=f"{error.name}({','.join(error.types)})")[:4]


def describe_revert(data: bytes) -> str:
    """One line for a person: the custom error that `data` holds, with its arguments.

    Total: what is not known is shown as it is.
    """
    if not data:
        return "reverted without a reason"
    try:
        said = " ".join((_describe(data[:4], data[4:]) or "").splitlines())
    except (DecodingError, UnicodeDecodeError, OverflowError):  # the last two by eth_abi as well
        said = ""
    return said or f"reverted with 0x{data.hex()}"


def _describe(head: bytes, body: bytes) -> str | None:
    if head == _ERROR_STRING:
        return str(decode(["string"], body)[0])
    if head == _PANIC:
        return f"Panic(0x{decode(['uint256'], body)[0]:02x})"
    error = _errors().get(head)
    if error is None:
        return None
    values = zip(error.labels, decode(error.types, body), strict=True)
    return f"{error.name}({', '.join(_argument(label, value) for label, value in values)})"


def _argument(label: str, value: object) -> str:
    shown = "0x" + value.hex() if isinstance(value, bytes) else str(value)
    return f"{label}={shown}" if label else shown

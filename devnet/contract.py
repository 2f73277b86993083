"""Calls and logs of a contract, encoded and read by its compiled ABI.

Knows the artifact's shape and eth_abi; nothing of which contract it is. The fleet's own encoders
are in `protocol/`: not shared, so that a mistake there can't agree with itself here.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from devnet.chain import Log

ARTIFACTS = Path(__file__).parent.parent / "contracts" / "artifacts"


class ArtifactError(Exception):
    """A compiled contract is missing or not readable; the message is one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function of an ABI: canonical types, structs as `(a,b)`, and the outputs as declared."""

    selector: bytes
    inputs: tuple[str, ...]
    outputs: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event of an ABI: names and types of its topics and of its data, in order."""

    name: str
    indexed: tuple[tuple[str, str], ...]
    data: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRead:
    """A log as its event: arguments by the ABI's names."""

    name: str
    arguments: dict[str, Any]


class Contract:
    """The interface of one compiled contract."""

    def __init__(self, *, name: str, abi: Sequence[dict[str, Any]], bytecode: bytes) -> None:
        self.name = name
        self.bytecode = bytecode
        self._functions = {e["name"]: _function(e) for e in abi if e["type"] == "function"}
        self._events = dict(_event(e) for e in abi if e["type"] == "event")
        self._errors = dict(_error(e) for e in abi if e["type"] == "error")
        constructors = [e for e in abi if e["type"] == "constructor"]
        self._constructor = _types(constructors[0]["inputs"]) if constructors else ()

    def creation(self, *arguments: object) -> bytes:
        """Init code with the constructor's arguments appended."""
        return self.bytecode + encode(self._constructor, arguments)

    def encode(self, function: str, *arguments: object) -> bytes:
        """Calldata of a call; structs are tuples."""
        found = self._functions[function]
        return found.selector + encode(found.inputs, arguments)

    def decode(self, function: str, output: bytes) -> tuple[Any, ...]:
        """What a call returned, one entry a return value; structs are dicts by their names."""
        declared = self._functions[function].outputs
        values = decode(_types(declared), output)
        return tuple(_named(part, value) for part, value in zip(declared, values, strict=True))

    def topic(self, event: str) -> str:
        """The first topic of an event's logs."""
        return next(topic for topic, known in self._events.items() if known.name == event)

    def read_log(self, log: Log) -> EventRead | None:
        """The event behind a log, or None when the ABI has none with its topic."""
        event = self._events.get(log.topics[0]) if log.topics else None
        if event is None:
            return None
        arguments = {
            name: decode([kind], bytes.fromhex(topic.removeprefix("0x")))[0]
            for (name, kind), topic in zip(event.indexed, log.topics[1:], strict=True)
        }
        values = decode([kind for _, kind in event.data], log.data)
        arguments.update(zip((name for name, _ in event.data), values, strict=True))
        return EventRead(name=event.name, arguments=arguments)

    def read_revert(self, data: str) -> str:
        """The custom error in revert data as `Name(arguments)`, or the data itself."""
        payload = bytes.fromhex(data.removeprefix("0x"))
        found = self._errors.get(payload[:4])
        if found is None:
            return data or "no revert data"
        name, kinds = found
        return f"{name}({', '.join(map(str, decode(kinds, payload[4:])))})"


def load_contract(name: str) -> Contract:
    """The contract that `make contracts` compiled under `name`.

    Raises:
        ArtifactError: it was not compiled.
    """
    path = ARTIFACTS / f"{name}.json"
    try:
        artifact = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path.name} can't be read, run `make contracts`: {error}") from error
    bytecode = bytes.fromhex(artifact["bytecode"].removeprefix("0x"))
    return Contract(name=name, abi=artifact["abi"], bytecode=bytecode)


def load_runtime_code(name: str) -> str:
    """The deployed bytecode of a contract without constructor, as hex with 0x."""
    code: str = json.loads((ARTIFACTS / f"{name}.json").read_text())["deployedBytecode"]
    return "0x" + code.removeprefix("0x")


def _function(entry: dict[str, Any]) -> Function:
    inputs = _types(entry["inputs"])
    return Function(
        selector=keccak(text=_signature(entry["name"], inputs))[:4],
        inputs=inputs,
        outputs=tuple(entry["outputs"]),
    )


def _event(entry: dict[str, Any]) -> tuple[str, Event]:
    topic = keccak(text=_signature(entry["name"], _types(entry["inputs"])))
    parts = [(part["name"], _type(part), part["indexed"]) for part in entry["inputs"]]
    event = Event(
        name=entry["name"],
        indexed=tuple((name, kind) for name, kind, indexed in parts if indexed),
        data=tuple((name, kind) for name, kind, indexed in parts if not indexed),
    )
    return "0x" + topic.hex(), event


def _error(entry: dict[str, Any]) -> tuple[bytes, tuple[str, tuple[str, ...]]]:
    kinds = _types(entry["inputs"])
    return keccak(text=_signature(entry["name"], kinds))[:4], (entry["name"], kinds)


def _named(part: dict[str, Any], value: Any) -> Any:
    """A decoded value with its structs as dicts."""
    if not part["type"].startswith("tuple"):
        return value
    if part["type"] != "tuple":
        return [_named(part | {"type": "tuple"}, one) for one in value]
    return {
        inner["name"]: _named(inner, one)
        for inner, one in zip(part["components"], value, strict=True)
    }


def _signature(name: str, kinds: tuple[str, ...]) -> str:
    return f"{name}({','.join(kinds)})"


def _types(parts: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(_type(part) for part in parts)


def _type(part: dict[str, Any]) -> str:
    """The canonical type: a struct is spelled out as its components."""
    kind: str = part["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_types(part['components']))}){kind.removeprefix('tuple')}"

"""Calls, answers, logs and errors by the compiled ABI; structs are read as dicts by their names."""

import json
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from contracts.compile import ARTIFACTS

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    name: str
    arguments: dict[str, Any]


class Abi:
    """What one artifact can say and be told."""

    def __init__(self, name: str) -> None:
        artifact = json.loads((ARTIFACTS / f"{name}.json").read_text(encoding="utf-8"))
        self.entries: list[Entry] = artifact["abi"]
        self.creation_code = bytes.fromhex(artifact["bytecode"][2:])
        self.runtime_code = bytes.fromhex(artifact["deployedBytecode"][2:])
        self._functions = {e["name"]: e for e in self.entries if e["type"] == "function"}
        self._events = {_hash(e): e for e in self.entries if e["type"] == "event"}
        self._errors = {_hash(e)[:4]: e for e in self.entries if e["type"] == "error"}

    @property
    def writes(self) -> list[Entry]:
        """The functions that can change state."""
        return [e for e in self._functions.values() if e["stateMutability"] in WRITING]

    def selector(self, function: str) -> bytes:
        return _hash(self._functions[function])[:4]

    def encode(self, function: str, *arguments: object) -> bytes:
        types = _types(self._functions[function]["inputs"])
        return self.selector(function) + encode(types, arguments)

    def decode(self, function: str, output: bytes) -> Any:
        """The one value returned, or a tuple of several."""
        values = _read(self._functions[function]["outputs"], output)
        return values[0] if len(values) == 1 else values

    def event(self, topics: list[str], data: bytes) -> Event | None:
        entry = self._events.get(bytes.fromhex(topics[0][2:]))
        if entry is None:
            return None
        indexed = [part for part in entry["inputs"] if part["indexed"]]
        plain = [part for part in entry["inputs"] if not part["indexed"]]
        words = b"".join(bytes.fromhex(topic[2:]) for topic in topics[1:])
        values = dict(zip((p["name"] for p in indexed), _read(indexed, words), strict=True))
        values |= zip((p["name"] for p in plain), _read(plain, data), strict=True)
        return Event(name=entry["name"], arguments=values)

    def error(self, data: bytes) -> str:
        """A custom error as `Name(arguments)`, other revert data as hex."""
        entry = self._errors.get(data[:4])
        if entry is None:
            return data.hex() or "no revert data"
        return f"{entry['name']}({', '.join(map(str, _read(entry['inputs'], data[4:])))})"


WRITING = ("nonpayable", "payable")


def _hash(entry: Entry) -> bytes:
    return keccak(text=f"{entry['name']}({','.join(_types(entry['inputs']))})")


def _types(parts: list[Entry]) -> list[str]:
    return [_type(part) for part in parts]


def _type(part: Entry) -> str:
    kind: str = part["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_types(part['components']))}){kind[len('tuple') :]}"


def _read(parts: list[Entry], data: bytes) -> tuple[Any, ...]:
    values = decode(_types(parts), data)
    return tuple(_named(part, value) for part, value in zip(parts, values, strict=True))


def _named(part: Entry, value: Any) -> Any:
    if not part["type"].startswith("tuple"):
        return list(value) if part["type"].endswith("[]") else value
    if part["type"].endswith("[]"):
        return [_named(part | {"type": part["type"][:-2]}, each) for each in value]
    names = [component["name"] for component in part["components"]]
    return {
        name: _named(component, each)
        for name, component, each in zip(names, part["components"], value, strict=True)
    }

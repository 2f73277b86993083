"""Turns the frozen values that steps return into plain fields for one log line.

Every bot's outcome is a dataclass that names what happened; this is how it is written down
without each bot knowing about logs. Sizes are limited: a line is for reading.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

_ITEMS_MAX = 20
_DEPTH_MAX = 6


def plain(value: Any, depth: int = _DEPTH_MAX) -> Any:
    """The value as JSON knows it.

    Dataclasses become mappings with their `type`, enumerations their value, bytes 0x… text.
    Of a longer collection the first twenty items are kept and the number of the others is
    said. Integers beyond 53 bits become text, since most readers of JSON would round them.
    """
    if isinstance(value, Enum):
        return plain(value.value, depth)
    if value is None or isinstance(value, bool | float | str):
        return value
    if isinstance(value, int):
        return value if -(2**53) < value < 2**53 else str(value)
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if depth == 0:
        return type(value).__name__
    return _structured(value, depth - 1)


def outcome_fields(outcome: object) -> dict[str, Any]:
    """The fields of an outcome, with the name of its type as `outcome`."""
    described = plain(outcome)
    if not isinstance(described, dict):
        return {"outcome": type(outcome).__name__, "value": described}
    return {"outcome": described.pop("type", type(outcome).__name__), **described}


def _structured(value: Any, depth: int) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        named = {field.name: plain(getattr(value, field.name), depth) for field in fields(value)}
        return {"type": type(value).__name__, **named}
    if isinstance(value, Mapping):
        return _mapping(value, depth)
    if isinstance(value, list | tuple):
        return _items(list(value), depth)
    if isinstance(value, AbstractSet):
        return _items(sorted(value, key=str), depth)
    return str(value)


def _mapping(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    kept = list(value.items())[:_ITEMS_MAX]
    described = {_name(key): plain(item, depth) for key, item in kept}
    if len(value) > _ITEMS_MAX:
        described["more"] = len(value) - _ITEMS_MAX
    return described


def _items(value: list[Any], depth: int) -> list[Any]:
    described = [plain(item, depth) for item in value[:_ITEMS_MAX]]
    if len(value) > _ITEMS_MAX:
        described.append(f"and {len(value) - _ITEMS_MAX} more")
    return described


def _name(key: Any) -> str:
    described = plain(key, 1)
    if isinstance(described, dict):  # such as a position's id and sequence
        return "-".join(str(part) for name, part in described.items() if name != "type")
    return str(described)

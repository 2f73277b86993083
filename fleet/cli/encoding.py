"""Plans and outcomes as JSON: every field by its name, every union told apart by `kind`.

Integers stay integers, exact; amounts in wei are larger than a double holds. Pure.
"""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum, IntEnum
from typing import Any


def to_json(value: object) -> str:
    """One JSON document, indented."""
    return json.dumps(jsonable(value), indent=2, ensure_ascii=False)


def jsonable(value: object) -> Any:
    """What `json` can write: frozen dataclasses become objects with their class as `kind`.

    Raises:
        TypeError: a value that no plan holds.
    """
    if is_dataclass(value) and not isinstance(value, type):
        own = {field.name: jsonable(getattr(value, field.name)) for field in fields(value)}
        return {"kind": type(value).__name__, **own}
    if isinstance(value, Enum):
        return value.name.lower() if isinstance(value, IntEnum) else value.value
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, Mapping):
        return {_key(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"no JSON for a {type(value).__name__}")


def _key(key: object) -> str:
    if is_dataclass(key) and not isinstance(key, type):
        return ":".join(str(jsonable(getattr(key, field.name))) for field in fields(key))
    return str(jsonable(key))

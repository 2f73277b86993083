"""Writes a configuration file: Python reads TOML and cannot write it.

Knows no setting; takes what `tomllib` gives.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any


def to_toml(document: Mapping[str, Any]) -> str:
    """The text of a TOML document: a table a section, an array of tables for a list of mappings.

    Args:
        document: strings, integers, floats, booleans, lists and mappings of them; a value of
            None is left out.

    Raises:
        TypeError: a value of any other kind.
    """
    return "\n".join(_table(document, path="")).lstrip("\n") + "\n"


def _table(table: Mapping[str, Any], *, path: str) -> Iterator[str]:
    inner = {key: value for key, value in table.items() if _is_table(value)}
    yield from (
        f"{key} = {_value(value)}"
        for key, value in table.items()
        if value is not None and key not in inner
    )
    for key, value in inner.items():
        name = f"{path}.{key}" if path else key
        if isinstance(value, Mapping):
            yield from ("", f"[{name}]", *_table(value, path=name))
            continue
        for item in value:
            yield from ("", f"[[{name}]]", *_table(item, path=name))


def _is_table(value: Any) -> bool:
    if isinstance(value, Mapping):
        return True
    is_list = isinstance(value, list | tuple) and bool(value)
    return is_list and all(isinstance(item, Mapping) for item in value)


def _value(value: Any) -> str:
    match value:
        case bool() | str():
            # JSON's escapes are TOML's, except for the one control character JSON lets pass.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case int() | float():
            return repr(value)
        case list() | tuple():
            return f"[{', '.join(_value(item) for item in value)}]"
        case _:
            raise TypeError(f"no TOML for a {type(value).__name__}")

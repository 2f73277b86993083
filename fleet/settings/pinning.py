"""Puts another registration block into a configuration file, and touches nothing else in it.

Python reads TOML and cannot write it without losing comments, so one line is replaced, and the
result is read again and compared with what it should say.
"""

import re
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from fleet.settings.problems import Problem, SettingsError
from units import BlockNumber, Netuid

_HEADER = re.compile(r"\s*\[")
_MARKETS = re.compile(r"\s*\[\[\s*markets\s*\]\]")
_PIN = re.compile(r"(\s*registered_at\s*=\s*)[0-9_]+(.*)", re.DOTALL)
_NETUID = re.compile(r"\s*netuid\s*=.*", re.DOTALL)


def repinned(text: str, netuid: Netuid, registered_at: BlockNumber) -> str:
    """The configuration with this market's `registered_at` changed, or added.

    Raises:
        SettingsError: it is no TOML, has no such market, or is written in a way that a line
            cannot be replaced in (an inline table, a value over several lines).
    """
    expected = _expected(text, netuid, registered_at)
    lines = text.splitlines(keepends=True)
    for start, end in _tables(lines):
        changed = [*lines[:start], *_changed(lines[start:end], registered_at), *lines[end:]]
        found = "".join(changed)
        if _parsed(found) == expected:
            return found
    raise _refused(f"the entry of netuid {netuid} is not written so that its line can be replaced")


def _expected(text: str, netuid: Netuid, registered_at: BlockNumber) -> dict[str, Any]:
    document = _parsed(text)
    if document is None:
        raise _refused("this is no TOML")
    entries = [each for each in document.get("markets", ()) if each.get("netuid") == netuid]
    if len(entries) != 1:
        raise _refused(f"there are {len(entries)} entries of netuid {netuid}")
    entries[0]["registered_at"] = registered_at
    return document


def _tables(lines: list[str]) -> Iterator[tuple[int, int]]:
    """Where each [[markets]] begins, and where the next table does."""
    headers = [at for at, line in enumerate(lines) if _HEADER.match(line)]
    for at, end in pairwise([*headers, len(lines)]):
        if _MARKETS.match(lines[at]):
            yield at, end


def _changed(table: list[str], registered_at: BlockNumber) -> Iterator[str]:
    has_pin = any(_PIN.match(line) for line in table)
    for line in table:
        pin = _PIN.fullmatch(line)
        yield line if pin is None else f"{pin[1]}{registered_at}{pin[2]}"
        if not has_pin and _NETUID.fullmatch(line):
            yield f"registered_at = {registered_at}\n"


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _refused(why: str) -> SettingsError:
    return SettingsError(Problem(where="markets", what=why))

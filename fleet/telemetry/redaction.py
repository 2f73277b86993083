"""Takes secrets out of whatever is about to leave the process as text.

A hash and a private key look alike, so a bare key is known by the name it stands under; what has
a form of its own (passwords in addresses, tokens in paths, `password=…`) is found anywhere. Pure.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

HIDDEN = "***"

_DEPTH_MAX = 12
_SECRET_NAME = re.compile(
    r"private|secret|passw|passphrase|mnemonic|authorization|credential|api_?key|\bdsn\b|_dsn$"
    r"|(^|_)token$",
    re.IGNORECASE,
)
_KEY_NAME = re.compile(r"key$", re.IGNORECASE)
_KEY_VALUE = re.compile(r"(0x)?[0-9a-fA-F]{64}")
_ASSIGNED = re.compile(
    r"(?i)\b((?:private[_ -]?key|secret|passw(?:or)?d|passphrase|mnemonic|api[_-]?key|token)"
    r"[\"']?\s*[=:]\s*[\"']?)([^\s\"',;&]+)"
)
_ADDRESS = re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.-]*://[^\s\"'<>]+")
_ACCOUNT = re.compile(r"\b0x[0-9a-fA-F]{40}\b")
_OPEN_SCHEMES = frozenset({"http", "https", "ws", "wss"})
_LOCAL_SCHEMES = frozenset({"file", "sqlite", "sqlite+aiosqlite"})
_DATABASE_SCHEMES = frozenset({"postgresql", "postgresql+asyncpg", "postgresql+psycopg"})
_TOKEN_LENGTH_MIN = 16


def redact(value: Any) -> Any:
    """The same value without its secrets; mappings, lists and tuples are searched.

    A value nested deeper than a dozen levels is hidden whole.
    """
    return _redact(value, _DEPTH_MAX)


def anonymous(value: Any) -> Any:
    """The same value without addresses: neither of nodes and services nor of accounts.

    For what leaves the operator's own machines. Any nesting.
    """
    match value:
        case str():
            return _ACCOUNT.sub(f"0x{HIDDEN}", _ADDRESS.sub(_nowhere, value))
        case Mapping():
            return {name: anonymous(at) for name, at in value.items()}
        case list() | tuple():
            return [anonymous(item) for item in value]
        case _:
            return value


def _nowhere(found: re.Match[str]) -> str:
    return f"{found.group().partition('://')[0]}://{HIDDEN}"


def redact_text(text: str) -> str:
    """The same text without passwords, tokens and addresses that hold any."""
    addresses = _ADDRESS.sub(lambda found: _redact_address(found.group()), text)
    return _ASSIGNED.sub(rf"\g<1>{HIDDEN}", addresses)


def _redact(value: Any, depth: int) -> Any:
    if depth == 0:
        return HIDDEN
    match value:
        case str():
            return redact_text(value)
        case bytes():
            return redact_text(value.decode(errors="replace"))
        case Mapping():
            return {name: _redact_named(str(name), at, depth) for name, at in value.items()}
        case list() | tuple():
            return [_redact(item, depth - 1) for item in value]
        case _:
            return value


def _redact_named(name: str, value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if _SECRET_NAME.search(name):
        return HIDDEN
    if _KEY_NAME.search(name) and isinstance(value, str) and _KEY_VALUE.fullmatch(value):
        return HIDDEN
    return _redact(value, depth - 1)


def _redact_address(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        return f"{address.partition('://')[0]}://{HIDDEN}"
    if parts.scheme in _LOCAL_SCHEMES:
        return address
    if parts.scheme in _DATABASE_SCHEMES:
        return f"{parts.scheme}://{_host(parts)}{parts.path}"
    if parts.scheme not in _OPEN_SCHEMES:
        # an address of a notification service is made of tokens
        return f"{parts.scheme}://{HIDDEN}"
    path = "/".join(_redact_segment(segment) for segment in parts.path.split("/"))
    query = f"?{HIDDEN}" if parts.query else ""
    return f"{parts.scheme}://{_host(parts)}{path}{query}"


def _host(parts: SplitResult) -> str:
    host = parts.netloc.rpartition("@")[2]
    return f"{HIDDEN}@{host}" if "@" in parts.netloc else host


def _redact_segment(segment: str) -> str:
    """Providers put their keys into the path; hashes (0x…) and words are no keys."""
    is_long = len(segment) >= _TOKEN_LENGTH_MIN
    has_digit = any(character.isdigit() for character in segment)
    return HIDDEN if is_long and has_digit and not segment.startswith("0x") else segment

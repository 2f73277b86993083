"""For how long a node that refuses by policy is to be left alone: its rate is used up. Pure.

Public nodes say so with HTTP 429 or 503 before there is a connection, and with an error's code or
words on one.
"""

import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

_UNSAID_S = 12.0
"""For one that does not say how long: the next block."""
_WAIT_S_MAX = 3_600.0
"""Whatever it says: a proxy's wrong date must not silence a node for a year."""
_CODES = frozenset({-32004, -32005, 429})
_WAIT_KEYS = ("retry_after", "retryAfter", "retry_after_s", "backoff_seconds")
_WORDS = ("rate limit", "too many requests")
_TOO_MANY, _BUSY = 429, 503


def wait_of_status(status: int, headers: Mapping[str, str] | None) -> float | None:
    """Seconds, of an answer to a handshake; None: it is no refusal by policy."""
    named = {name.lower(): value for name, value in (headers or {}).items()}
    said = named.get("retry-after")
    if status != _TOO_MANY and (status != _BUSY or said is None):
        return None
    return _bounded(_seconds(said) or _seconds_until(said, named.get("date")))


def wait_of_error(error: Any) -> float | None:
    """Seconds, of a JSON-RPC error; None: it is no refusal by policy."""
    fields = error if isinstance(error, dict) else {"message": error}
    code, words = fields.get("code"), str(fields.get("message")).lower()
    is_coded = isinstance(code, int) and code in _CODES and "not supported" not in words
    if not is_coded and not any(each in words for each in _WORDS):
        return None
    data = fields.get("data")
    said = [_seconds(data.get(key)) for key in _WAIT_KEYS] if isinstance(data, dict) else []
    return _bounded(next((each for each in said if each is not None), None))


def _bounded(said_s: float | None) -> float:
    """What its word comes to; "now" from one that refuses is not believed."""
    return min(said_s or _UNSAID_S, _WAIT_S_MAX)


def _seconds(value: Any) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and found > 0 else None


def _seconds_until(date: str | None, now: str | None) -> float | None:
    """By the server's own clock, so that none of this machine is needed."""
    if date is None or now is None:
        return None
    try:
        wait = parsedate_to_datetime(date) - parsedate_to_datetime(now)
    except (TypeError, ValueError, OverflowError):
        return None
    return wait.total_seconds() if wait.total_seconds() > 0 else None

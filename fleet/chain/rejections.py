"""The one table that knows nodes' error texts: anvil's, Frontier's (chain 964) and geth's.

Pure. Texts are matched as lower-case fragments, first match wins, so longer ones stand first.
Whatever is not in the table is not understood, and is never taken for a definite refusal.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, Literal, TypeVar

_Meaning = TypeVar("_Meaning")

Verdict = Literal[
    "accepted",
    "already known",
    "nonce too low",
    "nonce too high",
    "replacement underpriced",
    "fee too low",
    "insufficient funds",
    "invalid",
    "uncertain",
]
"""What a node said to a raw transaction. "uncertain": it may have it or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broadcast:
    """A node's answer to a raw transaction; `detail` is its own words."""

    verdict: Verdict
    detail: str


ACCEPTED = Broadcast(verdict="accepted", detail="")

_TRANSACTION: tuple[tuple[str, Verdict], ...] = (
    ("already known", "already known"),  # geth, Frontier (also while it bans the hash for a while)
    ("already imported", "already known"),  # anvil, Substrate "Transaction Already Imported"
    ("alreadyimported", "already known"),  # Frontier's legacy text
    ("unknown transaction", "uncertain"),  # Substrate "Unknown Transaction Validity"
    ("known transaction", "already known"),  # geth before 1.9
    # Substrate: it threw it out and takes it for the next half hour from nobody; others may hold it
    ("temporarily banned", "uncertain"),
    ("temporarilybanned", "uncertain"),  # Frontier's legacy text
    ("nonce too low", "nonce too low"),  # all three
    ("invalidtransaction::stale", "nonce too low"),  # Substrate
    ("invalidtransaction(stale)", "nonce too low"),  # Frontier's legacy text
    ("transaction is outdated", "nonce too low"),  # Substrate
    ("nonce too high", "nonce too high"),  # geth; a gap that some pools do not keep
    ("gapped", "nonce too high"),  # geth "transaction gapped nonce", "gapped-nonce tx from …"
    ("future transaction tries to replace pending", "nonce too high"),  # geth
    ("will be valid in the future", "nonce too high"),  # Substrate
    # no room: not held by this node now, and perhaps by others or a moment later
    ("pool is full", "uncertain"),  # geth "txpool is full"
    ("immediately dropped", "uncertain"),  # Substrate
    ("immediatelydropped", "uncertain"),  # Frontier's legacy text
    ("replacement transaction underpriced", "replacement underpriced"),  # all three
    ("priority is too low", "replacement underpriced"),  # Substrate
    ("toolowpriority", "replacement underpriced"),  # Frontier's legacy text
    ("less than block base fee", "fee too low"),  # anvil "max fee …", Frontier "gas price …", geth
    ("transaction underpriced", "fee too low"),  # geth: below the pool's minimum
    ("insufficient funds", "insufficient funds"),  # all three
    ("inability to pay", "insufficient funds"),  # Substrate
    ("exceeds block gas limit", "invalid"),  # geth, Frontier
    ("intrinsic gas too", "invalid"),  # geth, Frontier "low", anvil "low" and "high"
    ("gas limit reached", "invalid"),  # geth
    ("transaction gas limit too high", "invalid"),  # geth since EIP-7825
    ("exceeds the configured cap", "invalid"),  # geth: the whole fee, before its pool is asked
    ("invalid sender", "invalid"),  # geth, Frontier
    ("invalid chain id", "invalid"),  # geth, Frontier
    ("higher than max fee per gas", "invalid"),  # geth, Frontier
    ("priorityfee cannot be more than maxfee", "invalid"),  # Frontier through ethers
    ("greater than `max_fee_per_gas`", "invalid"),  # anvil
    ("failed to decode transaction", "invalid"),  # anvil
    ("decode transaction failed", "invalid"),  # Frontier
    ("oversized data", "invalid"),  # geth
    ("max initcode size exceeded", "invalid"),  # geth
    ("invalid fee input", "invalid"),  # Frontier
    ("rlp:", "invalid"),  # geth: not a transaction
    ("transaction type not supported", "invalid"),  # geth
    ("only replay-protected", "invalid"),  # geth
)


def broadcast_refused(message: str) -> Broadcast:
    """Reads the error text of eth_sendRawTransaction."""
    return Broadcast(verdict=_first(_TRANSACTION, message) or "uncertain", detail=message)


class Refusal(StrEnum):
    """Why a query failed."""

    REVERTED = "reverted"
    STATE_UNAVAILABLE = "state unavailable"
    TOO_MANY_LOGS = "too many logs"
    RATE_LIMITED = "rate limited"
    OTHER = "other"


_RATE_LIMITED_CODES = frozenset({-32004, -32005, 429})

_QUERY: tuple[tuple[str, Refusal], ...] = (
    ("query returned more than", Refusal.TOO_MANY_LOGS),  # geth's gateways, Frontier
    ("query timeout of", Refusal.TOO_MANY_LOGS),  # Frontier: 10 seconds of searching
    ("block range", Refusal.TOO_MANY_LOGS),  # proxies: "block range is too wide", "… too large"
    ("exceed maximum block range", Refusal.TOO_MANY_LOGS),  # geth's gateways
    ("execution reverted", Refusal.REVERTED),  # geth, anvil
    ("vm exception while processing transaction: revert", Refusal.REVERTED),  # Frontier
    ("evm error", Refusal.REVERTED),  # anvil, Frontier: invalid opcode, out of gas
    ("out of gas", Refusal.REVERTED),  # all three
    ("invalid opcode", Refusal.REVERTED),  # geth
    ("blockoutofrange", Refusal.STATE_UNAVAILABLE),  # anvil
    ("header not found", Refusal.STATE_UNAVAILABLE),  # geth
    ("missing trie node", Refusal.STATE_UNAVAILABLE),  # geth
    ("unknown block", Refusal.STATE_UNAVAILABLE),  # geth, Substrate
    ("unknownblock", Refusal.STATE_UNAVAILABLE),  # Substrate: state already discarded, not found
    ("state already discarded", Refusal.STATE_UNAVAILABLE),  # Substrate
    ("expect block number from id", Refusal.STATE_UNAVAILABLE),  # Frontier
    ("not supported", Refusal.OTHER),  # EIP-1474 gives this the -32004 that others limit rates by
    ("rate limit", Refusal.RATE_LIMITED),
    ("too many requests", Refusal.RATE_LIMITED),
)


def query_refused(code: int, message: str) -> Refusal:
    """Reads the error of anything but eth_sendRawTransaction."""
    found = _first(_QUERY, message)
    if found is None and code in _RATE_LIMITED_CODES:
        return Refusal.RATE_LIMITED
    return found or Refusal.OTHER


_NESTED_MAX = 4


def revert_data(data: Any) -> bytes:
    """The bytes a contract reverted with: a hex string (Frontier once left out 0x), or nested."""
    for _ in range(_NESTED_MAX):
        if isinstance(data, dict):
            data = data.get("data")
    if not isinstance(data, str):
        return b""
    try:
        return bytes.fromhex(data.removeprefix("0x"))
    except ValueError:
        return b""


_RETRY_KEYS = ("retry_after", "retryAfter", "retry_after_s", "backoff_seconds")


def retry_after_s(data: Any) -> float | None:
    """The seconds that a node put into the error's data; None when it did not."""
    fields = data if isinstance(data, dict) else {}
    named = (fields[key] for key in _RETRY_KEYS if key in fields)
    return next((found for each in named if (found := _seconds(each)) is not None), None)


def retry_after_header_s(value: str | None, date: str | None) -> float | None:
    """The seconds of an HTTP Retry-After; None when there is none that can be read.

    Args:
        value: seconds, or the date until which to stay away.
        date: the Date of the same answer, so that no clock of this machine is needed.
    """
    seconds = _seconds(value)
    if seconds is not None or value is None or date is None:
        return seconds
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(date)
    except (ValueError, TypeError, OverflowError):  # TypeError: one of them names no zone
        return None
    return max(0.0, wait.total_seconds())


def _seconds(value: Any) -> float | None:
    """A finite duration, also when it is written as a text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and found >= 0 else None


def _first(table: Iterable[tuple[str, _Meaning]], message: str) -> _Meaning | None:
    text = message.lower()
    return next((meaning for fragment, meaning in table if fragment in text), None)

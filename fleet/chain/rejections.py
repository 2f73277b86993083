"""The one table that knows nodes' error texts: anvil's, Frontier's (chain 964) and geth's.

Pure. Texts are matched as lower-case fragments, first match wins, so longer ones stand first.
Whatever is not in the table is not understood, and is never taken for a definite refusal.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, TypeVar

_Meaning = TypeVar("_Meaning")

Verdict = Literal[
    "accepted",
    "already known",
    "nonce too low",
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
    ("already imported", "already known"),  # anvil
    ("known transaction", "already known"),  # geth before 1.9
    ("nonce too low", "nonce too low"),  # all three
    ("replacement transaction underpriced", "replacement underpriced"),  # all three
    ("less than block base fee", "fee too low"),  # anvil "max fee …", Frontier "gas price …", geth
    ("transaction underpriced", "fee too low"),  # geth: below the pool's minimum
    ("insufficient funds", "insufficient funds"),  # all three
    ("exceeds block gas limit", "invalid"),  # geth, Frontier
    ("intrinsic gas too", "invalid"),  # geth, Frontier "low", anvil "low" and "high"
    ("gas limit reached", "invalid"),  # geth
    ("invalid sender", "invalid"),  # geth, Frontier
    ("invalid chain id", "invalid"),  # geth, Frontier
    ("higher than max fee per gas", "invalid"),  # geth, Frontier
    ("priorityfee cannot be more than maxfee", "invalid"),  # Frontier through ethers
    ("greater than `max_fee_per_gas`", "invalid"),  # anvil
    ("failed to decode transaction", "invalid"),  # anvil
    ("decode transaction failed", "invalid"),  # Frontier
    ("oversized data", "invalid"),  # geth
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
    ("rate limit", Refusal.RATE_LIMITED),
    ("too many requests", Refusal.RATE_LIMITED),
)


def query_refused(code: int, message: str) -> Refusal:
    """Reads the error of anything but eth_sendRawTransaction."""
    found = _first(_QUERY, message)
    if found is None and code in _RATE_LIMITED_CODES:
        return Refusal.RATE_LIMITED
    return found or Refusal.OTHER


def revert_data(data: Any) -> bytes:
    """The bytes a contract reverted with: a hex string (Frontier once left out 0x), or nested."""
    if isinstance(data, dict):
        return revert_data(data.get("data"))
    if not isinstance(data, str):
        return b""
    try:
        return bytes.fromhex(data.removeprefix("0x"))
    except ValueError:
        return b""


def retry_after_s(data: Any) -> float | None:
    """The delay some nodes put into the error's data."""
    value = data.get("retry_after") if isinstance(data, dict) else None
    return float(value) if isinstance(value, int | float) and value >= 0 else None


def _first(table: Iterable[tuple[str, _Meaning]], message: str) -> _Meaning | None:
    text = message.lower()
    return next((meaning for fragment, meaning in table if fragment in text), None)

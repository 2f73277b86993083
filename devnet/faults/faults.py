"""What can be wrong between a client and its node, as values. Pure.

Each kind is something that nodes, their gateways or the network in front of them are known to do.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """The answer comes `seconds` late; `is_sent_late`: the node hears the request late too."""

    seconds: float
    is_sent_late: bool = False
    kind: Literal["lag"] = "lag"


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """No answer ever comes; `is_forwarded`: the node got the request all the same."""

    is_forwarded: bool
    kind: Literal["silence"] = "silence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Twice:
    """The node gets it twice, as from a gateway that tries again; the later answer is told."""

    kind: Literal["twice"] = "twice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The connection breaks in the middle of the answer; the node has done what was asked."""

    kind: Literal["cut"] = "cut"


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncated:
    """A whole answer to HTTP, half an answer to JSON; the node has done what was asked."""

    kind: Literal["truncated"] = "truncated"


@dataclass(frozen=True, slots=True, kw_only=True)
class TooManyRequests:
    """HTTP status 429, nothing forwarded; Retry-After is sent when there are `retry_after_s`."""

    retry_after_s: int | None = None
    kind: Literal["too many requests"] = "too many requests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limited:
    """A JSON-RPC error, nothing forwarded; by default the one of chain 964's public gateways."""

    code: int = -32005
    message: str = "storage work rate limit exceeded"
    retry_after_s: int | None = None
    kind: Literal["limited"] = "limited"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """Answers as a node would that is `blocks` behind: other reads of the tip, no newer receipts.

    Its pool is up to date: it takes transactions, knows them and counts them as pending.
    """

    blocks: int
    kind: Literal["stale"] = "stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class Boast:
    """Its latest block is `blocks` above the true one; `has_it`: and by its number it is there."""

    blocks: int
    has_it: bool = False
    kind: Literal["boast"] = "boast"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoLogs:
    """eth_getLogs finds nothing, as a pruned node does for old blocks, and does not say why."""

    kind: Literal["no logs"] = "no logs"


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherChain:
    """It says that it serves another chain."""

    chain_id: int
    kind: Literal["other chain"] = "other chain"


InTransport = Lag | Silence | Twice | Cut | Truncated | TooManyRequests
"""They befall a whole HTTP request, a batch with all that is in it."""

InAnswer = Limited | Stale | Boast | NoLogs | OtherChain
"""They befall one JSON-RPC request; the others of its batch are answered as ever."""

Fault = Annotated[InTransport | InAnswer, Field(discriminator="kind")]

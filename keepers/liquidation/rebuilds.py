"""Why a book is made anew, and what a follower went through. Pure values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class RebuildReason(StrEnum):
    """Why a book was made anew from views."""

    START = "first book"
    GAP = "the gap is beyond what logs may bridge"
    DEEP_REORG = "the chain reorganised deeper than the book can rewind"
    PARAMETERS = "a market was listed or its parameters changed"
    INCONSISTENT = "an event did not fit the book"
    COUNT = "the chain counts other positions than the book"
    MARKETS = "the chain's markets are not the book's"
    MISMATCH = "reconciliation found differences"


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowerCounts:
    """What the follower went through since it started, for telemetry.

    `mismatches`: how often a comparison found the book wrong, made anew by now or not.
    """

    rebuilds: Mapping[RebuildReason, int] = field(default_factory=dict)
    rewinds: int = 0
    reconciliations: int = 0
    restored: int = 0
    mismatches: int = 0
    last_rebuild_detail: str = ""
    last_mismatch: str = ""

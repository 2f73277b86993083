"""What people are told, and what of it waits. Values only."""

from dataclasses import dataclass

from units import BlockNumber, Timestamp

URGENCY = ("page", "notify", "inform", "digest")
"""Every severity, most urgent first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One thing to tell people; `id` is the same whenever it is told.

    `block` and `created_at` are the chain's. Of many with one severity those with the lowest
    `rank` are shown first: a margin ratio in basis points, or 0.
    """

    id: str
    severity: str
    title: str
    body: str
    block: BlockNumber
    created_at: Timestamp
    rank: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A message that a channel has not taken yet, after `attempts` failures."""

    message: Message
    attempts: int

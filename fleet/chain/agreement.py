"""What several nodes said, as one answer: agreed by enough operators, or none. Pure.

Each operator has one vote. An answer counts only when `needed` operators gave the same one; with
`needed` above half of all operators there is never a second such answer.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fleet.chain.failures import (
    CallReverted,
    ChainError,
    NodesDisagree,
    NodeUnavailable,
    RequestRejected,
    WrongChain,
    gathered,
)

Answer = TypeVar("Answer")

_TEXT_MAX = 48

Absence = NodeUnavailable | WrongChain
"""Why a node has no say in a question."""

No = CallReverted | RequestRejected
"""A node's no, which is an answer that others can agree with."""


@dataclass(frozen=True, slots=True)
class Ballot(Generic[Answer]):
    """What one node said: an answer, a no, or why it has no say."""

    endpoint: str
    said: Answer | No | Absence

    @property
    def counts(self) -> bool:
        """Is it a vote?"""
        return not isinstance(self.said, NodeUnavailable | WrongChain)


@dataclass(frozen=True, slots=True)
class Agreed(Generic[Answer]):
    """Enough said this; `outvoted` said something else."""

    said: Answer | No
    outvoted: tuple[str, ...]


def agreed(
    ballots: Sequence[Ballot[Answer]], needed: int, key: Callable[[Answer], Any]
) -> Agreed[Answer] | None:
    """The answer that enough gave; None as long as there is none.

    Args:
        ballots: at most one of each operator.
        needed: how many must say the same.
        key: what of an answer has to be the same.
    """
    votes = [each for each in ballots if each.counts]
    marks = [_mark(each.said, key) for each in votes]
    for vote, mark in zip(votes, marks, strict=True):
        if marks.count(mark) >= needed:
            others = zip(votes, marks, strict=True)
            outvoted = tuple(each.endpoint for each, other in others if other != mark)
            return Agreed(said=vote.said, outvoted=outvoted)  # type: ignore[arg-type] # it counts
    return None


def support(ballots: Sequence[Ballot[Answer]], key: Callable[[Answer], Any]) -> int:
    """How many said what most of them said."""
    marks = [_mark(each.said, key) for each in ballots if each.counts]
    return max((marks.count(mark) for mark in marks), default=0)


def failure_of(
    ballots: Sequence[Ballot[Answer]], needed: int, key: Callable[[Answer], Any]
) -> ChainError:
    """Why no answer was agreed on: they say different things, or too few say anything."""
    votes = [each for each in ballots if each.counts]
    if len(votes) >= needed:
        said = {each.endpoint: _text(_mark(each.said, key)) for each in votes}
        return NodesDisagree(_dispute(said, needed), said=said)
    absences = [
        each.said for each in ballots if isinstance(each.said, NodeUnavailable | WrongChain)
    ]
    # That all there are serve another chain only the pool can say: not everybody was asked.
    missing = [each for each in absences if isinstance(each, NodeUnavailable)]
    reasons = "; ".join(str(absence) for absence in absences) or "no other may be asked now"
    text = f"{len(votes)} of the {needed} operators that must agree answered: {reasons}"
    return gathered(missing, text) if missing else NodeUnavailable(text)


def _dispute(said: Mapping[str, str], needed: int) -> str:
    each = ", ".join(f"{endpoint} says {text}" for endpoint, text in said.items())
    return f"no {needed} operators say the same: {each}"


def _mark(said: Any, key: Callable[[Answer], Any]) -> Any:
    if isinstance(said, CallReverted):
        return "reverted", said.data
    if isinstance(said, RequestRejected):
        return "rejected", None  # each client has its own words for the same no
    return "answered", key(said)


def _text(mark: tuple[str, Any]) -> str:
    """Short enough for a line, and different for different answers."""
    kind, value = mark
    text = value.hex() if isinstance(value, bytes) else str(value)
    if len(text) > _TEXT_MAX:
        text = f"#{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    return f"{kind} {text}"

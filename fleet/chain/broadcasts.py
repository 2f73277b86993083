"""What several nodes said to one raw transaction, as one answer. Pure.

A no is final only when nobody may hold the transaction: a node that gave no answer may, and so
may one that could not be asked now but was asked before.
"""

from collections.abc import Sequence

from fleet.chain.rejections import Broadcast, Verdict

HELD: tuple[Verdict, ...] = ("accepted", "already known")
"""Somebody has it; of one mind or not, the others do not matter."""

_REFUSED: tuple[Verdict, ...] = (
    "nonce too low",
    "replacement underpriced",
    "fee too low",
    "insufficient funds",
    "invalid",
    "nonce too high",
)
"""From what tells most of the chain to what is only of one node that lags."""


def combined(answers: Sequence[Broadcast], silent: Sequence[str]) -> Broadcast:
    """One answer for all.

    Args:
        answers: of the nodes that gave one.
        silent: why others gave none, a line each.
    """
    for verdict in HELD:
        for answer in answers:
            if answer.verdict == verdict:
                return answer
    if silent or not answers or any(answer.verdict == "uncertain" for answer in answers):
        details = [answer.detail for answer in answers] + list(silent)
        return Broadcast(verdict="uncertain", detail="; ".join(details) or "no node could be asked")
    return min(answers, key=lambda answer: _REFUSED.index(answer.verdict))

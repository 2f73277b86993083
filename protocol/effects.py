"""What a transaction of the fleet would do, and what it did: everything skipped is nothing.

Implements `fleet.transactions.rehearsal.Judge`. The contracts revert for no single entry, so
success alone says little. Pure. Knows return values and logs; not what is sent or when.
"""

from collections.abc import Callable, Sequence
from typing import Any

from fleet.transactions.request import Outcome, TransactionRequest
from keepers.liquidation.outcomes import LiquidationSkipped, SkipReason
from keepers.liquidation.positions import FundingAccrued, PositionLiquidated, PricePushed
from keepers.liquidation.reports import write
from protocol.abi import selector
from protocol.events import book_event, liquidation_event
from protocol.reports import report_of
from protocol.words import read_array, read_uint

_DONE = 0
"""The outcome of an entry that took effect, in PushOutcome, Outcome and Accrual alike."""

_PUSH = selector("PriceFeed", "push")
_PUSH_AND_LIQUIDATE = selector("KeeperRouter", "pushAndLiquidate")
_LIQUIDATE = selector("Exchange", "liquidate")
_ACCRUE = selector("Exchange", "accrueFunding")
_OUTCOME_ARRAYS = {_PUSH: 1, _PUSH_AND_LIQUIDATE: 2, _LIQUIDATE: 1, _ACCRUE: 1}
"""How many arrays of outcomes a call returns, first thing."""


class ExchangeEffects:
    """The exchange's outcomes, in answers and in receipts."""

    def pointless(self, request: TransactionRequest, result: bytes) -> str | None:
        """Why a call that returned this would do nothing; None when it would do something."""
        arrays = _OUTCOME_ARRAYS.get(request.data[:4], 0)
        try:
            outcomes = [
                read_uint(word, 0)
                for argument in range(arrays)
                for word in read_array(result, argument, 1)
            ]
        except ValueError as error:
            return f"the contract answered something else: {error}"
        if not arrays or _DONE in outcomes:
            return None
        return f"every one of its {len(outcomes)} entries would be skipped"

    def had_effect(self, request: TransactionRequest, logs: Sequence[dict[str, Any]]) -> bool:
        """Whether a transaction that left these logs did something, or was not to blame.

        A position that was closed before the liquidation landed is nobody's fault.
        """
        decide = _EFFECTS.get(request.data[:4])
        return True if decide is None else decide(logs)

    def report(self, request: TransactionRequest, outcome: Outcome) -> str | None:
        """What became of the positions that a request was to liquidate; None without any."""
        return write(report_of(outcome)) if request.subjects else None


def _has_pushed(logs: Sequence[dict[str, Any]]) -> bool:
    return any(isinstance(book_event(log), PricePushed) for log in logs)


def _has_accrued(logs: Sequence[dict[str, Any]]) -> bool:
    return any(isinstance(book_event(log), FundingAccrued) for log in logs)


def _has_liquidated(logs: Sequence[dict[str, Any]]) -> bool:
    events = [event for event in map(liquidation_event, logs) if event is not None]
    if any(isinstance(event, PositionLiquidated) for event in events):
        return True
    return bool(events) and all(_is_closed(event) for event in events)


def _is_closed(event: object) -> bool:
    return isinstance(event, LiquidationSkipped) and event.reason is SkipReason.CLOSED


_EFFECTS: dict[bytes, Callable[[Sequence[dict[str, Any]]], bool]] = {
    _PUSH: _has_pushed,
    _PUSH_AND_LIQUIDATE: lambda logs: _has_pushed(logs) or _has_liquidated(logs),
    _LIQUIDATE: _has_liquidated,
    _ACCRUE: _has_accrued,
}

"""What became of each position that was sent to be liquidated. Pure.

`protocol/` decodes a receipt's logs into these events; the contract reports every id it was given,
so a mined transaction that says nothing of an id is itself a finding.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from keepers.liquidation.positions import PositionKey, PositionLiquidated
from units import PositionId


class SkipReason(StrEnum):
    """Why the contract left a position as it was (Exchange.Outcome, without Liquidated)."""

    HEALTHY = "at or above maintenance in its block"
    CLOSED = "already closed or liquidated"
    STALE = "the feed's price was too old"
    SUSPENDED = "the market was suspended"
    GAS = "the transaction's gas did not reach it"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationSkipped:
    """The contract was asked for this id and left it."""

    id: PositionId
    reason: SkipReason


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationCallFailed:
    """The router's isolated call into the exchange failed: no id of the transaction was touched."""

    detail: str


ReceiptEvent = PositionLiquidated | LiquidationSkipped | LiquidationCallFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Liquidated:
    """Done, with the figures of its event."""

    event: PositionLiquidated


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Asked for and left; CLOSED is a normal end, the others may be asked for again."""

    reason: SkipReason


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAttempted:
    """Its transaction reverted, expired or was replaced, or its call failed; `detail` says."""

    detail: str


LiquidationOutcome = Liquidated | Skipped | NotAttempted


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationResult:
    """The outcome of one position of one transaction."""

    key: PositionKey
    outcome: LiquidationOutcome


def mined_results(
    keys: Sequence[PositionKey], events: Iterable[ReceiptEvent]
) -> tuple[LiquidationResult, ...]:
    """Maps the events of a mined transaction to the positions it was sent for, in their order.

    An id that was reopened before the transaction landed is liquidated under another sequence:
    for the position that was meant, that is CLOSED.
    """
    outcomes: dict[PositionId, PositionLiquidated | SkipReason] = {}
    silence = "the receipt does not mention it"
    for event in events:
        match event:
            case PositionLiquidated(key=key):
                outcomes[key.id] = event
            case LiquidationSkipped(id=position_id, reason=reason):
                outcomes.setdefault(position_id, reason)
            case LiquidationCallFailed(detail=detail):
                silence = f"the call into the exchange failed: {detail}"
            case _:
                assert_never(event)
    return tuple(
        LiquidationResult(key=key, outcome=_outcome(key, outcomes.get(key.id), silence))
        for key in keys
    )


def lost_results(keys: Sequence[PositionKey], detail: str) -> tuple[LiquidationResult, ...]:
    """The results of a transaction that reverted, expired or was superseded."""
    return tuple(LiquidationResult(key=key, outcome=NotAttempted(detail=detail)) for key in keys)


def may_be_sent_again(outcome: LiquidationOutcome) -> bool:
    """Whether the position may still be there to liquidate after this outcome."""
    match outcome:
        case Liquidated() | Skipped(reason=SkipReason.CLOSED):
            return False
        case Skipped() | NotAttempted():
            return True
        case _:
            assert_never(outcome)


def _outcome(
    key: PositionKey, reported: PositionLiquidated | SkipReason | None, silence: str
) -> LiquidationOutcome:
    match reported:
        case PositionLiquidated():
            if reported.key != key:
                return Skipped(reason=SkipReason.CLOSED)
            return Liquidated(event=reported)
        case SkipReason():
            return Skipped(reason=reported)
        case None:
            return NotAttempted(detail=silence)
        case _:
            assert_never(reported)

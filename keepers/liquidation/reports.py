"""What became of a transaction that liquidates, as a value and as text. Pure.

Kept beside the record of its decision, from its final receipt on.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from keepers.liquidation.outcomes import (
    LiquidationCallFailed,
    LiquidationResult,
    LiquidationSkipped,
    ReceiptEvent,
    SkipReason,
    lost_results,
    mined_results,
)
from keepers.liquidation.positions import PositionKey, PositionLiquidated
from keepers.liquidation.records import RecordError, integer, plain
from units import (
    Address,
    BlockNumber,
    FundingIndex,
    Netuid,
    PositionId,
    PriceWei,
    Wei,
)
from units import (
    Sequence as Opening,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A transaction's end. `lost` says why it had none of the effects it was sent for.

    `block`, `gas_used` and `fee` are of what was mined in its place, None where nothing is known
    of that; `events` what its receipt says of its positions.
    """

    block: BlockNumber | None = None
    gas_used: int | None = None
    fee: Wei | None = None
    lost: str | None = None
    events: tuple[ReceiptEvent, ...] = ()

    def results(self, keys: Sequence[PositionKey]) -> tuple[LiquidationResult, ...]:
        """What became of each of the positions that it was sent for."""
        if self.lost is not None:
            return lost_results(keys, self.lost)
        return mined_results(keys, self.events)


def write(report: Report) -> str:
    """The report as text."""
    document = {
        "block": _text(report.block),
        "gas_used": _text(report.gas_used),
        "fee": _text(report.fee),
        "lost": report.lost,
        "events": [_event(each) for each in report.events],
    }
    return json.dumps(document, separators=(",", ":"))


def read(text: str) -> Report:
    """The report that `write` made.

    Raises:
        RecordError: it is none.
    """
    try:
        return _report(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordError(f"not a report of this version: {error!r}") from error


def _report(document: dict[str, Any]) -> Report:
    block, gas_used, fee = (_number(document[name]) for name in ("block", "gas_used", "fee"))
    return Report(
        block=None if block is None else BlockNumber(block),
        gas_used=gas_used,
        fee=None if fee is None else Wei(fee),
        lost=document["lost"],
        events=tuple(_read_event(each) for each in document["events"]),
    )


def _event(event: ReceiptEvent) -> dict[str, Any]:
    match event:
        case PositionLiquidated():
            return {"kind": "liquidated", **plain(event)}
        case LiquidationSkipped(id=position_id, reason=reason):
            return {"kind": "skipped", "id": position_id.hex(), "reason": reason.name}
        case LiquidationCallFailed(detail=detail):
            return {"kind": "call failed", "detail": detail}
        case _:
            assert_never(event)


def _read_event(document: dict[str, Any]) -> ReceiptEvent:
    match document["kind"]:
        case "liquidated":
            return _liquidated(document)
        case "skipped":
            return LiquidationSkipped(id=_id(document["id"]), reason=SkipReason[document["reason"]])
        case "call failed":
            return LiquidationCallFailed(detail=str(document["detail"]))
        case other:
            raise ValueError(f"no event is called {other!r}")


def _liquidated(document: dict[str, Any]) -> PositionLiquidated:
    key = document["key"]
    return PositionLiquidated(
        key=PositionKey(id=_id(key["id"]), sequence=Opening(integer(key["sequence"]))),
        trader=Address(document["trader"]),
        netuid=Netuid(integer(document["netuid"])),
        price=PriceWei(integer(document["price"])),
        index=FundingIndex(integer(document["index"])),
        remaining=integer(document["remaining"]),
        penalty=Wei(integer(document["penalty"])),
        keeper_share=Wei(integer(document["keeper_share"])),
        bad_debt=Wei(integer(document["bad_debt"])),
    )


def _id(text: str) -> PositionId:
    return PositionId(bytes.fromhex(text))


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)


def _number(text: str | None) -> int | None:
    return None if text is None else integer(text)

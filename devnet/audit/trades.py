"""Whether somebody traded at a price that was known to be wrong. Pure.

Every open and close by a trader, at its fill, beside the source's price of its own block.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devnet.audit.margin import Holding
from units import BPS_ONE, Bps, PriceWei, Wei

TRADES = frozenset({"PositionOpened", "PositionChanged", "PositionClosed"})
"""Events of trades."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A fill: `value` is the notional at entry, `is_buy` of a long opened or a short closed."""

    value: Wei
    price: PriceWei
    is_buy: bool


@dataclass(slots=True)
class Trades:
    """Notional traded, in wei.

    Attributes:
        value: all of it.
        better: at a price better for the trader than the source's of that block by more than the
            market's band.
        held: in a market whose suspension had landed.
    """

    value: int = 0
    better: int = 0
    held: int = 0

    def judge(self, trade: Trade, *, source: PriceWei, band: Bps, is_suspended: bool) -> None:
        """Adds one; `source` is 0 where the source has no price."""
        self.value += trade.value
        if source and _is_better(trade, source, band):
            self.better += trade.value
        if is_suspended:
            self.held += trade.value


def trade_of(name: str, arguments: Mapping[str, Any], holding: Holding | None) -> Trade | None:
    """The trade an event tells of; None when it tells of none.

    Args:
        name: the event's.
        arguments: its own.
        holding: the position before it, None when there was none.
    """
    if name == "PositionOpened":
        return Trade(
            value=Wei(arguments["size"]),
            price=PriceWei(arguments["entryPrice"]),
            is_buy=arguments["isLong"],
        )
    if name not in {"PositionChanged", "PositionClosed"} or holding is None:
        return None
    return Trade(
        value=Wei(holding.size - arguments.get("size", 0)),
        price=PriceWei(arguments["closePrice"]),
        is_buy=not holding.is_long,
    )


def _is_better(trade: Trade, source: PriceWei, band: Bps) -> bool:
    if trade.is_buy:
        return trade.price * BPS_ONE < source * (BPS_ONE - band)
    return trade.price * BPS_ONE > source * (BPS_ONE + band)

"""Every event of the contracts: what the keepers make of it, or why they need not."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from keepers.liquidation.outcomes import LiquidationCallFailed, LiquidationSkipped
from keepers.liquidation.positions import (
    BookEvent,
    FundingAccrued,
    MarketResumed,
    MarketSuspended,
    ParametersChanged,
    Position,
    PositionChanged,
    PositionClosed,
    PositionKey,
    PositionLiquidated,
    PositionOpened,
    PricePushed,
)
from protocol.events import SKIP_REASONS
from tests.unit.protocol.abi_values import Values, event_values, market_addresses, netuid
from units import BlockNumber, Netuid

HEIGHT = 5_072_300


def key(values: Values) -> PositionKey:
    return PositionKey(id=values["id"], sequence=values["sequence"])


def market(values: Values) -> Netuid:
    return Netuid(netuid(values["market"]))


def opened(values: Values) -> PositionOpened:
    return PositionOpened(
        position=Position(
            key=key(values),
            holder=bytes.fromhex(values["trader"][2:]),
            netuid=market(values),
            is_long=values["isLong"],
            margin=values["margin"],
            size=values["size"],
            entry_price=values["entryPrice"],
            entry_index=values["entryIndex"],
        )
    )


def liquidated(values: Values) -> PositionLiquidated:
    return PositionLiquidated(
        key=key(values),
        trader=values["trader"],
        netuid=market(values),
        price=values["price"],
        index=values["index"],
        remaining=values["remaining"],
        penalty=values["penalty"],
        keeper_share=values["keeperShare"],
        bad_debt=values["badDebt"],
    )


BOOK: dict[str, tuple[str, Callable[[Values], BookEvent]]] = {
    "PositionOpened": ("Exchange", opened),
    "PositionChanged": (
        "Exchange",
        lambda v: PositionChanged(key=key(v), margin=v["margin"], size=v["size"]),
    ),
    "PositionClosed": ("Exchange", lambda v: PositionClosed(key=key(v))),
    "PositionLiquidated": ("Exchange", liquidated),
    "FundingAccrued": (
        "Exchange",
        lambda v: FundingAccrued(netuid=market(v), index=v["index"], until=v["until"]),
    ),
    "ParametersChanged": ("Exchange", lambda v: ParametersChanged(netuid=market(v))),
    "PricePushed": (
        "PriceFeed",
        lambda v: PricePushed(
            netuid=v["netuid"],
            price=v["price"],
            source_block=v["sourceBlock"],
            source_time=v["sourceTime"],
        ),
    ),
    "MarketSuspended": (
        "PriceFeed",
        lambda v: MarketSuspended(
            netuid=v["netuid"], at=BlockNumber(HEIGHT), suspension=v["reason"]
        ),
    ),
    "MarketResumed": ("PriceFeed", lambda v: MarketResumed(netuid=v["netuid"])),
}
"""What changes a position, a market or its price."""

RECEIPTS: dict[str, tuple[str, Callable[[Values], object]]] = {
    "PositionLiquidated": ("Exchange", liquidated),
    "LiquidationSkipped": (
        "Exchange",
        lambda v: LiquidationSkipped(id=v["id"], reason=SKIP_REASONS[v["outcome"]]),
    ),
    "LiquidationCallFailed": (
        "KeeperRouter",
        lambda v: LiquidationCallFailed(
            detail=f"reverted with 0x{v['reason'].hex()}"
            if v["reason"]
            else "reverted without a reason"
        ),
    ),
}
"""What is said of a position that was sent to be liquidated."""

IGNORED = {
    "AccrualSkipped": "nothing accrued",
    "BadDebtBooked": "the vault's; the liquidation's own event carries the figure",
    "ClaimBooked": "a trader's balance, not a position",
    "ClaimPaid": "a trader's balance, not a position",
    "Deposited": "a trader's balance, not a position",
    "InsuranceFunded": "the vault's",
    "KeeperRewardWithdrawn": "a keeper's balance",
    "LimitsChanged": "limits of opening, which the keepers never do",
    "OpeningPaused": "opening only",
    "OpeningUnpaused": "opening only",
    "RoleAdminChanged": "who may act; a refusal says so",
    "RoleGranted": "who may act; a refusal says so",
    "RoleRevoked": "who may act; a refusal says so",
    "UpdateSkipped": "the feed's row stays as it was",
    "VaultFunded": "the vault's",
    "VaultWithdrawn": "the vault's",
    "Withdrawn": "a trader's balance, not a position",
}
"""Events that leave every position, market and price as it was, and why."""


def log_values(contract: str, event: str) -> st.SearchStrategy[Values]:
    narrowed: dict[str, Any] = {"market": market_addresses}
    if event == "LiquidationSkipped":
        narrowed["outcome"] = st.integers(1, 5)
    if event == "LiquidationCallFailed":
        narrowed["reason"] = st.binary(max_size=3)  # no error has such a short selector
    return event_values(contract, event, **narrowed)

"""What the fleet makes of the views' structs, given as dicts by the names of the ABI."""

from keepers.liquidation.positions import FeedRow, Market, MarketParameters, Position, PositionKey
from oracle.feed import FeedRowView, SuspensionReason
from tests.unit.protocol.abi_values import Values, netuid
from units import Netuid


def expected_row(row: Values) -> FeedRowView:
    return FeedRowView(
        price=row["price"],
        source_block=row["sourceBlock"],
        source_time=row["sourceTime"],
        landed_time=None,
        suspended_at=row["suspendedAt"],
        suspension=SuspensionReason(row["reason"]),
    )


def expected_position(seen: Values) -> Position:
    return Position(
        key=PositionKey(id=seen["id"], sequence=seen["sequence"]),
        holder=bytes.fromhex(seen["trader"][2:]),
        netuid=Netuid(netuid(seen["market"])),
        is_long=seen["isLong"],
        margin=seen["margin"],
        size=seen["size"],
        entry_price=seen["entryPrice"],
        entry_index=seen["entryIndex"],
    )


def expected_market(seen: Values) -> Market:
    parameters = seen["parameters"]
    return Market(
        netuid=Netuid(netuid(seen["market"])),
        parameters=MarketParameters(
            maintenance=parameters["maintenanceBps"],
            liquidation_penalty=parameters["penaltyBps"],
            keeper_share=parameters["keeperShareBps"],
            funding_rate_max=parameters["fundingRateMax"],
            funding_interval=parameters["fundingInterval"],
            funding_cap=parameters["fundingCap"],
            liquidation_price_age_max=parameters["liquidationAgeMax"],
        ),
        feed=FeedRow(
            price=seen["price"],
            source_block=seen["sourceBlock"],
            source_time=seen["sourceTime"],
            suspended_at=seen["suspendedAt"],
            suspension=seen["suspension"],
        ),
        long_open_interest=seen["longOpenInterest"],
        short_open_interest=seen["shortOpenInterest"],
        index=seen["index"],
        last_accrual=seen["lastAccrual"],
    )

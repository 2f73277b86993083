"""The contract's margin arithmetic against the specification and against the keepers' own."""

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keepers.liquidation import positions as keepers
from keepers.liquidation.margin import (
    is_liquidatable,
    project_index,
    ratio_bps,
    remaining_margin,
)
from tests.contracts.deployment import FIRST_PRICE
from tests.contracts.reference import Position
from tests.contracts.world import ALICE, BOB, HOUR, TAO, World, market, position_id
from units import Netuid, Timestamp

pytestmark = pytest.mark.anvil

LIQUIDATED, HEALTHY = range(2)
REUSED = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40
)


@REUSED
@given(
    is_long=st.booleans(),
    margin=st.integers(TAO // 10, 100 * TAO),
    leverage=st.integers(TAO, 3 * TAO),
    wei=st.sampled_from((-1, 0, 1)),
)
def test_liquidate__around_the_boundary__is_decided_by_one_wei(
    world: World, *, is_long: bool, margin: int, leverage: int, wei: int
) -> None:
    """At a price so high that one wei of it moves the pnl by less than one wei.

    A twin on the other side, opened in the same block, keeps funding still.
    """
    with world.undone():
        world.price(64, 10_000 * TAO)
        params = [(market(64), side, margin, leverage, 100) for side in (is_long, not is_long)]
        world.mine(
            [
                world.transaction(trader, "exchange", "openMarketPosition", terms)
                for trader, terms in zip((ALICE, BOB), params, strict=True)
            ]
        )
        position = world.position(ALICE, 64)
        size, entry = position["size"], position["entryPrice"]
        least_healthy = ceil(Fraction(size * 2_000, 10_000))
        pnl = least_healthy + wei - margin
        move = ceil(Fraction(pnl * entry, size))
        world.price(64, entry + move if is_long else entry - move)
        assert world.margin(ALICE, 64)["remaining"] == least_healthy + wei
        receipt = world.liquidate(position_id(ALICE, 64))
        assert world.outcomes(receipt) == [LIQUIDATED if wei < 0 else HEALTHY]


@REUSED
@given(
    is_long=st.booleans(),
    margin=st.integers(TAO // 10, 100 * TAO),
    leverage=st.integers(TAO, 3 * TAO),
    price=st.integers(FIRST_PRICE // 4, FIRST_PRICE * 2),
    elapsed=st.integers(12, 3 * 24 * HOUR),
)
def test_margin_view__of_any_position__is_the_specification_s_to_the_wei(
    world: World, *, is_long: bool, margin: int, leverage: int, price: int, elapsed: int
) -> None:
    with world.undone():
        world.open(ALICE, 64, is_long=is_long, margin=margin, leverage=leverage)
        world.open(BOB, 64, is_long=not is_long, margin=TAO, leverage=TAO)
        world.elapse(elapsed)
        world.mine()
        world.price(64, price)
        _assert_keepers_agree(world)
        stored, seen, view = world.position(ALICE, 64), world.market(64), world.margin(ALICE, 64)
        position = Position(
            is_long=is_long,
            margin=margin,
            size=stored["size"],
            entry=stored["entryPrice"],
            index=stored["entryIndex"],
            block=0,
        )
        pnl = position.pnl(position.size, price)
        remaining = margin + pnl - position.funding(position.size, seen["indexNow"])
        assert view["remaining"] == remaining
        assert view["ratioBps"] == remaining * 10_000 // position.size
        assert view["liquidatable"] == (Fraction(remaining, position.size) < Fraction(1, 5))
        assert view["wouldBe"] == (LIQUIDATED if view["liquidatable"] else HEALTHY)


def _assert_keepers_agree(world: World) -> None:
    """What the keepers compute from the views is what the contract computes itself."""
    view = world.margin(ALICE, 64)
    market_seen, held = _as_keepers_see_it(world)
    index = project_index(market_seen, Timestamp(world.time))
    remaining = remaining_margin(held, market_seen.feed.price, index)
    assert index == world.market(64)["indexNow"]
    assert remaining == view["remaining"]
    assert ratio_bps(held, remaining) == view["ratioBps"]
    assert is_liquidatable(held, market_seen.parameters, remaining) == view["liquidatable"]


def _as_keepers_see_it(world: World) -> tuple[keepers.Market, keepers.Position]:
    seen, stored = world.market(64), world.position(ALICE, 64)
    terms = seen["parameters"]
    key = keepers.PositionKey(id=stored["id"], sequence=stored["sequence"])
    position = keepers.Position(
        key=key,
        holder=bytes.fromhex(stored["trader"][2:]),
        netuid=Netuid(64),
        is_long=stored["isLong"],
        margin=stored["margin"],
        size=stored["size"],
        entry_price=stored["entryPrice"],
        entry_index=stored["entryIndex"],
    )
    parameters = keepers.MarketParameters(
        maintenance=terms["maintenanceBps"],
        liquidation_penalty=terms["penaltyBps"],
        keeper_share=terms["keeperShareBps"],
        funding_rate_max=terms["fundingRateMax"],
        funding_interval=terms["fundingInterval"],
        funding_cap=terms["fundingCap"],
        liquidation_price_age_max=terms["liquidationAgeMax"],
    )
    feed = keepers.FeedRow(
        price=seen["price"],
        source_block=seen["sourceBlock"],
        source_time=seen["sourceTime"],
        suspended_at=seen["suspendedAt"],
        suspension=seen["suspension"],
    )
    market_seen = keepers.Market(
        netuid=Netuid(64),
        parameters=parameters,
        feed=feed,
        long_open_interest=seen["longOpenInterest"],
        short_open_interest=seen["shortOpenInterest"],
        index=seen["index"],
        last_accrual=seen["lastAccrual"],
    )
    return market_seen, position

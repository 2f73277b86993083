import pytest

from tests.contracts.deployment import FIRST_PRICE
from tests.contracts.world import (
    ALICE,
    BOB,
    REPORTER,
    TAO,
    RevertedError,
    World,
    market,
    position_id,
)

pytestmark = pytest.mark.anvil

HELD = 1_000 * TAO
STEP = 10  # basis points, the slippage step of an unused vault


def buying(price: int, step: int = STEP) -> int:
    return -(-price * (10_000 + step) // 10_000)


def selling(price: int, step: int = STEP) -> int:
    return price * (10_000 - step) // 10_000


def test_trading__on_a_price_of_15_minutes__works_and_a_second_later_does_not(
    world: World,
) -> None:
    time = world.time
    world.price(64, FIRST_PRICE)
    world.elapse(900 - (world.time - time))
    world.open(ALICE, 64)
    world.elapse(1)
    with pytest.raises(RevertedError, match="StalePrice"):
        world.open(BOB, 64)
    with pytest.raises(RevertedError, match="StalePrice"):
        world.close(ALICE, 64)


def test_trading__in_a_suspended_market__is_refused_both_ways(world: World) -> None:
    world.open(ALICE, 64)
    world.send(REPORTER, "feed", "suspend", [64], 3)
    with pytest.raises(RevertedError, match="MarketIsSuspended"):
        world.open(BOB, 64)
    with pytest.raises(RevertedError, match="MarketIsSuspended"):
        world.close(ALICE, 64)


def test_close__in_the_block_of_the_opening__is_refused(world: World) -> None:
    params = (market(64), True, TAO, 3 * TAO, 100)
    opening = world.transaction(ALICE, "exchange", "openMarketPosition", params)
    closing = world.transaction(ALICE, "exchange", "closePosition", position_id(ALICE, 64), 0)
    opened, closed = world.mine([opening, closing])
    assert opened.succeeded
    assert world.revert_reason("exchange", closed) == "SameBlock()"
    world.close(ALICE, 64)


def test_close__and_open_again_in_one_block__counts_the_openings(world: World) -> None:
    world.open(ALICE, 64)
    params = (market(64), False, TAO, 2 * TAO, 100)
    closing = world.transaction(ALICE, "exchange", "closePosition", position_id(ALICE, 64), 0)
    opening = world.transaction(ALICE, "exchange", "openMarketPosition", params)
    closed, opened = world.mine([closing, opening])
    assert closed.named("PositionClosed")[0]["sequence"] == 1
    assert opened.named("PositionOpened")[0]["sequence"] == 2
    assert world.position(ALICE, 64)["sequence"] == 2


def test_close__of_another_trader_s_position__is_refused(world: World) -> None:
    world.open(ALICE, 64)
    with pytest.raises(RevertedError, match="NotTheTrader"):
        world.send(BOB, "exchange", "closePosition", position_id(ALICE, 64), 0)
    with pytest.raises(RevertedError, match="NoPosition"):
        world.close(BOB, 64)


def test_close__whole_with_a_profit__pays_margin_and_profit_less_the_fee(world: World) -> None:
    world.open(ALICE, 64, margin=TAO, leverage=2 * TAO)
    free = world.call("exchange", "freeBalance", ALICE)
    world.price(64, FIRST_PRICE * 11 // 10)
    (closed,) = world.close(ALICE, 64).named("PositionClosed")
    entry, price = buying(FIRST_PRICE), selling(FIRST_PRICE * 11 // 10)
    pnl = 2 * TAO * (price - entry) // entry
    assert (closed["closePrice"], closed["pnl"]) == (price, pnl)
    assert closed["fee"] == 2 * TAO // 1_000
    assert closed["paid"] == TAO + pnl - closed["fundingOwed"] - closed["fee"]
    assert closed["claimed"] == 0
    assert world.call("exchange", "freeBalance", ALICE) == free + closed["paid"]
    assert world.position(ALICE, 64)["size"] == 0
    assert world.vault()["margins"] == 0


def test_close__in_parts__settles_margin_size_and_funding_pro_rata(world: World) -> None:
    world.open(ALICE, 64, margin=TAO + 7, leverage=3 * TAO)
    before = world.position(ALICE, 64)
    world.price(64, FIRST_PRICE * 105 // 100)
    world.elapse(3_600)
    world.mine()
    world.price(64, FIRST_PRICE * 105 // 100)
    part = TAO + 11
    free = world.call("exchange", "freeBalance", ALICE)
    (changed,) = world.close(ALICE, 64, part).named("PositionChanged")
    after = world.position(ALICE, 64)
    margin_part = before["margin"] * part // before["size"]
    index = world.market(64)["index"]
    assert changed["fundingOwed"] == -(-part * index // TAO) > 0
    assert (
        changed["pnl"]
        == part * (changed["closePrice"] - before["entryPrice"]) // (before["entryPrice"])
    )
    assert changed["size"] == after["size"] == before["size"] - part
    assert changed["margin"] == after["margin"] == before["margin"] - margin_part
    assert (after["entryPrice"], after["entryIndex"]) == (before["entryPrice"], 0)
    assert after["sequence"] == before["sequence"]
    paid = margin_part + changed["pnl"] - changed["fundingOwed"] - changed["fee"]
    assert world.call("exchange", "freeBalance", ALICE) == free + paid
    assert world.market(64)["longOpenInterest"] == after["size"]
    world.close(ALICE, 64, after["size"])
    assert world.position(ALICE, 64)["size"] == 0


def test_close__that_leaves_less_than_the_minimum__must_be_whole(world: World) -> None:
    world.open(ALICE, 64, margin=TAO, leverage=TAO)
    with pytest.raises(RevertedError, match="BelowNotionalMin"):
        world.close(ALICE, 64, TAO - TAO // 10 + 1)
    with pytest.raises(RevertedError, match="SizeTooLarge"):
        world.close(ALICE, 64, TAO + 1)
    world.close(ALICE, 64, TAO - TAO // 10)
    world.close(ALICE, 64)


def test_close__worth_less_than_its_fee__takes_what_there_is(world: World) -> None:
    world.open(ALICE, 64)
    entry = world.position(ALICE, 64)["entryPrice"]
    broke = entry * 2 // 3 + entry // 5_000
    world.price(64, broke * 10_000 // 9_990)
    (closed,) = world.close(ALICE, 64).named("PositionClosed")
    remaining = TAO + closed["pnl"] - closed["fundingOwed"]
    assert 0 < remaining < 3 * TAO // 1_000
    assert (closed["fee"], closed["paid"]) == (remaining, 0)

import pytest

from tests.contracts.deployment import FIRST_PRICE, NETUIDS
from tests.contracts.world import (
    ADMIN,
    ALICE,
    BOB,
    STRANGER,
    TAO,
    Limits,
    Parameters,
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


def test_open__a_long__takes_margin_and_fee_from_the_free_balance(world: World) -> None:
    reserves = world.vault()["reserves"]
    receipt = world.open(ALICE, 64, margin=TAO + 1, leverage=3 * TAO)
    size, fee = 3 * TAO + 3, 3 * TAO // 1_000 + 1
    entry = buying(FIRST_PRICE)
    (opened,) = receipt.named("PositionOpened")
    assert opened == {
        "id": position_id(ALICE, 64),
        "trader": ALICE.lower(),
        "market": market(64),
        "sequence": 1,
        "isLong": True,
        "margin": TAO + 1,
        "size": size,
        "entryPrice": entry,
        "entryIndex": 0,
        "fee": fee,
    }
    assert world.returned("exchange", "openMarketPosition", receipt) == position_id(ALICE, 64)
    assert world.call("exchange", "freeBalance", ALICE) == HELD - TAO - 1 - fee
    assert world.vault()["reserves"] == reserves + fee
    assert world.vault()["margins"] == TAO + 1
    assert world.margin(ALICE, 64)["ratioBps"] == 3_323  # not 3,333: the slippage step is paid


@pytest.mark.parametrize("is_long", [True, False])
@pytest.mark.parametrize("chain_percent", [90, 99, 100, 101, 110])
def test_fill__of_either_side__is_the_worse_of_feed_and_chain(
    world: World, is_long: bool, chain_percent: int
) -> None:
    chain = FIRST_PRICE * chain_percent // 100
    world.set_chain_price(64, chain + 5)  # the precompile cuts the last nine digits
    world.open(ALICE, 64, is_long=is_long, leverage=TAO, slippage=10_000)
    both = (FIRST_PRICE, chain)
    expected = buying(max(both)) if is_long else selling(min(both))
    assert world.position(ALICE, 64)["entryPrice"] == expected
    closed = world.close(ALICE, 64).named("PositionClosed")[0]
    expected = selling(min(both)) if is_long else buying(max(both))
    assert closed["closePrice"] == expected


@pytest.mark.parametrize("is_long", [True, False])
def test_fill__at_the_slippage_bound__is_taken_and_beyond_it_refused(
    world: World, is_long: bool
) -> None:
    with pytest.raises(RevertedError, match=r"SlippageExceeded\(.*, 9\)"):
        world.open(ALICE, 64, is_long=is_long, slippage=9)
    world.open(ALICE, 64, is_long=is_long, slippage=10)


@pytest.mark.parametrize("is_long", [True, False])
def test_fill__with_the_largest_bound_there_is__is_taken(world: World, is_long: bool) -> None:
    world.open(ALICE, 64, is_long=is_long, slippage=2**256 - 1)


def test_fill__where_the_chain_is_worse_than_the_bound__is_refused(world: World) -> None:
    world.set_chain_price(64, FIRST_PRICE * 102 // 100)
    with pytest.raises(RevertedError, match="SlippageExceeded"):
        world.open(ALICE, 64, slippage=200)
    world.open(ALICE, 64, slippage=211)


@pytest.mark.parametrize(
    ("used", "step"), [(0, 10), (4_999, 10), (5_000, 15), (6_999, 15), (7_000, 25)]
)
def test_fill__in_a_used_vault__pays_the_step_of_its_utilisation(
    world: World, used: int, step: int
) -> None:
    limits = Limits(utilisation_medium=5_000, utilisation_high=7_000, utilisation_max=9_000)
    world.send(ADMIN, "exchange", "setLimits", limits)
    wide = Parameters(exposure_max=9_000, open_fee=0)
    world.send(ADMIN, "exchange", "setMarketParameters", 51, wide)
    reserves = world.vault()["reserves"]
    exposure = reserves * used // 10_000
    if exposure:
        world.deposit(BOB, exposure)
        world.open(BOB, 51, margin=exposure, leverage=TAO)
    world.open(ALICE, 64)
    assert world.position(ALICE, 64)["entryPrice"] == buying(FIRST_PRICE, step)


def test_open__where_the_subnet_has_no_price_of_its_own__is_refused(world: World) -> None:
    world.set_chain_price(64, 0)
    with pytest.raises(RevertedError, match="NoChainPrice"):
        world.open(ALICE, 64, slippage=10_000)


def test_open__a_second_position_in_a_market__is_refused(world: World) -> None:
    world.open(ALICE, 64)
    for is_long in (True, False):
        with pytest.raises(RevertedError, match="PositionExists"):
            world.open(ALICE, 64, is_long=is_long)
    world.open(ALICE, 51)


@pytest.mark.parametrize("leverage", [0, TAO - 1, 3 * TAO + 1])
def test_open__beyond_the_leverage__is_refused(world: World, leverage: int) -> None:
    with pytest.raises(RevertedError, match="LeverageOutOfRange"):
        world.open(ALICE, 64, leverage=leverage)


def test_open__below_the_minimum_notional__is_refused(world: World) -> None:
    with pytest.raises(RevertedError, match="BelowNotionalMin"):
        world.open(ALICE, 64, margin=TAO // 10 - 1, leverage=TAO)
    world.open(ALICE, 64, margin=TAO // 10, leverage=TAO)


def test_open__without_the_fee_on_top_of_the_margin__is_refused(world: World) -> None:
    world.deposit(STRANGER, TAO)
    with pytest.raises(RevertedError, match="InsufficientBalance"):
        world.open(STRANGER, 64, margin=TAO, leverage=TAO)
    world.open(STRANGER, 64, margin=TAO * 1_000 // 1_001, leverage=TAO)


def test_open__in_a_market_not_listed__is_refused(world: World) -> None:
    with pytest.raises(RevertedError, match="MarketNotListed"):
        world.open(ALICE, 7)
    params = ("0x" + "ff" * 18 + "0040", True, TAO, TAO, 100)
    with pytest.raises(RevertedError, match="MarketNotListed"):
        world.send(ALICE, "exchange", "openMarketPosition", params)


def test_open__where_it_would_be_liquidatable_at_once__is_refused(world: World) -> None:
    world.set_chain_price(64, FIRST_PRICE * 118 // 100)
    with pytest.raises(RevertedError, match="WouldBeLiquidatable"):
        world.open(ALICE, 64, slippage=10_000)


def test_orders__before_there_is_a_book__are_refused(world: World) -> None:
    order = (market(64), True, TAO, TAO, TAO, 0)
    for function, arguments in (
        ("placeLimitOrder", (order,)),
        ("cancelOrder", (market(64), bytes(16))),
        ("cancelAllOrders", (market(64),)),
    ):
        with pytest.raises(RevertedError, match="NotYetAvailable"):
            world.send(ALICE, "exchange", function, *arguments)


def test_open__the_fifty_first_position_of_a_trader__is_refused(world: World) -> None:
    others = [netuid for netuid in range(200, 252) if netuid not in NETUIDS]
    for netuid in others[:51]:
        world.send(ADMIN, "exchange", "listMarket", netuid, Parameters())
        world.price(netuid, FIRST_PRICE)
    for netuid in others[:50]:
        world.push((netuid, FIRST_PRICE))
        world.open(ALICE, netuid, margin=TAO // 10)
    world.push((others[50], FIRST_PRICE))
    with pytest.raises(RevertedError, match="TooManyPositions"):
        world.open(ALICE, others[50], margin=TAO // 10)
    world.push((others[0], FIRST_PRICE))
    world.close(ALICE, others[0])
    world.push((others[50], FIRST_PRICE))
    world.open(ALICE, others[50], margin=TAO // 10)

from fractions import Fraction
from math import floor

import pytest

from tests.contracts.deployment import FIRST_PRICE
from tests.contracts.world import (
    ADMIN,
    ALICE,
    BOB,
    HOUR,
    KEEPER,
    TAO,
    Parameters,
    Receipt,
    RevertedError,
    World,
    market,
)

pytestmark = pytest.mark.anvil

ACCRUED, NOT_ELAPSED, UNKNOWN = range(3)
INTERVAL = 8 * HOUR
RATE_MAX = 75 * 10**14


def accrue(world: World, *netuids: int) -> Receipt:
    keys = [market(netuid) for netuid in netuids]
    return world.send(KEEPER, "exchange", "accrueFunding", keys)


def skewed(world: World, *, longs: int, shorts: int) -> None:
    """Open interest of one trader a side, in wei of notional."""
    for trader, is_long, size in ((ALICE, True, longs), (BOB, False, shorts)):
        if size:
            world.open(trader, 64, is_long=is_long, margin=size, leverage=TAO)
    accrue(world, 64)


def step(longs: int, shorts: int, elapsed: int) -> int:
    rate = Fraction(longs - shorts, longs + shorts) * RATE_MAX
    return floor(rate * min(elapsed, 4 * INTERVAL) / INTERVAL)


@pytest.mark.parametrize(
    ("longs", "shorts"),
    [
        (100 * TAO, 60 * TAO),
        (60 * TAO, 100 * TAO),
        (7 * TAO, 0),
        (0, 7 * TAO),
        (TAO + 1, TAO),
        (TAO, TAO + 1),
        (TAO, TAO),
        (3 * TAO + 1, 7 * TAO + 5),
    ],
)
@pytest.mark.parametrize("elapsed", [1, 12, INTERVAL - 1, INTERVAL, 32 * HOUR, 32 * HOUR + 1])
def test_index__after_a_time__moved_by_the_floored_step(
    world: World, longs: int, shorts: int, elapsed: int
) -> None:
    skewed(world, longs=longs, shorts=shorts)
    before = world.market(64)["index"]
    world.elapse(elapsed)
    receipt = accrue(world, 64)
    moved = world.market(64)["index"] - before
    assert moved == step(longs, shorts, elapsed)
    rate = floor(Fraction(longs - shorts, longs + shorts) * RATE_MAX)
    assert receipt.named("FundingAccrued") == [
        {"market": market(64), "index": before + moved, "rate": rate, "until": world.time}
    ]
    assert world.market(64)["lastAccrual"] == world.time


def test_index__of_the_documented_example__is_0_1875_percent_an_interval(world: World) -> None:
    skewed(world, longs=100 * TAO, shorts=60 * TAO)
    before = world.market(64)["index"]
    world.elapse(INTERVAL)
    accrue(world, 64)
    assert world.market(64)["index"] - before == 1_875 * 10**12


def test_index__beyond_the_cap__forfeits_the_rest(world: World) -> None:
    skewed(world, longs=TAO, shorts=0)
    before = world.market(64)["index"]
    world.elapse(100 * HOUR)
    accrue(world, 64)
    assert world.market(64)["index"] - before == 4 * RATE_MAX
    assert world.market(64)["lastAccrual"] == world.time


def test_index__projected_by_a_view__is_what_the_next_accrual_stores(world: World) -> None:
    skewed(world, longs=3 * TAO, shorts=8 * TAO)
    world.elapse(5_000)
    world.mine()
    seen = world.market(64)
    assert seen["index"] != seen["indexNow"]
    assert seen["indexNow"] - seen["index"] == step(3 * TAO, 8 * TAO, 5_000)
    assert seen["rate"] == floor(Fraction(-5, 11) * RATE_MAX)


def test_index__accrued_often__differs_by_rounding_alone(world: World) -> None:
    skewed(world, longs=TAO + 1, shorts=TAO * 2)
    with world.undone():
        world.elapse(1_000)
        accrue(world, 64)
        once = world.market(64)["index"]
    for _ in range(10):
        world.elapse(100)
        accrue(world, 64)
    assert 0 <= once - world.market(64)["index"] <= 9


def test_index__without_open_interest__stands_still_but_is_accrued(world: World) -> None:
    world.elapse(INTERVAL)
    receipt = accrue(world, 51)
    (accrued,) = receipt.named("FundingAccrued")
    assert (accrued["index"], accrued["rate"], accrued["until"]) == (0, 0, world.time)


def test_accrual__of_a_batch__reports_each_market(world: World) -> None:
    receipt = accrue(world, 64, 64, 7, 51)
    outcomes = world.returned("exchange", "accrueFunding", receipt)
    assert outcomes == [ACCRUED, NOT_ELAPSED, UNKNOWN, ACCRUED]
    skipped = [(s["market"], s["outcome"]) for s in receipt.named("AccrualSkipped")]
    assert skipped == [(market(64), NOT_ELAPSED), (market(7), UNKNOWN)]


def test_trade__of_any_kind__accrues_first_by_the_open_interest_that_stood(world: World) -> None:
    skewed(world, longs=10 * TAO, shorts=0)
    before = world.market(64)["index"]
    world.price(64, FIRST_PRICE)
    world.elapse(600)
    world.open(BOB, 64, is_long=False, margin=5 * TAO, leverage=TAO)
    assert world.market(64)["index"] - before == step(10 * TAO, 0, 612)
    before = world.market(64)["index"]
    assert world.position(BOB, 64)["entryIndex"] == before
    world.price(64, FIRST_PRICE)
    waited = world.time - world.market(64)["lastAccrual"]
    world.close(ALICE, 64)
    assert world.market(64)["index"] - before == step(10 * TAO, 5 * TAO, waited + 12)


def test_parameters__set_anew__leave_what_has_elapsed_to_the_old_ones(world: World) -> None:
    skewed(world, longs=10 * TAO, shorts=0)
    before = world.market(64)["index"]
    world.elapse(600)
    doubled = Parameters(funding_rate_max=2 * RATE_MAX)
    receipt = world.send(ADMIN, "exchange", "setMarketParameters", 64, doubled)
    assert [event.name for event in receipt.events] == ["FundingAccrued", "ParametersChanged"]
    assert world.market(64)["index"] - before == step(10 * TAO, 0, 600)
    assert world.market(64)["rate"] == 2 * RATE_MAX


def test_funding__settled_on_both_sides__leaves_the_vault_the_residual(world: World) -> None:
    world.open(ALICE, 64, margin=9 * TAO, leverage=TAO)
    world.open(BOB, 64, is_long=False, margin=4 * TAO, leverage=TAO)
    world.elapse(INTERVAL)
    world.mine()
    world.price(64, FIRST_PRICE)
    owed = [
        world.close(trader, 64).named("PositionClosed")[0]["fundingOwed"] for trader in (ALICE, BOB)
    ]
    assert owed[0] > 0 > owed[1]
    assert world.vault()["fundingLedger"] == sum(owed) > 0


@pytest.mark.parametrize(
    "wrong",
    [
        Parameters(funding_interval=0),
        Parameters(funding_cap=8 * HOUR - 1),
        Parameters(funding_cap=31 * 24 * HOUR),
        Parameters(funding_rate_max=TAO + 1),
        Parameters(leverage_max=TAO - 1),
        Parameters(leverage_max=11 * TAO, maintenance=100),
        Parameters(leverage_max=5 * TAO, maintenance=2_000),
        Parameters(leverage_max=TAO, maintenance=5_001),
        Parameters(penalty=1_001),
        Parameters(keeper_share=10_001),
        Parameters(open_fee=501),
        Parameters(close_fee=501),
        Parameters(maintenance=2**255, leverage_max=3 * TAO),
        Parameters(notional_min=0),
        Parameters(exposure_max=10**9 + 1),
    ],
)
def test_parameters__out_of_range__are_refused(world: World, wrong: Parameters) -> None:
    with pytest.raises(RevertedError, match="InvalidParameters"):
        world.send(ADMIN, "exchange", "setMarketParameters", 64, wrong)
    with pytest.raises(RevertedError, match="InvalidParameters"):
        world.send(ADMIN, "exchange", "listMarket", 7, wrong)


def test_market__listed_twice_or_set_unlisted__is_refused(world: World) -> None:
    with pytest.raises(RevertedError, match="MarketListed"):
        world.send(ADMIN, "exchange", "listMarket", 64, Parameters())
    with pytest.raises(RevertedError, match="MarketNotListed"):
        world.send(ADMIN, "exchange", "setMarketParameters", 7, Parameters())

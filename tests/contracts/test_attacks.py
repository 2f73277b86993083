"""What a trader, a reporter or a parameter could try, and what must not come of it."""

from collections.abc import Sequence

import pytest

from tests.contracts.deployment import FIRST_PRICE
from tests.contracts.world import (
    ADMIN,
    ALICE,
    BOB,
    GUARDIAN,
    HOUR,
    KEEPER,
    OPERATOR,
    REPORTER,
    TAO,
    Parameters,
    RevertedError,
    World,
    market,
    position_id,
)

pytestmark = pytest.mark.anvil

LIQUIDATED, HEALTHY, CLOSED, STALE = range(4)
ACCEPTED, NOT_NEWER = range(2)
UINT128_MAX = 2**128 - 1
PARTS = ("freeBalances", "margins", "claimsFunded", "reserves", "insurance", "keeperRewards")


def balances(world: World) -> bool:
    """Whether the exchange's books are its TAO, to the wei."""
    vault = world.vault()
    held = world.balance(world.addresses["exchange"])
    return sum(int(vault[part]) for part in PARTS) == held


# Rounding


@pytest.mark.parametrize("dust", [1, 2])
def test_close__of_dust_at_a_loss__is_refused_instead_of_booked_as_bad_debt(
    world: World, dust: int
) -> None:
    """Its margin rounds to 0 and its loss to a wei, which insurance would pay."""
    world.open(ALICE, 64)
    world.price(64, FIRST_PRICE * 95 // 100)
    before = world.vault()
    with pytest.raises(RevertedError, match="WorthLessThanNothing"):
        world.close(ALICE, 64, dust)
    assert world.vault()["badDebt"] == 0
    assert world.vault()["insurance"] == before["insurance"]
    world.close(ALICE, 64, TAO)


def test_close__of_a_part_of_a_bankrupt_position__is_refused_and_of_the_whole_is_not(
    world: World,
) -> None:
    world.open(ALICE, 64)
    world.price(64, FIRST_PRICE // 2)
    with pytest.raises(RevertedError, match="WorthLessThanNothing"):
        world.close(ALICE, 64, TAO)
    (closed,) = world.close(ALICE, 64).named("PositionClosed")
    assert closed["paid"] == closed["fee"] == 0
    assert world.vault()["badDebt"] == -(TAO + closed["pnl"] - closed["fundingOwed"]) > 0
    assert balances(world)


@pytest.mark.parametrize("percent", [88, 97, 103, 140])
@pytest.mark.parametrize(
    "parts", [(TAO, TAO), (TAO // 3, TAO // 7 + 1, 10**9 + 7), (5, 7, 11, 13, 1_001)]
)
def test_close__in_parts__never_pays_more_than_the_whole(
    world: World, percent: int, parts: Sequence[int]
) -> None:
    world.send(ADMIN, "exchange", "setMarketParameters", 64, Parameters(funding_rate_max=0))
    world.open(ALICE, 64, margin=TAO + 1)
    world.price(64, FIRST_PRICE * percent // 100 + 1)
    before = world.call("exchange", "freeBalance", ALICE)
    with world.undone():
        world.close(ALICE, 64)
        whole = world.call("exchange", "freeBalance", ALICE) - before
    for part in (*parts, 0):
        world.close(ALICE, 64, part)
    assert world.call("exchange", "freeBalance", ALICE) - before <= whole
    assert balances(world)


# Batches


def test_liquidate__of_one_id_three_times__takes_one_penalty(world: World) -> None:
    world.open(ALICE, 64)
    world.price(64, FIRST_PRICE * 86 // 100)
    receipt = world.liquidate(*[position_id(ALICE, 64)] * 3)
    assert world.outcomes(receipt) == [LIQUIDATED, CLOSED, CLOSED]
    (found,) = receipt.named("PositionLiquidated")
    assert world.vault()["keeperRewards"] == found["keeperShare"]


def test_push__of_one_market_twice__takes_the_first(world: World) -> None:
    """Two prices of one source block: which of them holds does not depend on what came last."""
    updates = [(64, price, world.block, world.time) for price in (TAO, 2 * TAO)]
    receipt = world.send(REPORTER, "feed", "push", updates)
    assert world.returned("feed", "push", receipt) == [ACCEPTED, NOT_NEWER]
    assert world.market(64)["price"] == TAO


def test_batch__of_nothing__does_nothing(world: World) -> None:
    before = world.vault()
    for sender, contract, function, arguments in (
        (REPORTER, "feed", "push", ([],)),
        (REPORTER, "feed", "suspend", ([], 3)),
        (REPORTER, "feed", "resume", ([],)),
        (KEEPER, "exchange", "liquidate", ([], KEEPER)),
        (KEEPER, "exchange", "accrueFunding", ([],)),
        (OPERATOR, "router", "pushAndLiquidate", ([], [])),
    ):
        assert world.send(sender, contract, function, *arguments).events == ()
    assert world.vault() == before


def test_id__reopened_in_the_block_of_its_liquidation__is_another_position(world: World) -> None:
    """A keeper's list made before it cannot hurt it: the id is judged as it stands."""
    world.open(ALICE, 64)
    world.price(64, FIRST_PRICE * 86 // 100)
    ids = [position_id(ALICE, 64)]
    liquidate = world.transaction(KEEPER, "exchange", "liquidate", ids, KEEPER)
    again = (market(64), True, TAO, 3 * TAO, 100)
    opening = world.transaction(ALICE, "exchange", "openMarketPosition", again)
    first, opened, second = world.mine([liquidate, opening, liquidate])
    assert world.outcomes(first) == [LIQUIDATED]
    assert opened.named("PositionOpened")[0]["sequence"] == 2
    assert world.outcomes(second) == [HEALTHY]


# Prices at the edge


def test_price__of_the_largest_number__breaks_no_view_and_no_liquidation(world: World) -> None:
    world.open(ALICE, 64)
    world.open(BOB, 64, is_long=False)
    world.push((64, UINT128_MAX))
    assert world.margin(ALICE, 64)["wouldBe"] == HEALTHY
    assert world.margin(BOB, 64)["remaining"] < -(10**38)
    with pytest.raises(RevertedError):
        world.open(ALICE, 64)
    receipt = world.liquidate(position_id(ALICE, 64), position_id(BOB, 64))
    assert world.outcomes(receipt) == [HEALTHY, LIQUIDATED]
    assert world.vault()["openingPaused"]
    assert balances(world)
    world.close(ALICE, 64)  # at the chain's own price, the worse one
    assert balances(world)


def test_price__of_one_wei__breaks_no_view_and_no_liquidation(world: World) -> None:
    world.open(ALICE, 64)
    world.push((64, 1))
    assert world.outcomes(world.liquidate(position_id(ALICE, 64))) == [LIQUIDATED]
    for is_long in (True, False):
        with pytest.raises(RevertedError):
            world.open(ALICE, 64, is_long=is_long)
    assert balances(world)


def test_market__listed_but_never_priced__opens_nothing(world: World) -> None:
    world.send(ADMIN, "exchange", "listMarket", 7, Parameters())
    world.set_chain_price(7, FIRST_PRICE)
    with pytest.raises(RevertedError, match="StalePrice"):
        world.open(ALICE, 7)


def test_subnet__dissolved_under_a_position__can_be_liquidated_and_not_closed(
    world: World,
) -> None:
    world.open(ALICE, 64)
    world.set_chain_price(64, 0)
    world.push((64, FIRST_PRICE * 86 // 100))
    with pytest.raises(RevertedError, match="NoChainPrice"):
        world.close(ALICE, 64)
    assert world.outcomes(world.liquidate(position_id(ALICE, 64))) == [LIQUIDATED]


def test_suspension__and_push_in_one_block__leave_it_to_the_source_block(world: World) -> None:
    """Only a price that was read at or after the suspension ends it, whoever comes first."""
    suspend = world.transaction(REPORTER, "feed", "suspend", [64], 3)
    for age, reason in ((1, 3), (0, 0)):
        with world.undone():
            update = (64, TAO, world.block + 1 - age, world.time)
            push = world.transaction(REPORTER, "feed", "push", [update])
            world.mine([suspend, push])
            assert world.market(64)["suspension"] == reason
            world.mine([suspend, push])
            assert world.market(64)["suspension"] == 3, "the same price again ends nothing"


def test_guardian__in_the_block_of_a_push__has_the_last_word(world: World) -> None:
    update = (64, TAO, world.block + 1, world.time)
    push = world.transaction(REPORTER, "feed", "push", [update])
    suspend = world.transaction(GUARDIAN, "feed", "suspend", [64], 3)
    for order in ([push, suspend], [suspend, push]):
        with world.undone():
            world.mine(order)
            assert world.market(64)["suspension"] == 1


# Funding at the edge


def test_funding__at_the_highest_rate_there_is__breaks_nothing(world: World) -> None:
    """100 % a second for thirty days: 2.6 million times the position."""
    extreme = Parameters(funding_rate_max=TAO, funding_interval=1, funding_cap=30 * 24 * HOUR)
    world.send(ADMIN, "exchange", "setMarketParameters", 64, extreme)
    world.open(ALICE, 64)
    world.open(BOB, 64, is_long=False, leverage=TAO)
    world.elapse(60 * 24 * HOUR)
    world.mine()
    world.price(64, FIRST_PRICE)
    assert world.market(64)["indexNow"] > 10**24
    receipt = world.liquidate(position_id(ALICE, 64), position_id(BOB, 64))
    assert world.outcomes(receipt) == [LIQUIDATED, HEALTHY]
    assert world.vault()["badDebt"] > 10**6 * TAO
    assert balances(world)
    (closed,) = world.close(BOB, 64).named("PositionClosed")
    assert closed["claimed"] > 10**6 * TAO
    assert world.vault()["reserves"] == 0
    assert balances(world)

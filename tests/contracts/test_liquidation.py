from fractions import Fraction
from math import ceil
from typing import Any

import pytest

from tests.contracts.deployment import FIRST_PRICE
from tests.contracts.world import (
    ADMIN,
    ALICE,
    BOB,
    CAROL,
    GUARDIAN,
    HOUR,
    KEEPER,
    REPORTER,
    STRANGER,
    TAO,
    Parameters,
    Receipt,
    RevertedError,
    World,
    market,
    position_id,
)

pytestmark = pytest.mark.anvil

LIQUIDATED, HEALTHY, CLOSED, STALE, SUSPENDED, GAS = range(6)


def liquidated(receipt: Receipt) -> dict[str, Any]:
    (found,) = receipt.named("PositionLiquidated")
    return found


def test_liquidate__below_maintenance__takes_exactly_five_percent_of_remaining(
    world: World,
) -> None:
    world.open(ALICE, 64)
    before, free = world.vault(), world.call("exchange", "freeBalance", ALICE)
    world.price(64, FIRST_PRICE * 86 // 100)
    receipt = world.liquidate(position_id(ALICE, 64))
    found, after = liquidated(receipt), world.vault()
    entry = FIRST_PRICE * 1_001 // 1_000
    pnl = 3 * TAO * (FIRST_PRICE * 86 // 100 - entry) // entry
    owed = ceil(Fraction(3 * TAO * found["index"], TAO))
    assert found["remaining"] == TAO + pnl - owed
    assert found["penalty"] == found["remaining"] * 5 // 100
    assert found["keeperShare"] == found["penalty"] * 20 // 100
    assert found["badDebt"] == 0
    assert found["price"] == FIRST_PRICE * 86 // 100
    assert (found["trader"], found["sequence"]) == (ALICE.lower(), 1)
    assert found["beneficiary"] == KEEPER.lower()
    insured = found["penalty"] - found["keeperShare"]
    assert after["insurance"] - before["insurance"] == insured
    assert after["keeperRewards"] == found["keeperShare"]
    assert world.call("exchange", "keeperReward", KEEPER) == found["keeperShare"]
    kept = found["remaining"] - found["penalty"]
    assert world.call("exchange", "freeBalance", ALICE) - free == kept
    assert after["reserves"] - before["reserves"] == TAO - found["remaining"]
    assert world.position(ALICE, 64)["size"] == 0
    assert world.market(64)["longOpenInterest"] == 0


def test_liquidate__below_zero__is_bad_debt_that_insurance_pays(world: World) -> None:
    world.open(ALICE, 64)
    before, free = world.vault(), world.call("exchange", "freeBalance", ALICE)
    world.price(64, FIRST_PRICE // 2)
    found, after = liquidated(world.liquidate(position_id(ALICE, 64))), world.vault()
    debt = -found["remaining"]
    assert debt > 0
    assert (found["badDebt"], found["penalty"], found["keeperShare"]) == (debt, 0, 0)
    assert before["insurance"] - after["insurance"] == debt
    assert after["reserves"] - before["reserves"] == TAO + debt
    assert (after["badDebt"], after["badDebtUncovered"]) == (debt, 0)
    assert world.call("exchange", "freeBalance", ALICE) == free


def test_liquidate__with_more_bad_debt_than_insurance__leaves_the_rest_to_the_vault(
    world: World,
) -> None:
    world.open(ALICE, 64, margin=100 * TAO)
    before = world.vault()
    world.price(64, FIRST_PRICE // 2)
    receipt = world.liquidate(position_id(ALICE, 64))
    found, after = liquidated(receipt), world.vault()
    covered = before["insurance"]
    assert found["badDebt"] > covered
    assert after["insurance"] == 0
    assert after["reserves"] - before["reserves"] == 100 * TAO + covered
    assert after["badDebt"] == found["badDebt"]
    assert after["badDebtUncovered"] == found["badDebt"] - covered
    (booked,) = receipt.named("BadDebtBooked")
    assert (booked["amount"], booked["covered"]) == (found["badDebt"], covered)


def test_liquidate__of_a_batch__reports_each_and_reverts_for_none(world: World) -> None:
    world.open(ALICE, 64)
    world.open(BOB, 64, margin=10 * TAO, leverage=TAO)
    world.open(CAROL, 51)
    world.price(64, FIRST_PRICE * 85 // 100)
    world.send(REPORTER, "feed", "suspend", [51], 3)
    alice, bob, carol = (position_id(t, n) for t, n in ((ALICE, 64), (BOB, 64), (CAROL, 51)))
    receipt = world.liquidate(bob, alice, alice, carol, bytes(16))
    assert world.outcomes(receipt) == [HEALTHY, LIQUIDATED, CLOSED, SUSPENDED, CLOSED]
    skipped = [(s["id"], s["outcome"]) for s in receipt.named("LiquidationSkipped")]
    assert skipped == [
        (bob, HEALTHY),
        (alice, CLOSED),
        (carol, SUSPENDED),
        (bytes(16), CLOSED),
    ]


def test_liquidate__of_a_healthy_position__leaves_no_trace(world: World) -> None:
    world.open(ALICE, 64)
    before = world.market(64)["lastAccrual"]
    receipt = world.liquidate(position_id(ALICE, 64))
    assert [event.name for event in receipt.events] == ["LiquidationSkipped"]
    assert world.market(64)["lastAccrual"] == before


def test_liquidate__on_a_price_of_an_hour__works_and_a_second_later_does_not(
    world: World,
) -> None:
    world.open(ALICE, 64)
    time = world.time
    world.price(64, FIRST_PRICE * 80 // 100)
    world.elapse(3_600 - (world.time - time))
    with world.undone():
        assert world.outcomes(world.liquidate(position_id(ALICE, 64))) == [LIQUIDATED]
    world.elapse(3_601 - (world.time - time))
    assert world.outcomes(world.liquidate(position_id(ALICE, 64))) == [STALE]
    assert world.margin(ALICE, 64)["wouldBe"] == STALE
    assert world.margin(ALICE, 64)["liquidatable"]


@pytest.mark.parametrize("reason", [2, 3, 4, 5, 6])
def test_liquidate__in_a_suspended_market__skips_until_a_new_price(
    world: World, reason: int
) -> None:
    world.open(ALICE, 64)
    world.price(64, FIRST_PRICE * 80 // 100)
    world.send(REPORTER, "feed", "suspend", [64], reason)
    assert world.outcomes(world.liquidate(position_id(ALICE, 64))) == [SUSPENDED]
    assert world.margin(ALICE, 64)["wouldBe"] == SUSPENDED
    world.send(ADMIN, "feed", "resume", [64])
    assert world.outcomes(world.liquidate(position_id(ALICE, 64))) == [LIQUIDATED]


def test_liquidate__driven_by_funding_alone__uses_the_projected_index(world: World) -> None:
    world.open(ALICE, 64)
    world.price(64, FIRST_PRICE * 87 // 100)
    assert world.margin(ALICE, 64)["wouldBe"] == HEALTHY
    world.elapse(32 * HOUR)
    world.mine()
    world.price(64, FIRST_PRICE * 87 // 100)
    assert world.market(64)["index"] == 0
    receipt = world.liquidate(position_id(ALICE, 64))
    assert liquidated(receipt)["index"] == world.market(64)["index"] == 3 * 10**16
    (accrued,) = receipt.named("FundingAccrued")
    assert accrued["index"] == 3 * 10**16


def test_liquidate__in_the_block_of_the_opening__is_not_bound_by_the_traders_rule(
    world: World,
) -> None:
    params = (market(64), True, TAO, 3 * TAO, 100)
    update = (64, FIRST_PRICE * 85 // 100, world.block + 1, world.time)
    opened, pushed, taken = world.mine(
        [
            world.transaction(ALICE, "exchange", "openMarketPosition", params),
            world.transaction(REPORTER, "feed", "push", [update]),
            world.transaction(KEEPER, "exchange", "liquidate", [position_id(ALICE, 64)], KEEPER),
        ]
    )
    assert opened.succeeded
    assert pushed.succeeded
    assert world.outcomes(taken) == [LIQUIDATED]


def test_liquidate__after_a_reopening__names_the_new_sequence(world: World) -> None:
    world.open(ALICE, 64)
    world.price(64, FIRST_PRICE * 80 // 100)
    world.liquidate(position_id(ALICE, 64))
    world.open(ALICE, 64)
    world.price(64, FIRST_PRICE * 60 // 100)
    assert liquidated(world.liquidate(position_id(ALICE, 64)))["sequence"] == 2


def test_liquidate__while_opening_is_paused__goes_on(world: World) -> None:
    world.open(ALICE, 64)
    world.price(64, FIRST_PRICE * 80 // 100)
    world.send(GUARDIAN, "exchange", "pauseOpening")
    assert world.outcomes(world.liquidate(position_id(ALICE, 64))) == [LIQUIDATED]


def test_liquidate__for_another_beneficiary__credits_that_one(world: World) -> None:
    world.open(ALICE, 64)
    world.price(64, FIRST_PRICE * 86 // 100)
    ids = [position_id(ALICE, 64)]
    with pytest.raises(RevertedError, match="BeneficiaryMissing"):
        world.send(KEEPER, "exchange", "liquidate", ids, "0x" + "00" * 20)
    world.send(KEEPER, "exchange", "liquidate", ids, STRANGER)
    assert world.call("exchange", "keeperReward", STRANGER) > 0


def test_liquidate__of_a_winner_under_raised_maintenance__pays_even_from_an_empty_vault(
    world: World,
) -> None:
    """The one way to liquidate above the margin: what the vault lacks becomes a claim."""
    world.open(ALICE, 64, margin=900 * TAO, leverage=3 * TAO)
    world.open(BOB, 51, margin=10 * TAO, leverage=3 * TAO)
    world.price(51, FIRST_PRICE * 115 // 100)
    strict = Parameters(maintenance=5_000, leverage_max=19 * TAO // 10)
    world.send(ADMIN, "exchange", "setMarketParameters", 51, strict)
    world.price(64, FIRST_PRICE * 10)
    world.close(ALICE, 64)
    assert world.vault()["reserves"] == 0
    ids = [position_id(BOB, 51)]
    seen = set()
    for gas in range(340_000, 380_000, 1_000):  # the dearest liquidation, around its reserve
        with world.undone():
            at_the_edge = world.attempt(KEEPER, "exchange", "liquidate", ids, KEEPER, gas=gas)
            assert at_the_edge.succeeded, "it stops, it does not run out"
            seen.update(world.outcomes(at_the_edge))
    assert seen == {GAS, LIQUIDATED}
    receipt = world.liquidate(*ids)
    found = liquidated(receipt)
    assert found["remaining"] > 10 * TAO
    assert found["penalty"] == found["remaining"] * 5 // 100
    (claimed,) = receipt.named("ClaimBooked")
    assert claimed["amount"] == found["remaining"] - 10 * TAO
    assert world.vault()["claims"] > claimed["amount"]

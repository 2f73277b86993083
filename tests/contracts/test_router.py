import pytest

from tests.contracts.deployment import FIRST_PRICE, NETUIDS
from tests.contracts.gas import populate
from tests.contracts.world import (
    ADMIN,
    ALICE,
    BOB,
    GUARDIAN,
    KEEPER,
    OPERATOR,
    REPORTER,
    TAO,
    Receipt,
    Transaction,
    World,
    position_id,
    role,
)

pytestmark = pytest.mark.anvil

LIQUIDATED, HEALTHY, CLOSED, _, _, GAS = range(6)
LOW = FIRST_PRICE * 85 // 100
PLENTY = 70_000_000


def push_and_liquidate(
    world: World, ids: list[bytes], *, netuids: tuple[int, ...] = (64,), gas: int = PLENTY
) -> Receipt:
    updates = [(netuid, LOW, world.block, world.time) for netuid in netuids]
    data = world.abis["router"].encode("pushAndLiquidate", updates, ids)
    to = world.addresses["router"]
    (receipt,) = world.mine([Transaction(sender=OPERATOR, to=to, data=data, gas=gas)])
    return receipt


def answer(world: World, receipt: Receipt) -> tuple[list[int], list[int], bool]:
    pushed, outcomes, succeeded = world.returned("router", "pushAndLiquidate", receipt)
    return pushed, outcomes, succeeded


def test_push_and_liquidate__in_one_transaction__is_zero_blocks_late(world: World) -> None:
    world.open(ALICE, 64)
    receipt = push_and_liquidate(world, [position_id(ALICE, 64), position_id(BOB, 64)])
    assert answer(world, receipt) == ([0], [LIQUIDATED, CLOSED], True)
    names = [event.name for event in receipt.events]
    assert names.index("PricePushed") < names.index("PositionLiquidated")
    (found,) = receipt.named("PositionLiquidated")
    assert found["price"] == LOW
    assert found["beneficiary"] == OPERATOR.lower()
    assert world.call("exchange", "keeperReward", OPERATOR) == found["keeperShare"]
    assert world.balance(world.addresses["router"]) == 0


def test_push_and_liquidate__with_updates_pushed_before__liquidates_all_the_same(
    world: World,
) -> None:
    """What does not fit follows in further transactions with the same updates."""
    for trader in (ALICE, BOB):
        world.open(trader, 64)
    updates = [(64, LOW, world.block, world.time)]
    for trader, pushed in ((BOB, 0), (ALICE, 1)):
        ids = [position_id(trader, 64)]
        receipt = world.send(OPERATOR, "router", "pushAndLiquidate", updates, ids)
        assert answer(world, receipt) == ([pushed], [LIQUIDATED], True)


def test_push_and_liquidate__without_ids__pushes(world: World) -> None:
    assert answer(world, push_and_liquidate(world, [])) == ([0], [], True)


def test_push_and_liquidate__where_the_exchange_refuses__keeps_the_push(world: World) -> None:
    world.open(ALICE, 64)
    router = world.addresses["router"]
    world.send(ADMIN, "exchange", "revokeRole", role("KEEPER_ROLE"), router)
    receipt = push_and_liquidate(world, [position_id(ALICE, 64)])
    assert answer(world, receipt) == ([0], [GAS], False)
    (failed,) = receipt.named("LiquidationCallFailed")
    assert "AccessControlUnauthorizedAccount" in world.abis["exchange"].error(failed["reason"])
    assert world.market(64)["price"] == LOW


def test_push_and_liquidate__while_opening_is_paused__does_both(world: World) -> None:
    world.open(ALICE, 64)
    world.send(GUARDIAN, "exchange", "pauseOpening")
    receipt = push_and_liquidate(world, [position_id(ALICE, 64)])
    assert answer(world, receipt) == ([0], [LIQUIDATED], True)


def test_push_and_liquidate__on_an_empty_vault__does_both(thin: World) -> None:
    thin.open(ALICE, 64, is_long=False, margin=50 * TAO)
    thin.open(BOB, 64, margin=TAO)
    thin.price(64, FIRST_PRICE * 80 // 100)
    thin.close(ALICE, 64)
    assert thin.vault()["reserves"] == 0
    receipt = push_and_liquidate(thin, [position_id(BOB, 64)])
    assert answer(thin, receipt) == ([0], [LIQUIDATED], True)


def test_push_and_liquidate__of_more_than_300_ids__is_refused(world: World) -> None:
    receipt = push_and_liquidate(world, [bytes(16)] * 301)
    assert world.revert_reason("router", receipt) == "TooMany(301)"
    assert answer(world, push_and_liquidate(world, [bytes(16)] * 300))[1] == [CLOSED] * 300


@pytest.mark.parametrize(
    ("caller", "missing"),
    [(REPORTER, "KEEPER_ROLE"), (KEEPER, "REPORTER_ROLE"), (ALICE, "REPORTER_ROLE")],
)
def test_push_and_liquidate__by_a_holder_of_one_role__is_refused(
    world: World, caller: str, missing: str
) -> None:
    receipt = world.attempt(caller, "router", "pushAndLiquidate", [], [])
    reason = world.revert_reason("router", receipt)
    assert reason == f"MissingRole({caller.lower()}, {role(missing)!r})"


@pytest.mark.slow
@pytest.mark.parametrize("count", [3, 40, 300])
def test_push_and_liquidate__at_any_gas_limit__keeps_the_push_and_reports_the_rest(
    world: World, count: int
) -> None:
    ids = populate(world, count)
    with world.undone():
        enough = push_and_liquidate(world, ids, netuids=NETUIDS).gas_used * 2 + 400_000
    with world.undone():
        push_alone = push_and_liquidate(world, [], netuids=NETUIDS).gas_used
    calldata = count * 32 * 16
    reserve = world.call("router", "GAS_RESERVE")
    reserve += world.call("router", "GAS_RESERVE_PER_ID") * count
    least = push_alone + calldata + reserve
    stops = set()
    for part in range(31):
        gas = least + (enough - least) * part // 30
        with world.undone():
            receipt = push_and_liquidate(world, ids, netuids=NETUIDS, gas=gas)
            assert receipt.succeeded, gas
            assert len(receipt.named("PricePushed")) == len(NETUIDS)
            pushed, outcomes, succeeded = answer(world, receipt)
            assert pushed == [0] * len(NETUIDS)
            done = outcomes.count(LIQUIDATED)
            assert outcomes == [LIQUIDATED] * done + [GAS] * (count - done)
            assert len(receipt.named("PositionLiquidated")) == done
            reported = least + world.call("exchange", "GAS_PER_SKIP") * count + 50_000
            assert succeeded or gas < reported, "the exchange stops, it does not run out"
            assert succeeded or done == 0
            stops.add(done)
    assert {0, count} <= stops
    assert len(stops) > 2 or count < 10


def test_liquidate__of_2000_ids_with_gas_for_some__stops_with_the_rest_reported(
    world: World,
) -> None:
    ids = populate(world, 40)
    world.push(*((netuid, LOW) for netuid in NETUIDS))
    many = [*ids, *(number.to_bytes(16, "big") for number in range(1_960))]
    (receipt,) = world.mine(
        [world.transaction(KEEPER, "exchange", "liquidate", many, KEEPER, gas=10_000_000)]
    )
    assert receipt.succeeded
    outcomes = world.outcomes(receipt)
    done = outcomes.count(LIQUIDATED)
    assert outcomes == [LIQUIDATED] * done + [GAS] * (2_000 - done)
    assert 0 < done < 40
    assert len(receipt.named("LiquidationSkipped")) == 2_000 - done

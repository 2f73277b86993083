from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from tests.contracts.world import (
    ADMIN,
    GUARDIAN,
    OPERATOR,
    REPORTER,
    TAO,
    Receipt,
    RevertedError,
    World,
)

pytestmark = pytest.mark.anvil

(ACCEPTED, NOT_NEWER, FUTURE_BLOCK, TOO_OLD, FUTURE_TIME, ZERO_PRICE, SUSPENDED) = range(7)
(NONE, BY_GUARDIAN, IDENTITY, NO_PRICE, JUMP, STALL, BY_OPERATOR) = range(7)
CLEARABLE = (NO_PRICE, JUMP, STALL, BY_OPERATOR)
LOCKED = (BY_GUARDIAN, IDENTITY)
PUSH_AGE_MAX = 25


def row(world: World, netuid: int = 64) -> dict[str, Any]:
    (found,) = world.call("feed", "rows", [netuid])
    return dict(found)


def push(
    world: World, *, block: int, time: int | None = None, price: int = TAO, netuid: int = 64
) -> Receipt:
    """`block` is relative to the block of the push."""
    source_time = world.time if time is None else time
    update = (netuid, price, world.block + 1 + block, source_time)
    return world.send(REPORTER, "feed", "push", [update])


def outcome(world: World, receipt: Receipt) -> int:
    (found,) = world.returned("feed", "push", receipt)
    return int(found)


def suspend(world: World, reason: int, sender: str = REPORTER) -> Receipt:
    return world.send(sender, "feed", "suspend", [64], reason)


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (0, ACCEPTED),
        (1, FUTURE_BLOCK),
        (-1, ACCEPTED),
        (-PUSH_AGE_MAX, ACCEPTED),
        (-PUSH_AGE_MAX - 1, TOO_OLD),
    ],
)
def test_push__of_a_source_block__is_taken_up_to_25_blocks_late(
    world: World, block: int, expected: int
) -> None:
    for _ in range(30):
        world.mine()
    receipt = push(world, block=block)
    assert outcome(world, receipt) == expected
    assert (row(world)["price"] == TAO) == (expected == ACCEPTED)


def test_push__accepted__is_stored_and_said(world: World) -> None:
    time = world.time
    receipt = push(world, block=-3, time=time - 24, price=7)
    block = receipt.block - 3
    assert row(world) == {
        "price": 7,
        "sourceBlock": block,
        "sourceTime": time - 24,
        "suspendedAt": 0,
        "reason": NONE,
    }
    said = {"netuid": 64, "price": 7, "sourceBlock": block, "sourceTime": time - 24}
    assert [event.name for event in receipt.events] == ["PricePushed"]
    assert receipt.named("PricePushed") == [said]


def test_push__of_a_block_pushed_before__is_skipped_and_changes_nothing(world: World) -> None:
    push(world, block=0)
    before = row(world)
    receipt = push(world, block=-1, price=5)
    assert outcome(world, receipt) == NOT_NEWER
    assert row(world) == before
    (skipped,) = receipt.named("UpdateSkipped")
    assert skipped == {"netuid": 64, "sourceBlock": receipt.block - 1, "outcome": NOT_NEWER}


def test_push__of_a_later_source_time_than_the_block_s__is_skipped(world: World) -> None:
    assert outcome(world, push(world, block=-1, time=world.time + 13)) == FUTURE_TIME
    assert outcome(world, push(world, block=-1, time=world.time + 12)) == ACCEPTED


def test_push__of_a_zero_price__is_skipped(world: World) -> None:
    assert outcome(world, push(world, block=0, price=0)) == ZERO_PRICE
    assert row(world)["price"] != 0


def test_push__of_numbers_too_large_for_the_row__is_skipped_not_truncated(world: World) -> None:
    before = row(world)
    updates = [(64, TAO, 2**40 + world.block, world.time), (64, TAO, world.block, 2**40)]
    receipt = world.send(REPORTER, "feed", "push", updates)
    assert world.returned("feed", "push", receipt) == [FUTURE_BLOCK, FUTURE_TIME]
    assert row(world) == before


def test_push__of_a_batch__skips_only_what_fails(world: World) -> None:
    block, time = world.block, world.time
    updates = [
        (64, 1, block, time),
        (51, 0, block, time),
        (62, 3, block, time),
        (64, 4, block, time),
    ]
    receipt = world.send(REPORTER, "feed", "push", updates)
    assert world.returned("feed", "push", receipt) == [ACCEPTED, ZERO_PRICE, ACCEPTED, NOT_NEWER]
    assert [found["price"] for found in world.call("feed", "rows", [64, 62])] == [1, 3]


def test_push__with_a_stolen_block_number__cannot_freeze_a_market(world: World) -> None:
    """The highest block a thief can claim is the block of its push; the next one beats it."""
    push(world, block=0, price=1)
    assert outcome(world, push(world, block=0, price=2)) == ACCEPTED


@pytest.mark.parametrize("reason", CLEARABLE)
def test_push__from_the_suspension_s_block_on__resumes_the_market(
    world: World, reason: int
) -> None:
    suspended = suspend(world, reason)
    assert (row(world)["suspendedAt"], row(world)["reason"]) == (suspended.block, reason)
    older = push(world, block=-2)
    assert outcome(world, older) == SUSPENDED
    assert row(world)["reason"] == reason
    receipt = push(world, block=suspended.block - world.block - 1)
    assert outcome(world, receipt) == ACCEPTED
    assert [event.name for event in receipt.events] == ["MarketResumed", "PricePushed"]
    assert (row(world)["suspendedAt"], row(world)["reason"]) == (0, NONE)


@pytest.mark.parametrize("reason", LOCKED)
def test_push__of_a_market_that_only_the_admin_resumes__is_skipped(
    world: World, reason: int
) -> None:
    suspend(world, reason, GUARDIAN if reason == BY_GUARDIAN else REPORTER)
    world.mine()
    assert outcome(world, push(world, block=0)) == SUSPENDED
    with pytest.raises(RevertedError, match=r"AdminOnly\(64\)"):
        world.send(REPORTER, "feed", "resume", [64])
    resumed = world.send(ADMIN, "feed", "resume", [64])
    assert resumed.named("MarketResumed") == [{"netuid": 64}]
    assert outcome(world, push(world, block=0)) == ACCEPTED


@pytest.mark.parametrize("reason", CLEARABLE)
def test_resume__by_the_reporter__ends_its_own_suspension_and_keeps_the_price(
    world: World, reason: int
) -> None:
    before = row(world)
    suspend(world, reason)
    world.send(REPORTER, "feed", "resume", [64])
    assert row(world) == before


def test_resume__of_a_market_not_suspended__says_nothing(world: World) -> None:
    assert world.send(REPORTER, "feed", "resume", [64, 51]).events == ()


@pytest.mark.parametrize("reason", [NONE, *CLEARABLE, *LOCKED])
def test_suspend__by_the_guardian__is_recorded_as_the_guardian_s(world: World, reason: int) -> None:
    receipt = suspend(world, reason, GUARDIAN)
    assert receipt.named("MarketSuspended") == [{"netuid": 64, "reason": BY_GUARDIAN}]
    assert row(world)["reason"] == BY_GUARDIAN


def test_suspend__by_the_reporter_in_the_guardian_s_name__is_refused(world: World) -> None:
    with pytest.raises(RevertedError, match="AccessControlUnauthorizedAccount"):
        suspend(world, BY_GUARDIAN)


def test_suspend__without_a_reason__is_refused(world: World) -> None:
    with pytest.raises(RevertedError, match="ReasonMissing"):
        suspend(world, NONE)


@pytest.mark.parametrize("locked", LOCKED)
@pytest.mark.parametrize("second", [*CLEARABLE, *LOCKED])
def test_suspend__of_a_market_that_only_the_admin_resumes__changes_nothing(
    world: World, locked: int, second: int
) -> None:
    suspend(world, locked, GUARDIAN if locked == BY_GUARDIAN else REPORTER)
    before = row(world)
    receipt = suspend(world, second, GUARDIAN if second == BY_GUARDIAN else REPORTER)
    assert receipt.events == ()
    assert row(world) == before


def test_suspend__again_for_the_same_reason__keeps_its_block(world: World) -> None:
    first = suspend(world, JUMP)
    again = suspend(world, JUMP, OPERATOR)
    assert again.events == ()
    assert row(world)["suspendedAt"] == first.block


def test_suspend__for_another_reason__counts_from_its_own_block(world: World) -> None:
    suspend(world, JUMP)
    second = suspend(world, STALL)
    assert (row(world)["suspendedAt"], row(world)["reason"]) == (second.block, STALL)


@pytest.mark.parametrize("second", [NO_PRICE, JUMP, STALL])
def test_suspend__a_bot_s_reason_behind_an_operator_s__changes_nothing(
    world: World, second: int
) -> None:
    """It was on its way already; taken, the feeder would soon have resumed the market itself."""
    suspend(world, BY_OPERATOR, OPERATOR)
    before = row(world)
    assert suspend(world, second).events == ()
    assert row(world) == before


@pytest.mark.parametrize("locked", LOCKED)
def test_suspend__for_a_locked_reason__takes_the_place_of_an_operator_s(
    world: World, locked: int
) -> None:
    suspend(world, BY_OPERATOR, OPERATOR)
    second = suspend(world, locked, GUARDIAN if locked == BY_GUARDIAN else REPORTER)
    assert (row(world)["suspendedAt"], row(world)["reason"]) == (second.block, locked)


@pytest.mark.parametrize("first", [NO_PRICE, JUMP, STALL])
def test_suspend__by_an_operator__takes_the_place_of_a_bot_s_reason(
    world: World, first: int
) -> None:
    suspend(world, first)
    second = suspend(world, BY_OPERATOR, OPERATOR)
    assert (row(world)["suspendedAt"], row(world)["reason"]) == (second.block, BY_OPERATOR)


def test_suspend__of_a_market_never_priced__is_recorded(world: World) -> None:
    receipt = world.send(REPORTER, "feed", "suspend", [999], NO_PRICE)
    found = row(world, 999)
    assert (found["price"], found["suspendedAt"], found["reason"]) == (0, receipt.block, NO_PRICE)


def test_row__of_a_market__is_one_storage_slot(world: World) -> None:
    suspended = suspend(world, JUMP)
    found = row(world)
    slot = int.from_bytes(keccak(encode(["uint16", "uint256"], [64, 1])), "big")
    first, second = (
        int(world.node.rpc("eth_getStorageAt", world.addresses["feed"], hex(at), "latest"), 16)
        for at in (slot, slot + 1)
    )
    packed = found["price"] | found["sourceBlock"] << 128 | found["sourceTime"] << 168
    assert first == packed | suspended.block << 208 | JUMP << 248
    assert second == 0

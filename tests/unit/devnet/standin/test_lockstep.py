import asyncio
from collections.abc import Callable

import pytest

from devnet.standin.lockstep import (
    AlreadyJoinedError,
    LateParticipantError,
    LockStep,
    NotJoinedError,
    Participant,
    ParticipantKind,
)
from units import BlockNumber

HEAD = ParticipantKind.HEAD
FINALIZED = ParticipantKind.FINALIZED


class World:
    """Notes in order what happened; bots answer as soon as the loop lets them."""

    def __init__(self, *, turn_s_max: float = 5.0) -> None:
        self.seen: list[str] = []
        self.finalized = BlockNumber(0)
        self.lock_step = LockStep(publish=self.publish, turn_s_max=turn_s_max)
        self._finalized_bots: list[Callable[[], None]] = []

    def publish(self, finalized: BlockNumber) -> bool:
        if finalized <= self.finalized:
            return False
        self.finalized = finalized
        self.seen.append(f"finalized {finalized}")
        for finish in self._finalized_bots:
            asyncio.get_running_loop().call_soon(finish)
        return True

    def join(self, name: str, kind: ParticipantKind, order: int, *, answers: bool = True) -> object:
        owner = object()

        def finish(block: BlockNumber) -> None:
            self.seen.append(f"{name} finished {block}")
            self.lock_step.finished(name, block, owner=owner)

        def release(_: str, block: BlockNumber) -> None:
            self.seen.append(f"{name} released {block}")
            if answers:
                asyncio.get_running_loop().call_soon(finish, block)

        if kind is FINALIZED and answers:
            self._finalized_bots.append(lambda: finish(self.finalized))
        participant = Participant(name=name, kind=kind, order=order)
        self.lock_step.join(participant, owner=owner, release=release)
        return owner

    async def release(self, best: int) -> None:
        await self.lock_step.release(BlockNumber(best), BlockNumber(best - 2))


async def test_release__nobody_joined__publishes_at_once() -> None:
    world = World()
    await world.release(10)
    assert world.seen == ["finalized 8"]


async def test_release__several__each_waits_for_the_one_before() -> None:
    world = World()
    world.join("liquidator", HEAD, 20)
    world.join("feeder", FINALIZED, 10)
    world.join("transactions", HEAD, 0)
    await world.release(10)
    assert world.seen == [
        "transactions released 10",
        "transactions finished 10",
        "finalized 8",
        "feeder finished 8",
        "liquidator released 10",
        "liquidator finished 10",
    ]
    assert [one.name for one in world.lock_step.participants] == [
        "transactions",
        "feeder",
        "liquidator",
    ]


async def test_release__heads_only__publishes_before_the_first_turn() -> None:
    world = World()
    world.join("funding", HEAD, 30)
    await world.release(10)
    assert world.seen == ["finalized 8", "funding released 10", "funding finished 10"]


async def test_release__same_order__goes_by_name() -> None:
    world = World()
    world.join("b", HEAD, 20)
    world.join("a", HEAD, 20)
    await world.release(10)
    assert world.seen[1:4:2] == ["a released 10", "b released 10"]


async def test_release__finality_stands_still__does_not_wait_for_who_has_nothing_to_do() -> None:
    world = World()
    world.join("feeder", FINALIZED, 10)
    await world.release(10)
    await world.release(10)
    assert world.seen == ["finalized 8", "feeder finished 8"]


async def test_release__joined_anew_while_finality_stands_still__is_not_waited_for() -> None:
    world = World(turn_s_max=0.05)
    owner = world.join("feeder", FINALIZED, 10)
    await world.release(10)
    world.lock_step.leave(owner)
    world.join("feeder", FINALIZED, 10, answers=False)
    await world.release(10)
    assert world.seen == ["finalized 8", "feeder finished 8"]


async def test_release__two_of_finalized_kind__woken_by_one_head_and_both_waited_for() -> None:
    world = World(turn_s_max=0.05)
    world.join("feeder", FINALIZED, 10)
    late = world.join("second", FINALIZED, 11, answers=False)
    with pytest.raises(LateParticipantError, match="second did not finish block 8"):
        await world.release(10)
    world.lock_step.finished("second", BlockNumber(9), owner=late)
    await world.release(11)
    assert [what for what in world.seen if "finalized" in what] == ["finalized 8", "finalized 9"]


async def test_release__does_not_finish__error_names_who_and_which_block() -> None:
    world = World(turn_s_max=0.01)
    world.join("funding", HEAD, 30, answers=False)
    with pytest.raises(LateParticipantError, match=r"^funding did not finish block 10 within"):
        await world.release(10)


async def test_release__finishes_an_older_block__is_not_done_yet() -> None:
    world = World(turn_s_max=0.05)
    owner = world.join("funding", HEAD, 30, answers=False)
    world.lock_step.finished("funding", BlockNumber(9), owner=owner)
    with pytest.raises(LateParticipantError, match="funding"):
        await world.release(10)


async def test_release__leaves_during_its_turn__nobody_waits_for_it() -> None:
    world = World()
    owner = world.join("warnings", HEAD, 40, answers=False)
    world.join("last", HEAD, 50)
    asyncio.get_running_loop().call_later(0.01, world.lock_step.leave, owner)
    await world.release(10)
    assert world.seen[-1] == "last finished 10"
    assert [one.name for one in world.lock_step.participants] == ["last"]


async def test_release__left_before_its_turn__is_not_released() -> None:
    world = World()
    first = world.join("first", HEAD, 0, answers=False)
    second = world.join("second", HEAD, 1, answers=False)
    loop = asyncio.get_running_loop()
    loop.call_soon(world.lock_step.leave, second)
    loop.call_later(0.01, world.lock_step.leave, first)
    await world.release(10)
    assert "second released 10" not in world.seen


async def test_release__joined_meanwhile__is_in_from_the_next_release_on() -> None:
    world = World()
    owner = world.join("first", HEAD, 0, answers=False)

    def join_late() -> None:
        world.join("second", HEAD, 1)
        world.lock_step.finished("first", BlockNumber(11), owner=owner)

    asyncio.get_running_loop().call_later(0.01, join_late)
    await world.release(10)
    assert "second released 10" not in world.seen
    await world.release(11)
    assert "second released 11" in world.seen


def test_join__name_taken__refused_until_the_owner_leaves() -> None:
    world = World()
    owner = world.join("feeder", FINALIZED, 10)
    with pytest.raises(AlreadyJoinedError):
        world.join("feeder", FINALIZED, 10)
    world.lock_step.leave(owner)
    world.join("feeder", FINALIZED, 10)


def test_finished__by_another_owner__refused() -> None:
    world = World()
    world.join("feeder", FINALIZED, 10)
    with pytest.raises(NotJoinedError):
        world.lock_step.finished("feeder", BlockNumber(1), owner=object())
    with pytest.raises(NotJoinedError):
        world.lock_step.finished("nobody", BlockNumber(1), owner=object())


async def test_wait_joined__comes_later__returns_then() -> None:
    world = World()
    asyncio.get_running_loop().call_later(0.01, world.join, "feeder", FINALIZED, 10)
    await world.lock_step.wait_joined(frozenset({"feeder"}), timeout_s=5)


async def test_wait_joined__never_comes__error_names_who() -> None:
    world = World()
    world.join("feeder", FINALIZED, 10)
    with pytest.raises(LateParticipantError, match=r"did not join within 0.01 s: funding$"):
        await world.lock_step.wait_joined(frozenset({"feeder", "funding"}), timeout_s=0.01)


async def test_wait_finished__head_of_the_subscription__waits_for_finalized_kind_only() -> None:
    world = World(turn_s_max=0.01)
    world.join("funding", HEAD, 30)
    owner = world.join("feeder", FINALIZED, 10, answers=False)
    with pytest.raises(LateParticipantError, match="feeder did not finish block 8"):
        await world.lock_step.wait_finished(BlockNumber(8))
    world.lock_step.finished("feeder", BlockNumber(8), owner=owner)
    await world.lock_step.wait_finished(BlockNumber(8))

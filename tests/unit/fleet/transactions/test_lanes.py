import asyncio

import pytest

from fleet.transactions.lanes import Turns
from fleet.transactions.request import Lane


async def test_turns__several_wait__most_urgent_first_then_in_order() -> None:
    turns, served = Turns(), []

    async def take(lane: Lane, name: str) -> None:
        async with turns.turn(lane):
            served.append(name)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        for lane, name in (
            (Lane.HOUSEKEEPING, "first to come"),
            (Lane.FUNDING, "funding"),
            (Lane.LIQUIDATION, "liquidation 1"),
            (Lane.LIQUIDATION, "liquidation 2"),
            (Lane.PRICE, "price"),
        ):
            tasks.create_task(take(lane, name))
    assert served == ["first to come", "price", "liquidation 1", "liquidation 2", "funding"]


async def test_turns__never_two_at_once() -> None:
    turns, inside, most = Turns(), 0, 0

    async def take(lane: Lane) -> None:
        nonlocal inside, most
        async with turns.turn(lane):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    async with asyncio.TaskGroup() as tasks:
        for number in range(40):
            tasks.create_task(take(Lane(number % 4)))
    assert most == 1


async def test_turns__waiter_cancelled__the_next_one_is_served() -> None:
    turns = Turns()
    release = asyncio.Event()

    async def hold() -> None:
        async with turns.turn(Lane.PRICE):
            await release.wait()

    async def take() -> str:
        async with turns.turn(Lane.FUNDING):
            return "served"

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(hold())
        await asyncio.sleep(0)
        leaving = tasks.create_task(take())
        staying = tasks.create_task(take())
        await asyncio.sleep(0)
        leaving.cancel()
        release.set()
    assert staying.result() == "served"
    assert leaving.cancelled()


async def test_turns__called_and_cancelled_at_one_moment__the_turn_is_passed_on() -> None:
    turns = Turns()

    async def take() -> str:
        async with turns.turn(Lane.FUNDING):
            return "served"

    async with asyncio.TaskGroup() as tasks:
        async with turns.turn(Lane.PRICE):
            called = tasks.create_task(take())
            after = tasks.create_task(take())
            await asyncio.sleep(0)
        called.cancel()  # its future is set, it has not run yet
    assert called.cancelled()
    assert after.result() == "served"


async def test_turns__body_fails__the_turn_is_given_up() -> None:
    turns = Turns()
    with pytest.raises(ZeroDivisionError):
        async with turns.turn(Lane.PRICE):
            raise ZeroDivisionError
    async with turns.turn(Lane.PRICE):
        pass

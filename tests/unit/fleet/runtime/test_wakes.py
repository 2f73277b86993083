import asyncio
from dataclasses import dataclass

from fleet.runtime.wakes import Alarm, Closed, Inbox
from units import BlockNumber


@dataclass(frozen=True)
class Wake:
    number: BlockNumber


def wake(number: int) -> Wake:
    return Wake(BlockNumber(number))


async def test_inbox__several_heads_before_one_is_taken__only_the_newest_comes() -> None:
    inbox: Inbox[Wake] = Inbox()
    inbox.put(wake(1))
    inbox.put(wake(2))
    inbox.close()

    assert await inbox.take() == wake(2)
    assert isinstance(await inbox.take(), Closed)


async def test_inbox__taken_before_it_comes__waits_for_it() -> None:
    inbox: Inbox[Wake] = Inbox()
    async with asyncio.TaskGroup() as group:
        taken = group.create_task(inbox.take())
        await asyncio.sleep(0)
        assert not taken.done()
        inbox.put(wake(1))

    assert taken.result() == wake(1)


async def test_inbox__rings__gives_the_newest_head_again_once() -> None:
    inbox: Inbox[Wake] = Inbox()
    alarm = Alarm()
    alarm.listen(inbox.ring)
    inbox.put(wake(1))
    await inbox.take()

    alarm.set()
    alarm.set()
    inbox.close()

    assert await inbox.take() == wake(1)
    assert isinstance(await inbox.take(), Closed)


async def test_inbox__ring_before_the_first_head__waits_for_it() -> None:
    inbox: Inbox[Wake] = Inbox(heads_wake=False)
    inbox.ring()
    async with asyncio.TaskGroup() as group:
        taken = group.create_task(inbox.take())
        await asyncio.sleep(0)
        assert not taken.done()
        inbox.put(wake(1))

    assert taken.result() == wake(1)


async def test_inbox__heads_do_not_wake__only_a_ring_does() -> None:
    inbox: Inbox[Wake] = Inbox(heads_wake=False)
    inbox.put(wake(1))
    inbox.put(wake(2))
    async with asyncio.TaskGroup() as group:
        taken = group.create_task(inbox.take())
        await asyncio.sleep(0)
        assert not taken.done()
        inbox.ring()

    assert taken.result() == wake(2)


async def test_inbox__discarded__gives_nothing_any_more() -> None:
    inbox: Inbox[Wake] = Inbox()
    inbox.put(wake(1))
    inbox.discard()
    inbox.ring()

    assert isinstance(await inbox.take(), Closed)

"""A new process finds what an earlier one left, on a simulated chain."""

import pytest

from fleet.transactions.attempt import State
from fleet.transactions.request import (
    AlreadyInFlight,
    Expired,
    Final,
    Refused,
    Submitted,
    Superseded,
)
from tests.unit.fleet.transactions.world import Killed, World
from units import BlockNumber


async def test_recover__mined_and_not_final__is_watched_on() -> None:
    world = World()
    await world.submit()
    await world.mine()
    world.another_process()
    await world.sender.recover()
    assert world.states() == [State.MINED]
    await world.sender.settle(world.chain.reorganise(1, is_lossy=True))
    await world.mine()
    assert world.payloads() == [b"work"]


async def test_recover__killed_between_journal_and_broadcast__the_new_process_sends_it() -> None:
    world = World()
    await world.sender.recover()
    world.fuse.set(4, Killed(), is_after=False)  # quote, simulate, enter, → send
    with pytest.raises(Killed):
        await world.submit()
    assert world.states() == [State.SIGNED]
    assert world.chain.sent == []
    await world.another_process().recover()
    assert world.states() == [State.SEEN]
    assert isinstance(await world.submit(), AlreadyInFlight)
    (settled,) = await world.conclude()
    assert isinstance(settled.outcome, Final)


async def test_recover__killed_before_the_journal_has_it__the_nonce_is_free() -> None:
    world = World()
    await world.sender.recover()
    world.fuse.set(3, Killed(), is_after=False)  # quote, simulate, → enter
    with pytest.raises(Killed):
        await world.submit()
    assert world.states() == []
    await world.another_process().recover()
    submitted = await world.submit()
    assert isinstance(submitted, Submitted)
    assert submitted.nonce == 0


@pytest.mark.parametrize("is_worth_sending", [True, False])
async def test_recover__killed_in_the_journal_and_not_simulated_yet__is_simulated_before_it_leaves(
    is_worth_sending: bool,
) -> None:
    world = World()
    await world.sender.recover()
    world.fuse.set(2, Killed(), is_after=False)  # quote, → simulate, and enter beside it
    with pytest.raises(Killed):
        await world.submit()
    assert world.states() == [State.SIGNED]
    assert world.chain.sent == []
    world.chain.rehearses = lambda _: is_worth_sending
    await world.another_process().recover()
    (settled,) = await world.conclude()
    assert isinstance(settled.outcome, Final if is_worth_sending else Expired)
    assert world.payloads() == ([b"work"] if is_worth_sending else [])


async def test_recover__killed_before_a_refused_one_was_withdrawn__it_never_leaves() -> None:
    world = World()
    await world.sender.recover()
    world.chain.rehearses = lambda _: False
    world.fuse.set(4, Killed(), is_after=False)  # quote, simulate, enter, → withdraw
    with pytest.raises(Killed):
        await world.submit()
    await world.another_process().recover()
    (settled,) = await world.conclude()
    assert isinstance(settled.outcome, Expired)
    assert world.payloads() == []


async def test_recover__killed_after_broadcast__not_sent_under_a_second_nonce() -> None:
    world = World()
    await world.sender.recover()
    world.fuse.set(4, Killed(), is_after=True)
    with pytest.raises(Killed):
        await world.submit()
    assert len(world.chain.pool) == 1
    world.another_process()
    assert isinstance(await world.submit(), AlreadyInFlight)
    await world.mine(4)
    assert world.payloads() == [b"work"]


async def test_recover__expired_while_down__replaced_by_nothing_instead_of_sent() -> None:
    world = World()
    world.chain.is_deaf = True
    await world.submit(valid_until=BlockNumber(3))
    for _ in range(5):
        world.chain.mine()
    world.chain.is_deaf = False
    world.chain.sent.clear()
    await world.another_process().recover()
    (settled,) = await world.conclude()
    assert isinstance(settled.outcome, Expired)
    assert not any(b'"data": "776f726b"' in raw for raw in world.chain.sent)


async def test_recover__mined_while_down__told_by_the_next_settle_and_only_there() -> None:
    world = World()
    await world.submit()
    world.chain.mine()
    await world.another_process().recover()
    (settled,) = await world.conclude()
    assert isinstance(settled.outcome, Final)
    assert await world.mine(3) == ()
    world.another_process()
    assert await world.mine(3) == ()


async def test_recover__journal_lost__goes_on_from_the_chain_s_count() -> None:
    world = World()
    await world.submit("a")
    await world.submit("b")
    await world.mine()
    world.journal.entries.clear()
    world.another_process()
    assert isinstance(await world.submit("c"), Refused), "it may be taken back"
    await world.mine(2)
    submitted = await world.submit("c")
    assert isinstance(submitted, Submitted)
    assert submitted.nonce == 2


async def test_recover__journal_lost_with_one_in_the_pool__waits_for_it() -> None:
    world = World()
    await world.submit("a")
    world.journal.entries.clear()
    world.another_process()
    assert isinstance(await world.submit("b"), Refused)
    await world.mine(3)
    assert isinstance(await world.submit("b"), Submitted)


async def test_recover__older_journal_put_back__held_until_final_and_the_unknown_superseded() -> (
    None
):
    world = World()
    await world.submit("known")
    backup = dict(world.journal.entries)
    world.chain.pool.clear()
    world.chain.intrude(0)
    world.chain.intrude(1)
    world.chain.mine()
    world.journal.entries = backup
    world.another_process()
    assert isinstance(await world.submit("new"), Refused)
    settled = await world.mine(2)
    assert [type(each.outcome) for each in settled] == [Superseded]
    submitted = await world.submit("new")
    assert isinstance(submitted, Submitted)
    assert submitted.nonce == 2

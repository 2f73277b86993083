"""What a reorganisation or a restart leaves in doubt, on a simulated chain."""

from fleet.transactions.request import (
    Expired,
)
from tests.unit.fleet.transactions.world import World
from units import BlockNumber


async def test_settle__reorganised_away_and_without_a_point_since__withdrawn() -> None:
    world = World()
    await world.submit()
    await world.mine()
    head = world.chain.reorganise(1, is_lossy=True)
    world.chain.rehearses = lambda _: False
    await world.sender.settle(head)
    assert world.chain.pool[0].data == b"", "replaced by nothing"
    world.chain.rehearses = lambda _: True
    (settled,) = await world.mine(4)
    assert isinstance(settled.outcome, Expired)
    assert "withdrawn" in settled.outcome.reason
    assert world.payloads() == []


async def test_settle__reorganised_away_after_its_last_block__expired() -> None:
    world = World()
    await world.submit(valid_until=BlockNumber(2))
    await world.mine()
    await world.sender.settle(world.chain.reorganise(1, is_lossy=True))
    (settled,) = await world.mine(4)
    assert settled.outcome == Expired()
    assert world.payloads() == []


async def test_settle__reorganised_away_and_no_simulation_to_be_had__not_sent_until_there_is() -> (
    None
):
    world = World()
    await world.submit()
    await world.mine()
    world.chain.is_dark = True
    await world.sender.settle(world.chain.reorganise(1, is_lossy=True))
    await world.mine(2)
    assert world.payloads() == []
    world.chain.is_dark = False
    await world.mine(2)
    assert world.payloads() == [b"work"]


async def test_recover__what_was_open_has_no_point_any_more__withdrawn() -> None:
    world = World()
    world.chain.is_deaf = True
    await world.submit()
    world.chain.is_deaf = False
    world.chain.mine()
    world.chain.rehearses = lambda _: False
    world.another_process()
    (settled,) = await world.conclude(2)
    assert isinstance(settled.outcome, Expired)
    assert world.payloads() == []

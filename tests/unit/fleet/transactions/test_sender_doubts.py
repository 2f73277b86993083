"""What a reorganisation or a restart leaves in doubt, on a simulated chain."""

from fleet.transactions.request import Expired, Final
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


async def test_settle__without_a_point_since_and_nobody_signs_its_withdrawal__stays_away() -> None:
    """The bytes that are signed are those that must not leave again."""
    world = World()
    await world.submit()
    await world.mine()
    world.chain.rehearses = lambda _: False
    world.signer.is_away = True
    await world.sender.settle(world.chain.reorganise(1, is_lossy=True))
    await world.mine(3)
    assert world.chain.pool == {}
    world.signer.is_away = False
    (settled,) = await world.mine(5)
    assert isinstance(settled.outcome, Expired)
    assert world.payloads() == []


async def test_settle__works_on_the_same_as_another_and_nobody_signs__stays_away() -> None:
    world = World()
    await world.submit("a", subjects=("p",))
    await world.mine()
    await world.submit("b", subjects=("p",))
    world.signer.is_away = True
    world.chain.pool.clear()
    await world.sender.settle(world.chain.reorganise(1, is_lossy=True))
    await world.mine(3)
    assert world.payloads() == []
    world.signer.is_away = False
    await world.conclude(3)
    assert world.payloads() == [b"b"]


async def test_settle__had_no_point_for_a_while_and_nobody_signed__sent_once_it_has_one() -> None:
    world = World()
    await world.submit()
    await world.mine()
    world.chain.rehearses = lambda _: False
    world.signer.is_away = True
    await world.sender.settle(world.chain.reorganise(1, is_lossy=True))
    world.chain.rehearses = lambda _: True
    (settled,) = await world.conclude(2)
    assert isinstance(settled.outcome, Final)


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

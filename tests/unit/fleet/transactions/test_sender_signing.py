"""A key that lives elsewhere and can't be reached for a while: no nonce is lost, nothing jams."""

from fleet.transactions.attempt import State
from fleet.transactions.request import Final, Refused, Submitted
from tests.unit.fleet.transactions.world import GWEI, World


async def test_submit__nobody_signs__is_refused_and_the_nonce_is_free() -> None:
    world = World()
    world.signer.is_away = True

    refused = await world.submit("first")
    world.signer.is_away = False
    sent = await world.submit("second")

    assert refused == Refused(reason="not signed: no signature within 4 s")
    assert isinstance(sent, Submitted)
    assert [entry.nonce for entry in world.journal.entries.values()] == [0]
    (settled,) = await world.conclude()
    assert isinstance(settled.outcome, Final)


async def test_settle__a_replacement_can_t_be_signed__is_tried_again_at_the_next_head() -> None:
    world = World()
    await world.submit()
    world.chain.base_fee = 40 * GWEI
    world.signer.is_away = True
    await world.stall(6)
    (entry,) = world.journal.entries.values()
    assert len(entry.attempts) == 1
    assert world.sender.status is not None
    assert world.sender.status.problem == "not signed: no signature within 4 s"

    world.signer.is_away = False
    settled = await world.conclude(3)

    assert [type(each.outcome) for each in settled] == [Final]
    assert world.states() == [State.FINAL]


async def test_settle__a_stranger_can_t_be_outbid__the_nonce_stays_to_be_filled() -> None:
    world = World()
    world.chain.intrude(0, fee=1)
    assert isinstance(await world.submit(), Refused)
    world.signer.is_away = True
    await world.stall(world.policy.hold_blocks_max + 3)
    assert world.journal.entries == {}

    world.signer.is_away = False
    await world.mine(world.policy.hold_blocks_max + 3)

    assert isinstance(await world.submit("later"), Submitted)

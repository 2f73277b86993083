"""Which blocks' liquidations are read: none twice for nothing, and none left out unsaid."""

from keepers.warnings.alerts import AlertKind
from tests.unit.keepers.warnings.scripted import (
    POLICY,
    Disk,
    World,
    head,
    keeper,
    key,
    liquidated,
)


async def test_step__after_downtime__liquidations_meanwhile_are_read() -> None:
    world, disk = World(), Disk()
    world.liquidations = {5: liquidated(1), 90: liquidated(2)}
    await keeper(world, disk).step(head(1))

    outcome = await keeper(world, disk).step(head(100))

    assert [alert.key for alert in outcome.alerts] == [key(1), key(2)]


async def test_step__after_downtime_beyond_the_logs__says_which_blocks_it_missed() -> None:
    world, disk = World(), Disk()
    world.liquidations = {990: liquidated(2)}
    await keeper(world, disk).step(head(1))

    outcome = await keeper(world, disk).step(head(1000))

    assert [alert.kind for alert in outcome.alerts] == [
        AlertKind.BLOCKS_MISSED,
        AlertKind.LIQUIDATED,
    ]
    assert "blocks 2 to 800" in outcome.alerts[0].text


async def test_step__after_downtime_as_long_as_the_logs__missed_none() -> None:
    world, disk = World(), Disk()
    world.liquidations = {2: liquidated(1)}
    await keeper(world, disk).step(head(1))

    outcome = await keeper(world, disk).step(head(1 + POLICY.log_blocks_max))

    assert [alert.kind for alert in outcome.alerts] == [AlertKind.LIQUIDATED]


async def test_step__block_after_block__reads_only_the_new_one() -> None:
    world, disk = World(), Disk()
    bot = keeper(world, disk)

    for block in (10, 11, 12):
        await bot.step(head(block))

    assert world.asked == [(10, 10), (11, 11), (12, 12)]


async def test_step__liquidation_in_a_replaced_block__read_from_the_block_that_replaced_it() -> (
    None
):
    world, disk = World(), Disk()
    bot = keeper(world, disk)
    await bot.step(head(10))
    world.liquidations = {10: liquidated(1)}

    outcome = await bot.step(head(11, fork=1, parent_fork=1))
    again = await bot.step(head(12, fork=2, parent_fork=2))

    assert [alert.key for alert in outcome.alerts] == [key(1)]
    assert again.alerts == ()

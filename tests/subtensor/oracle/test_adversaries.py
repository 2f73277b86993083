"""What may happen to prices, subnets and chains: a named state, an alert, recovery, over sockets.

In no case does a price reach the feed that no honest node saw finalized: the drill checks every
one that lands. Nothing is restarted. What nodes may do: test_adversary_nodes.py.
"""

from pathlib import Path
from typing import Any

import pytest

from devnet.standin import MarketOverride, RuntimeProfile
from fleet.wiring.silence import Silence
from oracle.feed import SuspensionReason
from oracle.feeder import FeederPolicy
from oracle.freshness import FreshnessPolicy
from oracle.judge import JudgePolicy
from oracle.plan import FeedPlan
from tests.subtensor.oracle.drill import LAG, Drill, drill, feeder_of, opened_by
from tests.subtensor.oracle.test_subtensor import OTHER, SN, START
from tests.unit.fleet.wiring.simulated import Wall
from units import BlockNumber, Netuid, Rao

pytestmark = pytest.mark.subtensor

MAXIMAL = Rao(2**64 - 1)


async def test_a_spike_of_one_block__is_held_and_told_and_gone(tmp_path: Path) -> None:
    async with drill(tmp_path) as world:
        at = BlockNumber(world.best + 1)
        world.everywhere(MarketOverride(netuid=SN, first=at, last=at, price=Rao(900_000_000)))
        await world.until(lambda: world.suspension() is SuspensionReason.JUMP, blocks=6)
        assert await world.told(f"feed-jump-{SN}-")
        await world.until(world.is_well)
        assert 900_000_000 * 10**9 not in world.feed.prices(SN)


async def test_a_slow_bleed_below_the_guard__is_followed_and_told(tmp_path: Path) -> None:
    """What every honest node saw finalized is the price; that it is pushed along is for people."""
    async with drill(tmp_path) as world:
        price = world.truth(SN, BlockNumber(world.best))
        for step in range(1, 13):
            at = BlockNumber(world.best + step)
            bled = Rao(price * 975**step // 1000**step)
            last = None if step == 12 else at
            world.everywhere(MarketOverride(netuid=SN, first=at, last=last, price=bled))
        await world.run(14)
        assert world.suspension() is SuspensionReason.NONE
        assert await world.told(f"feed-moved-{SN}-")


@pytest.mark.parametrize(
    "change", [{"exists": False}, {"registered_at": BlockNumber(START + 9)}], ids=["gone", "again"]
)
async def test_the_netuid_is_dissolved_or_registered_again__locked_until_both_steps_are_done(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    async with drill(tmp_path) as world:
        first = BlockNumber(world.best + 1)
        world.everywhere(MarketOverride(netuid=SN, first=first, **change))
        await world.until(lambda: world.suspension() is SuspensionReason.IDENTITY, blocks=6)
        assert await world.told(f"feed-identity-{SN}-")
        again = BlockNumber(world.best + 1)
        world.everywhere(
            MarketOverride(
                netuid=SN, first=again, exists=True, registered_at=again, price=Rao(230_000_000)
            )
        )
        await world.run(6)
        assert world.suspension() is SuspensionReason.IDENTITY
        # The operator accepts the new pin, then the admin clears the suspension.
        pins = {SN: again, OTHER: pin_of(world, OTHER)}
        world.feeder = feeder_of(world.source, world.feed, pins, None)
        await world.run(3)
        assert world.suspension() is SuspensionReason.IDENTITY
        world.feed.clear_suspension(SN)
        await world.until(lambda: world.feed.row(SN).source_block > again)
        assert world.suspension() is SuspensionReason.NONE


def pin_of(world: Drill, netuid: Netuid) -> BlockNumber:
    return world.nodes[0].node.tape.registered_at(netuid) or BlockNumber(0)


async def test_the_price_is_zero__there_is_none_until_the_pool_is_filled(tmp_path: Path) -> None:
    async with drill(tmp_path) as world:
        first, last = BlockNumber(world.best + 1), BlockNumber(world.best + 5)
        world.everywhere(MarketOverride(netuid=SN, first=first, last=last, price=Rao(0)))
        await world.until(lambda: world.suspension() is SuspensionReason.NO_PRICE, blocks=6)
        assert world.reasons() == {"ZERO_PRICE"}
        assert await world.told(f"feed-no-price-{SN}-")
        await world.until(world.is_well)


async def test_the_price_is_the_largest_there_is__is_held_and_gone(tmp_path: Path) -> None:
    async with drill(tmp_path) as world:
        first, last = BlockNumber(world.best + 1), BlockNumber(world.best + 4)
        world.everywhere(MarketOverride(netuid=SN, first=first, last=last, price=MAXIMAL))
        await world.until(lambda: world.suspension() is SuspensionReason.JUMP, blocks=6)
        assert await world.told(f"feed-jump-{SN}-")
        await world.until(world.is_well)
        assert MAXIMAL * 10**9 not in world.feed.prices(SN)


@pytest.mark.parametrize("buried", [None, 6])
async def test_the_best_head_is_replaced_again_and_again__final_blocks_alone_count(
    tmp_path: Path, buried: int | None
) -> None:
    policy = FeederPolicy(judge=JudgePolicy(buried_blocks=buried))
    async with drill(tmp_path, policy=policy) as world:
        for _ in range(6):
            await world.run(1)
            for node in world.nodes.all:
                node.reorganise(BlockNumber(world.best))
        assert world.is_well()


async def test_finality_stands__a_stall_and_the_first_final_price_resumes(tmp_path: Path) -> None:
    async with drill(tmp_path) as world:
        for node in world.nodes.all:
            node.faults.is_finality_withheld = True
        await world.until(lambda: world.suspension() is SuspensionReason.STALL, blocks=14)
        assert await world.told("feed-stall-")
        for node in world.nodes.all:
            node.faults.is_finality_withheld = False
        await world.until(world.is_well)


async def test_finality_stands_and_buried_blocks_are_allowed__prices_go_on_and_it_is_told(
    tmp_path: Path,
) -> None:
    policy = FeederPolicy(judge=JudgePolicy(buried_blocks=6))
    async with drill(tmp_path, policy=policy) as world:
        for node in world.nodes.all:
            node.faults.is_finality_withheld = True
        world.honest = ()  # nothing is final any more: that is what was allowed
        await world.run(16)
        assert world.suspension() is SuspensionReason.NONE
        assert await world.told("feed-unfinal-")
        for node in world.nodes.all:
            node.faults.is_finality_withheld = False
        world.honest = (0,)
        await world.until(world.is_well)


@pytest.mark.parametrize("seconds", [600, -600])
async def test_this_machine_s_clock_is_ten_minutes_off__is_told_and_no_price_is_wrong(
    tmp_path: Path, wall: Wall, seconds: int
) -> None:
    async with drill(tmp_path) as world:
        assert world.source.latest is not None
        silence = Silence(
            source=world.source,
            opened=opened_by(world.database),
            clock=wall,
            policy=FreshnessPolicy(stands_s_max=3_600),
        )
        wall.advance(type(wall.now())(world.source.latest.time + 24 + 60 + seconds))
        await silence.look()
        await world.run(6)
        assert world.is_well()
        assert await world.told("source-old-" if seconds > 0 else "source-ahead-")


async def test_the_runtime_loses_its_price_api__there_is_no_price_until_one_has_it_again(
    tmp_path: Path,
) -> None:
    async with drill(tmp_path) as world:
        for node in world.nodes.all:
            without = RuntimeProfile.synthetic(spec_version=343, has_price_api=False)
            node.upgrade_at(BlockNumber(world.best + 2), without)
            again = RuntimeProfile.synthetic(spec_version=424)
            node.upgrade_at(BlockNumber(world.best + 14), again)
        await world.until(lambda: world.suspension() is SuspensionReason.NO_PRICE, blocks=8)
        assert world.reasons() == {"NO_PRICE_API"}
        await world.run(3)
        assert await world.told("source-no-price-api-") == ["source-no-price-api-343"]
        await world.until(world.is_well)


@pytest.mark.parametrize("item", ["NetworkRegisteredAt", "SubnetTAO"])
async def test_the_runtime_loses_a_storage_item__prices_go_on_and_it_is_told(
    tmp_path: Path, item: str
) -> None:
    async with drill(tmp_path) as world:
        for node in world.nodes.all:
            lost = RuntimeProfile.synthetic(spec_version=9002, without=[item])
            node.upgrade_at(BlockNumber(world.best + 2), lost)
        await world.until(lambda: item in world.unchecked(), blocks=150, pause_s=0.2)
        await world.run(4)
        assert world.is_well()
        assert await world.told("source-unchecked-9002")
        for node in world.nodes.all:
            again = RuntimeProfile.synthetic(spec_version=9003)
            node.upgrade_at(BlockNumber(world.best + 2), again)
        await world.until(lambda: not world.unchecked(), blocks=150, pause_s=0.2)
        assert world.is_well()


@pytest.mark.parametrize("ahead", [6, 40])
async def test_the_node_of_chain_964_is_behind__a_block_of_the_future_is_told_and_not_pushed(
    tmp_path: Path, ahead: int
) -> None:
    async with drill(tmp_path) as world:
        pushed = len(world.feed.publications)
        world.nodes.advance(world.best + ahead + LAG)
        world.outcome = await world.feeder.step(await world.final_head())
        assert isinstance(world.outcome.plan, FeedPlan)
        block = f"source block {world.best + ahead} is {ahead} blocks ahead of chain 964"
        assert f"{block}: it is not believed" in world.outcome.plan.alerts
        assert len(world.feed.publications) == pushed
        world.best += ahead + LAG
        world.feed.advance_to(world.best)
        await world.until(world.is_well)


async def test_a_push_lands_late__the_feed_takes_no_old_block_and_the_next_is_on_its_way(
    tmp_path: Path,
) -> None:
    async with drill(tmp_path) as world:
        world.feed.loses_next = 6  # what is sent now never lands
        await world.run(8)
        await world.until(world.is_well)
        assert world.suspension(OTHER) is SuspensionReason.NONE

"""What nodes may do to who asks them, over real sockets: a named state, an alert, recovery.

In no case does a price reach the feed that no honest node saw finalized: the drill checks every
one that lands. Nothing is restarted.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devnet.standin import MarketOverride, SubtensorStandIn
from fleet.wiring.silence import Silence
from oracle.feed import SuspensionReason
from oracle.freshness import FreshnessPolicy
from oracle.quotes import Standing
from tests.subtensor.oracle.drill import Drill, drifting, drill, opened_by
from tests.subtensor.oracle.nodes import Nodes, nodes_of
from tests.subtensor.oracle.test_subtensor import SN, START
from tests.unit.fleet.wiring.simulated import Wall
from units import BlockNumber, Rao

pytestmark = pytest.mark.subtensor

MAXIMAL = Rao(2**64 - 1)


def lie(drill: Drill, index: int, **changes: Any) -> None:
    """From the next block on one node tells of SN what is not so."""
    change = MarketOverride(netuid=SN, first=BlockNumber(drill.best + 1), **changes)
    drill.nodes[index].override(change)


@pytest.mark.parametrize(
    "lies",
    [
        {"price": Rao(1)},
        {"price": MAXIMAL},
        {"price": Rao(0)},
        {"exists": False},
        {"registered_at": BlockNumber(7)},
        {"mechanism": 0},
    ],
    ids=lambda lies: next(iter(lies)),
)
async def test_one_of_three_lies__is_named_and_the_feed_follows_the_others(
    tmp_path: Path, lies: dict[str, Any]
) -> None:
    await lied_to(tmp_path, lies, count=3, liars=1)


async def test_two_of_five_tell_the_same_lie__are_named_and_the_feed_follows_the_others(
    tmp_path: Path,
) -> None:
    await lied_to(tmp_path, {"price": Rao(1)}, count=5, liars=2)


async def lied_to(tmp_path: Path, lies: dict[str, Any], *, count: int, liars: int) -> None:
    honest = range(liars, count)
    async with drill(tmp_path, count=count, agreement=count - liars, honest=honest) as world:
        for index in range(liars):
            lie(world, index, **lies)
        await world.run(6)
        assert world.is_well()
        assert world.standing(0) is Standing.DISAGREES
        assert await world.told("source-disagrees-a")
        for index in range(liars):
            world.nodes[index].node.clear_overrides()
        await world.until(lambda: world.standing(0) is Standing.AGREES)


async def test_all_are_frozen__quiet_then_a_stall_and_the_feed_resumes_with_them(
    tmp_path: Path, wall: Wall
) -> None:
    async with drill(tmp_path) as world:
        silence = Silence(
            source=world.source,
            opened=opened_by(world.database),
            clock=wall,
            policy=FreshnessPolicy(stands_s_max=0.05, old_s_max=10**10, ahead_s_max=10**10),
        )
        world.frozen = (0, 1, 2)
        await world.until(lambda: world.suspension() is SuspensionReason.STALL, blocks=14)
        await silence.look()
        assert await world.told("feed-stall-")
        assert await world.told("source-stands-")
        world.frozen = ()
        await world.until(world.is_well)


async def test_the_majority_is_frozen__no_block_is_agreed_on_and_all_is_back_with_it(
    tmp_path: Path,
) -> None:
    async with drill(tmp_path) as world:
        world.frozen = (1, 2)
        await world.until(lambda: world.suspension() is SuspensionReason.STALL, blocks=14)
        assert await world.told("feed-stall-")
        world.frozen = ()
        await world.until(world.is_well)


async def test_the_majority_dies__no_quorum_within_a_minute_and_all_is_back_with_it(
    tmp_path: Path,
) -> None:
    async with drill(tmp_path) as world:
        await world.nodes[1].stop()
        await world.nodes[2].stop()
        await world.until(lambda: world.suspension() is SuspensionReason.NO_PRICE, blocks=9)
        assert world.reasons() == {"NO_QUORUM"}
        assert await world.told("source-no-quorum-")
        await world.nodes[1].start()
        await world.nodes[2].start()
        await world.until(world.is_well)


async def test_two_halves_say_two_things__nothing_is_believed_until_they_agree(
    tmp_path: Path,
) -> None:
    async with drill(tmp_path, count=2, agreement=2, honest=(0,)) as world:
        lie(world, 1, price=Rao(1))
        await world.until(lambda: world.suspension() is SuspensionReason.NO_PRICE, blocks=6)
        assert world.reasons() == {"NO_QUORUM"}
        assert world.standing(1) is Standing.DISPUTED
        assert await world.told("source-no-quorum-")
        world.nodes[1].node.clear_overrides()
        await world.until(world.is_well)


def truncated(answer: Any) -> Any:
    return answer[:-6] if isinstance(answer, str) else answer


def oversized(answer: Any) -> Any:
    return answer + "00" * 100_000 if isinstance(answer, str) else answer


def counted_wrong(answer: Any) -> Any:
    return "0xfe" + answer[4:] if isinstance(answer, str) else answer


@pytest.mark.parametrize("forge", [truncated, oversized, counted_wrong])
async def test_one_answers_scale_that_is_none__is_named_and_the_others_go_on(
    tmp_path: Path, forge: Callable[[Any], Any]
) -> None:
    async with drill(tmp_path, honest=(1, 2)) as world:
        world.nodes[0].faults.forged["state_call"] = forge
        await world.run(6)
        assert world.is_well()
        assert world.standing(0) is Standing.MALFORMED
        assert await world.told("source-malformed-a")
        world.nodes[0].faults.forged.clear()
        await world.until(lambda: world.standing(0) is Standing.AGREES)


async def test_storage_is_forged__a_time_ten_minutes_off_is_outvoted(tmp_path: Path) -> None:
    def later(answer: Any) -> Any:
        changes = answer[0]["changes"]
        key, value = changes[0]
        moved = int.from_bytes(bytes.fromhex(value[2:]), "little") + 600_000
        changes[0] = [key, "0x" + moved.to_bytes(8, "little").hex()]
        return answer

    async with drill(tmp_path, honest=(1, 2)) as world:
        world.nodes[0].faults.forged["state_queryStorageAt"] = later
        await world.run(6)
        assert world.is_well()
        assert world.standing(0) is Standing.DISAGREES
        assert await world.told("source-disagrees-a")
        world.nodes[0].faults.forged.clear()
        await world.until(lambda: world.standing(0) is Standing.AGREES)


async def test_one_serves_another_chain__is_named_and_the_others_go_on(tmp_path: Path) -> None:
    async with (
        nodes_of(drifting, 2, start=START) as same,
        SubtensorStandIn(drifting(), start=START, chain_name="another") as other,
        drill(tmp_path, nodes=Nodes([*same.all, other]), honest=(0, 1)) as world,
    ):
        await world.run(6)
        assert world.is_well()
        await world.until(lambda: world.standing(2) is Standing.WRONG_CHAIN)
        assert await world.told("source-wrong-chain-c")


async def test_the_only_one_serves_another_chain__is_told_and_comes_back_by_itself(
    tmp_path: Path,
) -> None:
    async with drill(tmp_path, count=1, agreement=1) as world:
        node = world.nodes[0]
        port = int(node.url.rpartition(":")[2])
        await node.stop()
        other = SubtensorStandIn(drifting(), start=BlockNumber(world.best), chain_name="another")
        await other.start(port)
        await world.until(lambda: world.suspension() is SuspensionReason.STALL, blocks=20)
        assert world.standing(0) is Standing.WRONG_CHAIN
        assert await world.told("source-wrong-chain-a")
        assert await world.told("feed-stall-")
        await other.stop()
        await node.start(port)
        await world.until(world.is_well, pause_s=0.1)


async def test_one_takes_everything_and_answers_nothing__is_named_and_the_others_go_on(
    tmp_path: Path,
) -> None:
    async with drill(tmp_path, honest=(1, 2)) as world:
        world.nodes[0].faults.is_mute = True
        mute = Standing.UNREACHABLE
        await world.until(lambda: world.standing(0) is mute, blocks=400, pause_s=0.1)
        await world.run(6)
        assert world.is_well()
        assert await world.told("source-unreachable-a")
        world.nodes[0].faults.is_mute = False
        heard = Standing.AGREES
        await world.until(lambda: world.standing(0) is heard, blocks=400, pause_s=0.1)


@pytest.mark.parametrize("fault", ["split_s", "answer_delay_s"])
async def test_every_answer_comes_in_pieces_or_late__and_is_the_same(
    tmp_path: Path, fault: str
) -> None:
    async with drill(tmp_path) as world:
        for node in world.nodes.all:
            setattr(node.faults, fault, 0.03)
        await world.run(6)
        assert world.is_well()

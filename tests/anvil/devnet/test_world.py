"""A whole world without the fleet: a puppet keeper plays it, well or badly, and is judged."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from devnet.accounts import Account, Unsigned, sign
from devnet.audit.duties import Duty
from devnet.audit.invariants import Invariant
from devnet.audit.watch import Audit
from devnet.base_fee import BASE_FEE_FLOOR
from devnet.replay import open_replay
from devnet.synthetic_tape import Shocks, synthetic_tape
from devnet.tape import Tape, TapeError
from devnet.traders import TAKEN_OVER
from devnet.world import FINALITY_BLOCKS, World, WorldOptions, running_world
from protocol.alpha import AlphaPrices
from tests.anvil.devnet.puppet import PuppetKeeper, begin_audit
from units import RAO_IN_PRICE_WEI, Address, BlockNumber, Netuid, Wei

pytestmark = pytest.mark.anvil

BLOCKS = 240
RECORDED = Path(__file__).parents[4] / "shared/data/alpha_prices_2025-03-07_2025-04-30.csv.gz"


def tape_with_a_crash() -> Tape:
    """Market 34 loses 30 % at block 120 of 400; everything else walks quietly."""
    rows = 40
    shocks = Shocks(
        crash_row=12, crash_percent=30, spike_row=rows, grind_first=0, grind_end=0, grind_ppm=0
    )
    return synthetic_tape(3, rows=rows, shocks=shocks)


def options(tape: Tape) -> WorldOptions:
    return WorldOptions(tape=tape, first=tape.first_block, blocks=BLOCKS, traders=150, seed=5)


def broken(audit: Audit) -> Iterable[str]:
    record = audit.auditor.record
    return [f"{one}: {record.breaches.get(one)}" for one in Invariant if not record.holds(one)]


def nothing(account: Account) -> str:
    """A signed transaction that only counts."""
    unsigned = Unsigned(
        to=account.address, data=b"", nonce=0, gas=21_000, gas_price=Wei(2 * BASE_FEE_FLOOR)
    )
    return sign(account, unsigned)


def neglected(audit: Audit) -> set[Duty]:
    duties = audit.referee.duties
    return {duty for duty in Duty if not duties.is_done(duty)}


async def test_world__good_keeper_through_a_crash__every_invariant_holds() -> None:
    tape = tape_with_a_crash()
    async with running_world(options(tape)) as world:
        audit = await begin_audit(world)
        keeper = PuppetKeeper(world)
        world.watchers += [audit.watch, keeper.act]
        for _ in range(BLOCKS):
            await world.advance(in_step=True)
        await audit.finish(world.head.head)
        counts = world.traders.counts
    referee = audit.referee
    assert broken(audit) == []
    assert referee.verdict.liquidations >= 2
    assert dict(referee.verdict.late_blocks) == {0: referee.verdict.liquidations}
    assert dict(referee.verdict.source_blocks) == {
        FINALITY_BLOCKS + 1: referee.verdict.liquidations
    }
    assert referee.below.left_alone == {}
    assert referee.verdict.healthy_touched == []
    assert max(referee.verdict.gap_bps_max.values()) == 0
    assert neglected(audit) == {Duty.JUMPS_STOOD}  # this keeper has no guard
    assert counts.succeeded["open"] >= 30
    assert counts.succeeded["close"] >= 1
    assert counts.succeeded["withdraw"] >= 1
    assert sum(counts.rejected.values()) == 0


async def test_world__keeper_that_sleeps__positions_left_alone() -> None:
    tape = tape_with_a_crash()
    async with running_world(options(tape)) as world:
        audit = await begin_audit(world)
        keeper = PuppetKeeper(world, is_asleep=True)
        world.watchers += [audit.watch, keeper.act]
        for _ in range(150):
            await world.advance(in_step=True)
        await audit.finish(world.head.head)
    assert len(audit.referee.below.left_alone) >= 2
    assert broken(audit) == []


async def test_world__same_seed_twice__the_same_blocks() -> None:
    tape = tape_with_a_crash()
    hashes = []
    for _ in range(2):
        async with running_world(options(tape)) as world:
            keeper = PuppetKeeper(world)
            world.watchers.append(keeper.act)
            for _ in range(60):
                await world.advance(in_step=True)
            hashes.append(world.head.head.hash)
    assert hashes[0] == hashes[1]


async def test_world__precompile__says_the_tape_s_price_at_every_block() -> None:
    tape = tape_with_a_crash()
    async with running_world(options(tape)) as world:
        await world.advance(in_step=True)
        number = world.head.head.number
        call = {"to": "0x" + f"{0x808:040x}", "data": f"0x69e38bc3{64:064x}"}
        price = int(await world.node.call("eth_call", call, hex(number)), 16)
    assert price == tape.row_at(number).prices[Netuid(64)] * 10**9


async def test_world__nobody_pushes_a_price__openings_are_declined_and_counted() -> None:
    tape = tape_with_a_crash()
    async with running_world(options(tape)) as world:
        for _ in range(40):
            await world.advance(in_step=True)
        counts = world.traders.counts
    assert counts.succeeded["deposit"] > 0
    assert counts.sent["open"] == 0
    assert set(counts.declined) == {"StalePrice"}


async def test_world__account_that_a_stranger_sends_from__is_the_stranger_s_alone() -> None:
    tape = tape_with_a_crash()
    async with running_world(options(tape)) as world:
        counts = world.traders.counts
        sent = counts.sent.total()
        for trader in world.traders.traders:
            if trader.nonce == 0:  # has not begun
                await world.node.call("eth_sendRawTransaction", nothing(trader.account))
        for _ in range(20):
            await world.advance(in_step=True)
    assert counts.declined[TAKEN_OVER] > 0
    assert counts.sent.total() == sent
    assert counts.rejected.total() == 0


@pytest.mark.shared
@pytest.mark.skipif(not RECORDED.exists(), reason=f"../shared/data/{RECORDED.name} is absent")
async def test_world__real_fall_of_sn34_by_half__bad_debt_and_every_invariant() -> None:
    replay = open_replay(path=RECORDED, start="2025-03-23T08:00", hours=1, seed=1)
    crowded = WorldOptions(tape=replay.tape, first=replay.first, blocks=240, traders=300, seed=2)
    async with running_world(crowded) as world:
        audit = await begin_audit(world)
        keeper = PuppetKeeper(world)
        world.watchers += [audit.watch, keeper.act]
        for _ in range(240):
            await world.advance(in_step=True)
        await audit.finish(world.head.head)
    verdict = audit.referee.verdict
    assert broken(audit) == []
    assert verdict.bad_debt_wei > 0
    assert set(verdict.late_blocks) == {0}
    assert verdict.healthy_touched == []


async def test_world__tape_that_ends__says_so() -> None:
    tape = synthetic_tape(1, rows=2)
    async with running_world(options(tape)) as world:
        while world.head.head.number < world.last_block:
            await world.advance(in_step=True)
        with pytest.raises(TapeError, match="not on the tape"):
            await world.advance(in_step=True)


async def test_world__the_precompile_asked_of_a_block__says_that_block_s_prices() -> None:
    """Also of the newest one while the next block's are written already."""
    tape = tape_with_a_crash()
    async with running_world(options(tape)) as world:
        alpha, netuid = AlphaPrices(NodeCalls(world)), Netuid(34)
        for _ in range(15):
            await world.advance(in_step=False)
            newest = world.head.head.number
            for block in range(max(newest - 4, world.start), newest + 1):
                said = await alpha.at([netuid], BlockNumber(block))
                expected = tape.row_at(BlockNumber(block)).prices[netuid]
                assert said == {netuid: expected * RAO_IN_PRICE_WEI}, (block, newest)


class NodeCalls:
    """Calls of the world's node at a block."""

    def __init__(self, world: World) -> None:
        self._node = world.node

    async def call(self, to: Address, data: bytes, block: BlockNumber) -> bytes:
        request = {"to": to, "data": "0x" + data.hex()}
        return bytes.fromhex((await self._node.call("eth_call", request, hex(block)))[2:])

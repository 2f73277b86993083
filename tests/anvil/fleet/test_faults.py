"""The real sender on a real node behind everything that can be between them."""

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from devnet.chaos.workload import LANDED
from devnet.faults.faults import (
    Cut,
    Fault,
    Lag,
    Limited,
    OtherChain,
    Silence,
    Stale,
    TooManyRequests,
    Truncated,
    Twice,
)
from devnet.faults.mixtures import bad_network
from devnet.faults.plan import Plan, Rule
from fleet.transactions.attempt import Ending
from fleet.transactions.request import Submitted
from tests.anvil.fleet.ground import GWEI
from tests.anvil.fleet.storm import Storm, assert_all_is_well, brewed
from units import BlockNumber

pytestmark = pytest.mark.anvil

SEND = frozenset({"eth_sendRawTransaction"})
PIECES = range(6)
ALIKE = range(0, 12, 2)
"""Pieces of one lane: none has to make way for another."""
LONG = Lag(seconds=0.6)  # longer than the sender's patience
LATE = Lag(seconds=0.6, is_sent_late=True)
FAULTS: dict[str, Fault] = {
    "the answer comes too late": LONG,
    "the node hears it too late": LATE,
    "lost on the way there": Silence(is_forwarded=False),
    "lost on the way back": Silence(is_forwarded=True),
    "sent twice by a gateway": Twice(),
    "disconnected in the answer": Cut(),
    "half an answer": Truncated(),
    "status 429": TooManyRequests(),
    "status 429 with a delay": TooManyRequests(retry_after_s=1),
    "error -32005": Limited(),
    "three blocks behind": Stale(blocks=3),
}
each_fault = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())


@pytest.fixture
async def storm(tmp_path: Path) -> AsyncIterator[Storm]:
    async with brewed(tmp_path / "store.sqlite3") as brewing:
        yield brewing


async def assert_every_piece_lands(storm: Storm) -> None:
    """In fair weather, with nobody asking twice for what is on its way."""
    await storm.clear_up(PIECES)
    await assert_all_is_well(storm, dict.fromkeys(PIECES, LANDED))


@each_fault
async def test_every_send__befallen__lands_once(storm: Storm, fault: Fault) -> None:
    storm.proxy.follow(Plan(rules=(Rule(fault=fault, methods=SEND),)))
    for _ in range(2):
        await storm.send(PIECES)
        await storm.block()
    assert storm.proxy.struck.total() > 0
    await assert_every_piece_lands(storm)
    assert storm.told == dict.fromkeys(PIECES, 1)


@each_fault
async def test_half_of_all_requests__befallen__every_piece_lands_once(
    storm: Storm, fault: Fault
) -> None:
    storm.proxy.follow(Plan(rules=(Rule(fault=fault, probability=0.5),), seed=5))
    for _ in range(5):
        await storm.send(PIECES)
        await storm.block()
    assert storm.proxy.struck.total() > 0
    await assert_every_piece_lands(storm)


async def test_another_chain__nothing_is_sent_to_it(storm: Storm) -> None:
    lie = Rule(fault=OtherChain(chain_id=945), methods=frozenset({"eth_chainId"}))
    storm.proxy.follow(Plan(rules=(lie,)))
    await storm.send(PIECES)
    assert storm.proxy.struck.total() > 0
    assert storm.proxy.asked["eth_sendRawTransaction"] == 0
    assert await storm.ground.pooled() == []
    assert storm.waiting == set()
    await storm.restart()
    await assert_every_piece_lands(storm)


async def test_expiring_while_nobody_answers__the_nonces_are_used_by_nothing(storm: Storm) -> None:
    lost = Rule(fault=Silence(is_forwarded=False), methods=SEND)
    storm.proxy.follow(Plan(rules=(lost,)))
    tip = (await storm.ground.node.head()).number
    for piece in PIECES:
        assert isinstance(await storm.submit(piece, valid_until=BlockNumber(tip + 2)), Submitted)
    for _ in range(3):
        await storm.block()
    await storm.clear_up()
    await assert_all_is_well(storm, dict.fromkeys(PIECES, Ending.EXPIRED.value))
    assert len(await storm.on_chain()) == len(PIECES), "every nonce is used"


OF_ONE = {name: FAULTS[name] for name in ("lost on the way there", "three blocks behind")} | {
    "serves another chain": OtherChain(chain_id=945),
    "disconnected in the answer": Cut(),
}


@pytest.mark.parametrize("fault", OF_ONE.values(), ids=OF_ONE.keys())
async def test_one_of_three_operators__befallen_all_the_time__the_other_two_decide(
    tmp_path: Path, fault: Fault
) -> None:
    async with brewed(tmp_path / "three.sqlite3", nodes=3) as storm:
        storm.proxy.follow(Plan(rules=(Rule(fault=fault),)))
        for _ in range(8):
            await storm.send(PIECES)
            await storm.block()
        assert storm.proxy.struck.total() > 0
        assert storm.told == dict.fromkeys(PIECES, 1), storm.failures
        await assert_all_is_well(storm, dict.fromkeys(PIECES, LANDED))


async def test_two_of_three_operators__three_blocks_behind__nothing_is_told(
    tmp_path: Path,
) -> None:
    """What one node alone has seen is no outcome."""
    async with brewed(tmp_path / "three.sqlite3", nodes=3) as storm:
        await storm.send(PIECES)
        stale = Plan(rules=(Rule(fault=Stale(blocks=3)),))
        for proxy in storm.proxies[:2]:
            proxy.follow(stale)
        for _ in range(3):
            await storm.block()
        assert storm.told == {}
        assert len(await storm.on_chain()) == len(PIECES)
        await assert_every_piece_lands(storm)
        assert storm.told == dict.fromkeys(PIECES, 1)


async def strike_the_chain(storm: Storm, chance: Random) -> None:
    """One of anvil's own faults, or none."""
    lever, ground = storm.ground.lever, storm.ground
    match chance.randrange(8):
        case 0:
            await lever.call("anvil_reorg", 1, [])
            await storm.look()
        case 1:
            for pooled in await ground.pooled():
                await lever.call("anvil_dropTransaction", pooled["hash"])
        case 2:
            await storm.block(base_fee=40 * GWEI)
        case 3:
            await storm.restart()
        case _:
            pass


async def test_base_fee_above_the_spend_limit__waits_for_a_lower_one(storm: Storm) -> None:
    storm.proxy.follow(Plan(rules=(Rule(fault=Cut(), probability=0.3),), seed=2))
    await storm.send(ALIKE)
    for base_fee in (20, 60, 99, 101, 150, 150, 101):
        await storm.block(base_fee=base_fee * GWEI)
        await storm.send(ALIKE)
    await storm.clear_up(ALIKE)
    await assert_all_is_well(storm, dict.fromkeys(ALIKE, LANDED))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
async def test_mixture__with_reorgs_drops_spikes_and_restarts__each_piece_ends_once(
    storm: Storm, seed: int
) -> None:
    chance = Random(seed)
    storm.proxy.follow(bad_network(seed))
    for _ in range(4):
        await storm.ground.seal()
    for _ in range(10):
        await storm.send(PIECES)
        await strike_the_chain(storm, chance)
        await storm.block()
    assert storm.proxy.struck.total() > 0
    await assert_every_piece_lands(storm)

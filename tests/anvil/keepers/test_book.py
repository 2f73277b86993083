"""The book followed from a real chain's logs, and judgement on head n of what block n + 1 does."""

from collections.abc import Sequence
from random import Random
from typing import Any, Literal

import pytest

from fleet.chain import answers
from fleet.chain.answers import Sealed
from fleet.chain.throttle import Urgency
from keepers.liquidation.assessment import RiskView
from keepers.liquidation.book import Book
from keepers.liquidation.follower import BookFollower, FollowerPolicy
from keepers.liquidation.rebuilds import RebuildReason
from keepers.liquidation.reconciliation import Reconciled
from keepers.liquidation.risk import Exposure, RiskEngine, RiskPolicy
from protocol.deployment import Deployment
from protocol.reading import ExchangeReader
from tests.anvil.keepers.crowd import GAS_EACH, crowd, mine_all, open_all
from tests.contracts.deployment import FIRST_PRICE
from tests.contracts.world import (
    ADMIN,
    GUARDIAN,
    KEEPER,
    REPORTER,
    TAO,
    Parameters,
    Transaction,
    World,
    market,
    position_id,
)
from units import Address, BlockHash, BlockNumber, Head, Netuid, Timestamp

pytestmark = pytest.mark.anvil

NETUIDS = (8, 64, 120)
BLOCKS = 40
PATIENT = RiskPolicy(answer_s_max=None)


class ChainReads:
    """The node as the reader asks it."""

    def __init__(self, world: World) -> None:
        self._node = world.node
        self.logs_asked = 0

    async def head(self) -> Head:
        return _head(self._node.rpc("eth_getBlockByNumber", "latest", False))

    async def block(self, number: BlockNumber) -> Head | None:
        found = self._node.rpc("eth_getBlockByNumber", hex(number), False)
        return _head(found) if found else None

    async def sealed(self, number: BlockNumber) -> Sealed | None:
        found = self._node.rpc("eth_getBlockByNumber", hex(number), False)
        return answers.sealed(found) if found else None

    async def call(
        self,
        to: Address,
        data: bytes,
        block: BlockNumber | Literal["latest"],
        *,
        urgency: Urgency = Urgency.DECIDING,
    ) -> bytes:
        call = {"to": to, "data": "0x" + data.hex()}
        return bytes.fromhex(self._node.rpc("eth_call", call, hex(int(block)))[2:])

    async def logs(
        self,
        first: BlockNumber,
        last: BlockNumber,
        addresses: Sequence[Address],
        *,
        tip: BlockHash | None = None,
    ) -> Sequence[dict[str, Any]]:
        self.logs_asked += 1
        query = {"fromBlock": hex(first), "toBlock": hex(last), "address": list(addresses)}
        return list(self._node.rpc("eth_getLogs", query))


def _head(block: dict[str, Any]) -> Head:
    return Head(
        number=BlockNumber(int(block["number"], 16)),
        hash=BlockHash(block["hash"]),
        parent_hash=BlockHash(block["parentHash"]),
        time=Timestamp(int(block["timestamp"], 16)),
    )


class Fleet:
    """A follower and a risk engine on the world's node."""

    def __init__(self, world: World) -> None:
        self.chain = ChainReads(world)
        deployment = Deployment(
            exchange=Address(world.addresses["exchange"]),
            price_feed=Address(world.addresses["feed"]),
            keeper_router=Address(world.addresses["router"]),
        )
        reader = ExchangeReader(
            chain=self.chain, deployment=deployment, markets=[Netuid(n) for n in NETUIDS]
        )
        self.follower = BookFollower(log=reader, policy=FollowerPolicy())
        self.risk = RiskEngine(follower=self.follower, policy=PATIENT)

    async def require_equal_to_views(self) -> None:
        book = await self.follower.at_head()
        assert isinstance(book, Book)
        assert await self.follower.reconcile(book.head) == Reconciled(head=book.head)


class Market:
    """Traders, a feed and keepers who do what comes to a seeded mind."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._random = Random(seed)
        self._traders = crowd(world, 8, tao=500)
        self._prices = dict.fromkeys(NETUIDS, FIRST_PRICE)

    def next_block(self) -> None:
        """One block of anything; what the exchange refuses reverts and is part of it."""
        if self._random.random() < 0.2:
            self._world.elapse(self._random.choice([24, 600, 40_000]))
        doing = (self._trade, self._trade, self._push, self._suspend, self._keep)
        count = self._random.randint(0, 8)
        self._world.mine([self._random.choice(doing)() for _ in range(count)])

    def _trade(self) -> Transaction:
        trader, netuid = self._random.choice(self._traders), self._random.choice(NETUIDS)
        if self._random.random() < 0.6:
            params = (market(netuid), self._random.random() < 0.6, 2 * TAO, 3 * TAO, 2_000)
            return self._call(trader, "exchange", "openMarketPosition", params)
        size = self._random.choice([0, TAO, 3 * TAO + 1])
        return self._call(trader, "exchange", "closePosition", position_id(trader, netuid), size)

    def _push(self) -> Transaction:
        netuid = self._random.choice(NETUIDS)
        moved = self._prices[netuid] * self._random.randint(85, 117) // 100
        self._prices[netuid] = moved
        self._world.set_chain_price(netuid, moved)
        update = (netuid, moved, self._world.block, self._world.time)
        return self._call(REPORTER, "feed", "push", [update])

    def _suspend(self) -> Transaction:
        netuid, dice = self._random.choice(NETUIDS), self._random.random()
        if dice < 0.1:
            return self._call(GUARDIAN, "feed", "suspend", [netuid], 1)
        if dice < 0.4:
            return self._call(REPORTER, "feed", "suspend", [netuid], self._random.choice([3, 4]))
        if dice < 0.9:
            return self._call(ADMIN, "feed", "resume", [netuid])
        rules = Parameters(maintenance=self._random.choice([1_900, 2_000, 2_100]))
        return self._call(ADMIN, "exchange", "setMarketParameters", netuid, rules)

    def _keep(self) -> Transaction:
        if self._random.random() < 0.3:
            every = [market(netuid) for netuid in NETUIDS]
            return self._call(KEEPER, "exchange", "accrueFunding", every)
        ids = self._world.call("exchange", "positionIds", 0, 1_000)[0]
        return self._call(KEEPER, "exchange", "liquidate", ids, KEEPER)

    def _call(self, sender: str, contract: str, function: str, *arguments: object) -> Transaction:
        gas = 3_000_000 if function == "liquidate" else GAS_EACH
        return self._world.transaction(sender, contract, function, *arguments, gas=gas)


@pytest.mark.parametrize("seed", range(4))
async def test_follower__anything_that_happens_on_chain__gives_the_book_of_the_views(
    world: World, seed: int
) -> None:
    fleet, trading = Fleet(world), Market(world, seed)
    await fleet.require_equal_to_views()
    most = 0
    for _ in range(BLOCKS):
        trading.next_block()
        await fleet.require_equal_to_views()
        assert fleet.follower.book is not None
        most = max(most, len(fleet.follower.book.positions))
    assert most > 5
    rebuilds = fleet.follower.counts.rebuilds
    assert set(rebuilds) <= {RebuildReason.START, RebuildReason.PARAMETERS}
    assert fleet.chain.logs_asked > BLOCKS // 2


async def test_follower__many_blocks_missed__gives_the_book_of_the_views(world: World) -> None:
    fleet, trading = Fleet(world), Market(world, seed=7)
    await fleet.require_equal_to_views()
    for _ in range(BLOCKS):
        trading.next_block()
    await fleet.require_equal_to_views()


async def test_follower__chain_forks_under_it__gives_the_book_of_the_new_branch(
    world: World,
) -> None:
    fleet, trading = Fleet(world), Market(world, seed=3)
    trading.next_block()
    await fleet.require_equal_to_views()
    before, block, time = world.node.snapshot(), world.block, world.time
    for _ in range(5):
        trading.next_block()
        await fleet.require_equal_to_views()
    world.node.revert(before)
    world.block, world.time = block, time
    for _ in range(4):
        trading.next_block()
        await fleet.require_equal_to_views()
    assert fleet.follower.counts.rewinds >= 1


@pytest.mark.parametrize("seed", range(4))
async def test_exposure__on_head_n__is_exactly_what_block_n_plus_1_liquidates(
    world: World, seed: int
) -> None:
    fleet, trading = Fleet(world), Market(world, seed)
    seen = 0
    for _ in range(BLOCKS):
        trading.next_block()
        ids = world.call("exchange", "positionIds", 0, 1_000)[0]
        exposure = await fleet.risk.exposure(await fleet.chain.head())
        assert isinstance(exposure, Exposure)
        expected = {one.position.key.id: one.remaining for one in exposure.candidates}
        receipt = world.liquidate(*ids)
        done = {event["id"]: event["remaining"] for event in receipt.named("PositionLiquidated")}
        assert done == expected
        skipped = sum(outcome in (3, 4) for outcome in world.outcomes(receipt))
        assert skipped == sum(exposure.unknown.values())
        seen += len(done)
    assert seen


async def test_exposure__funding_alone_drives_it__is_on_time_for_the_block_it_falls_in(
    world: World,
) -> None:
    fleet = Fleet(world)
    (held,) = open_all(world, crowd(world, 1, tao=500), [8])
    world.price(8, FIRST_PRICE * 8_680 // 10_000)
    for _ in range(1_000):
        exposure = await fleet.risk.exposure(await fleet.chain.head())
        assert isinstance(exposure, Exposure)
        world.elapse(12)
        receipt = world.liquidate(held)
        assert world.outcomes(receipt) == ([0] if exposure.candidates else [1])
        if exposure.candidates:
            return
    raise AssertionError("funding never took it")


async def test_risk_view__real_positions__is_the_contract_s_own_view(world: World) -> None:
    fleet = Fleet(world)
    ids = open_all(world, crowd(world, 4, tao=500), NETUIDS)
    mine_all(world, [world.transaction(REPORTER, "feed", "suspend", [64], 4)])
    world.price(8, FIRST_PRICE * 9 // 10)
    shown = await fleet.risk.risk_view(await fleet.chain.head())
    assert isinstance(shown, RiskView)
    seen = dict(zip(ids, world.call("exchange", "marginRatios", ids), strict=True))
    assert len(shown.positions) == len(ids)
    for risk in shown.positions:
        margin = seen[risk.position.key.id]
        if risk.position.netuid == 64:
            assert (risk.remaining, risk.ratio_bps) == (None, None)
        else:
            assert (risk.remaining, risk.ratio_bps) == (margin["remaining"], margin["ratioBps"])

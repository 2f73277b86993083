"""The reference exchange on a ground, and a feeder whose book says that a crowd trades on it.

Everything but the crowd is real: contracts, node, a Subtensor stand-in, reader, follower, risk,
sender, journal. The positions are only in the book, where the views would have put them: to open
them takes an hour. The contract skips each as closed, so every push lands and every decision is
made again.
"""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from bench.crowd import MARKETS, positions
from bench.fleet_sender import FleetSender, opened_sender
from bench.ground import Ground
from bench.sources import quorum_over
from bench.standins import StandIns, standing_in
from devnet.accounts import seeded_account
from devnet.chain import Chain
from devnet.deployment import Grants, deploy, planned_deployment
from devnet.parameters import Beta
from fleet.runtime.interpreter import settle_in
from keepers.liquidation.comparison import ComparisonPolicy
from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.follower import BookFollower, FollowerPolicy
from keepers.liquidation.gas import REFERENCE_GAS
from keepers.liquidation.positions import BookSnapshot
from keepers.liquidation.risk import RiskEngine, RiskPolicy
from keepers.liquidation.upkeep import BookUpkeep
from oracle.feeder import Feeder, FeederPolicy
from oracle.quotes import Identity, Reading, SourceHead, Unavailable
from oracle.sources.quorum import QuorumSource
from protocol.deployment import Deployment
from protocol.effects import ExchangeEffects
from protocol.ports import PriceFeed
from protocol.reading import ExchangeReader
from protocol.sending import ExchangeWriter, SendingPolicy
from units import BLOCK_TIME, BlockHash, BlockNumber, Head, Netuid, Rao, Timestamp

NETUIDS = tuple(Netuid(number) for number in range(1, MARKETS + 1))
_REGISTERED = BlockNumber(1)
_NEVER = 10**9
_BALANCE = 10**24


class CrowdLog:
    """`keepers.liquidation.exchange_log.ExchangeLog`: the chain's, and a crowd in its views."""

    def __init__(self, reader: ExchangeReader, count: int) -> None:
        self._reader = reader
        self._count = count
        self.head = reader.head
        self.moves = reader.moves
        self.block_hash = reader.block_hash
        self.outline = reader.outline
        self.held = reader.held

    async def snapshot(self, at: Head) -> BookSnapshot | Unreadable:
        """The chain's markets, and the crowd."""
        found = await self._reader.outline(at)
        if isinstance(found, Unreadable):
            return found
        return BookSnapshot(head=at, markets=found.markets, positions=tuple(positions(self._count)))


class SaidPrices:
    """`oracle.ports.PriceSource`: reads a Subtensor node, and says another price of another block.

    The node's chain has heights of its own; what a reading costs is what it costs.
    """

    def __init__(self, nodes: StandIns, source: QuorumSource) -> None:
        self._nodes = nodes
        self._source = source
        self._newest = BlockNumber(0)
        self.rao = Rao(0)
        self.time = Timestamp(0)

    async def advance(self) -> None:
        """One more block of the node's, final by the time this returns."""
        self._newest = BlockNumber(await self._nodes.tell("advance"))
        found = await self._source.finalized()
        while not isinstance(found, SourceHead) or found.number < self._newest:
            found = await self._source.finalized()

    async def read(self, number: BlockNumber) -> Reading | Unavailable:
        """See the port."""
        found = await self._source.read(self._newest)
        if isinstance(found, Unavailable):
            return found
        identity = Identity(exists=True, registered_at=_REGISTERED, mechanism=1)
        block = replace(found.block, number=number, hash=_hash(number), time=self.time)
        return replace(
            found,
            block=block,
            prices=dict.fromkeys(NETUIDS, self.rao),
            identities=dict.fromkeys(NETUIDS, identity),
        )

    async def finalized(self) -> SourceHead | Unavailable:
        """See the port."""
        return Unavailable(detail="heads are announced here")

    async def buried(self, depth: int) -> Reading | Unavailable:
        """See the port."""
        del depth
        return Unavailable(detail="nothing is asked for that is not final")


@dataclass(slots=True)
class MarketPlace:
    """A feeder at work, and the levers of its world."""

    ground: Ground
    nodes: StandIns
    fleet: FleetSender
    source: SaidPrices
    feeder: Feeder
    follower: BookFollower
    upkeep: BookUpkeep
    deployment: Deployment

    async def next_block(self, rao: int) -> SourceHead:
        """One more block at whose finalized forerunner the price is this; what sent is settled."""
        await self.source.advance()
        await self.ground.seal()
        await self.fleet.settle()
        head = await self.fleet.node.head()
        self.source.rao, self.source.time = Rao(rao), Timestamp(head.time - 2 * BLOCK_TIME)
        return SourceHead(number=BlockNumber(head.number - 2), hash=_hash(head.number - 2))


@contextlib.asynccontextmanager
async def opened_market_place(ground: Ground, count: int) -> AsyncIterator[MarketPlace]:
    """With a book of so many positions at the ground's head, its ladders sorted."""
    deployment = await _deployed(ground)
    async with (
        standing_in(1) as nodes,
        quorum_over(nodes) as subtensor,
        opened_sender(ground, judge=ExchangeEffects()) as fleet,
    ):
        reader = ExchangeReader(chain=fleet.node, deployment=deployment, markets=NETUIDS)
        policy = FollowerPolicy(comparison=ComparisonPolicy(whole_max=_NEVER))
        follower = BookFollower(log=CrowdLog(reader, count), policy=policy)
        upkeep = BookUpkeep(follower=follower, reconcile_blocks=_NEVER)
        source = SaidPrices(nodes, subtensor)
        await source.advance()
        await source.read(BlockNumber(0))  # decodes the runtime
        await upkeep.step(await fleet.node.head())
        settle_in()  # as every process that runs bots does
        yield MarketPlace(
            ground=ground,
            nodes=nodes,
            fleet=fleet,
            source=source,
            feeder=_feeder(source, reader, follower, fleet, deployment),
            follower=follower,
            upkeep=upkeep,
            deployment=deployment,
        )


def _feeder(
    source: SaidPrices,
    reader: ExchangeReader,
    follower: BookFollower,
    fleet: FleetSender,
    deployment: Deployment,
) -> Feeder:
    writer = ExchangeWriter(
        sender=fleet.sender,
        deployment=deployment,
        beneficiary=fleet.sender.account,
        policy=SendingPolicy(gas=REFERENCE_GAS),
    )
    return Feeder(
        source=source,
        feed=PriceFeed(reader=reader, writer=writer),
        risk=RiskEngine(follower=follower, policy=RiskPolicy()),
        markets=NETUIDS,
        pins=dict.fromkeys(NETUIDS, _REGISTERED),
        policy=FeederPolicy(),
    )


async def _deployed(ground: Ground) -> Deployment:
    deployer = seeded_account(seed=1, role="bench deployer")
    await ground.lever.call("anvil_setBalance", deployer.address, hex(_BALANCE))
    planned = planned_deployment(deployer.address, NETUIDS)
    both = (ground.fleet.address, ground.plain.address)
    ground.time = Timestamp(ground.time + BLOCK_TIME)
    await deploy(
        node=ground.lever,
        chain=Chain(ground.lever),
        deployer=deployer,
        deployment=planned,
        beta=Beta(),
        grants=Grants(reporters=both, keepers=both),
        time=ground.time,
        prices=(),
    )
    return Deployment(
        exchange=planned.exchange.address,
        price_feed=planned.price_feed.address,
        keeper_router=planned.keeper_router.address,
    )


def _hash(number: int) -> BlockHash:
    return BlockHash(f"0x{number:064x}")

"""The real exchange liquidates, and the store explains it to the wei, by position and by hash."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import func, update

from fleet.chain.node import Node
from fleet.cli.exits import Exit
from fleet.settings import checksummed, load, to_toml
from fleet.store.engine import Database, open_database
from fleet.store.quotes import Quote, keep_quotes
from fleet.store.tables import decisions
from fleet.transactions.policy import Finality, SenderPolicy
from fleet.transactions.sender import Sender
from fleet.transactions.signer import LocalSigner
from fleet.wiring.evidence import Evidence, Explanation
from keepers.liquidation.evidence import Judgement
from keepers.liquidation.follower import BookFollower, FollowerPolicy
from keepers.liquidation.gas import REFERENCE_GAS
from keepers.liquidation.keeper import (
    LiquidationKeeper,
    LiquidationPolicy,
    LiquidationsSubmitted,
)
from keepers.liquidation.outcomes import Liquidated
from keepers.liquidation.records import LiquidationRecord
from keepers.liquidation.risk import RiskEngine, RiskPolicy
from keepers.liquidation.selection import SelectionPolicy
from keepers.submission import Sent
from oracle.feed import Update
from oracle.plan import Publication
from protocol.abi import describe_revert
from protocol.deployment import Deployment
from protocol.effects import ExchangeEffects
from protocol.ports import Liquidations, PriceFeed
from protocol.reading import ExchangeReader
from protocol.sending import ExchangeWriter, SendingPolicy
from tests.contracts.deployment import FIRST_PRICE
from tests.contracts.world import ADMIN, ALICE, BOB, CAROL, TAO, World, position_id, role
from tests.unit.fleet.cli.conftest import DOCUMENT, Console, Ended
from tests.unit.fleet.cli.simulated import SimulatedFleet
from tests.unit.fleet.store.inheritance import inherit
from units import (
    RAO_IN_PRICE_WEI,
    BlockHash,
    BlockNumber,
    Netuid,
    PositionId,
    PriceWei,
    Rao,
    Timestamp,
    TxHash,
)

pytestmark = pytest.mark.anvil

KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"
CONFIRMATIONS = 2
CRASHED = PriceWei(FIRST_PRICE * 8 // 10)
EIGHT = Netuid(8)


@dataclass
class Desk:
    """The fleet's own way from a judgement to a final receipt, over one key and one store."""

    world: World
    chain: Node
    sender: Sender
    writer: ExchangeWriter
    reader: ExchangeReader
    follower: BookFollower
    risk: RiskEngine
    evidence: Evidence

    async def push(self, price: PriceWei) -> TxHash:
        """The feeder's: what falls at a price goes along with it."""
        head = await self.chain.head()
        judged = await self.risk.liquidatable_at({EIGHT: price}, head)
        assert isinstance(judged, Judgement)
        sent = Update(
            netuid=EIGHT,
            price=price,
            source_block=BlockNumber(self.world.block),
            source_time=Timestamp(self.world.time),
        )
        feed = PriceFeed(reader=self.reader, writer=self.writer)
        said = await feed.submit(
            Publication(updates=(sent,), liquidations=judged.ids, head=head, falling=judged)
        )
        assert not hasattr(said, "reason"), said
        return said.tx_hash

    async def liquidate(self) -> TxHash:
        """The liquidator's: what stands below maintenance at the feed's price."""
        keeper = LiquidationKeeper(
            risk=self.risk,
            follower=self.follower,
            liquidations=Liquidations(writer=self.writer),
            policy=LiquidationPolicy(selection=SelectionPolicy(), gas=REFERENCE_GAS),
        )
        done = await keeper.step(await self.chain.head())
        assert isinstance(done, LiquidationsSubmitted)
        (batch,) = done.batches
        assert isinstance(batch.submission, Sent), batch.submission
        return batch.submission.tx_hash

    async def settle(self, blocks: int = 1 + CONFIRMATIONS) -> None:
        for _ in range(blocks):
            self.world.mine()
            await self.sender.settle(await self.chain.head())

    async def explained(self, trader: str) -> Explanation:
        (found,) = await self.evidence.about(PositionId(position_id(trader, EIGHT)))
        return found


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/store.db"


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = await open_database(url)
    yield opened
    await opened.close()


@pytest.fixture
async def desk(
    world: World,
    chain: Node,
    reader: ExchangeReader,
    deployment: Deployment,
    database: Database,
) -> Desk:
    signer = LocalSigner(KEY)
    world.node.rpc("anvil_setBalance", signer.address, hex(100 * TAO))
    world.send(ADMIN, "exchange", "grantRole", role("KEEPER_ROLE"), signer.address)
    world.send(ADMIN, "feed", "grantRole", role("REPORTER_ROLE"), signer.address)
    sender = Sender(
        chain=chain,
        signer=signer,
        journal=await inherit(database, "all", signer.address),
        chain_id=964,
        decode_revert=describe_revert,
        judge=ExchangeEffects(),
        policy=SenderPolicy(finality=Finality.DEPTH, confirmations=CONFIRMATIONS),
    )
    follower = BookFollower(log=reader, policy=FollowerPolicy())

    async def opened() -> Database:
        return database

    return Desk(
        world=world,
        chain=chain,
        sender=sender,
        writer=ExchangeWriter(
            sender=sender,
            deployment=_checksummed(deployment),
            beneficiary=signer.address,
            policy=SendingPolicy(gas=REFERENCE_GAS),
        ),
        reader=reader,
        follower=follower,
        risk=RiskEngine(follower=follower, policy=RiskPolicy(answer_s_max=None)),
        evidence=Evidence(opened),
    )


def _checksummed(deployment: Deployment) -> Deployment:
    """As the settings have the addresses, and as a signer wants them."""
    assert deployment.keeper_router is not None
    return Deployment(
        exchange=checksummed(deployment.exchange),
        price_feed=checksummed(deployment.price_feed),
        keeper_router=checksummed(deployment.keeper_router),
    )


class FromFile:
    """`fleet.cli.ports.Evidence` from the store's file, as another process reads it."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def about(self, position: PositionId) -> tuple[Explanation, ...]:
        database = await open_database(self._url)
        try:
            return await Evidence(lambda: _given(database)).about(position)
        finally:
            await database.close()

    async def behind(self, tx_hash: TxHash) -> tuple[Explanation, ...]:
        database = await open_database(self._url)
        try:
            return await Evidence(lambda: _given(database)).behind(tx_hash)
        finally:
            await database.close()


async def _given(database: Database) -> Database:
    return database


async def explain(url: str, tmp_path: Path, *arguments: str) -> Ended:
    file = tmp_path / "network.toml"
    file.write_text(to_toml(DOCUMENT))
    fleet = SimulatedFleet(load(file))
    fleet.evidence = FromFile(url)
    return await asyncio.to_thread(Console(file, fleet), "explain", *arguments)


def record_of(found: Explanation) -> LiquidationRecord:
    assert isinstance(found.record, LiquidationRecord)
    return found.record


async def test_explain__pushed_and_liquidated__the_record_is_what_the_contract_did(
    world: World, desk: Desk, database: Database, url: str, tmp_path: Path
) -> None:
    world.open(ALICE, 8)
    world.open(BOB, 8, is_long=False, margin=2 * TAO, leverage=2 * TAO)
    world.open(CAROL, 8, margin=TAO // 2)
    tx_hash = await desk.push(CRASHED)
    before = await desk.explained(ALICE)
    assert (before.report, before.inclusion) == (None, None), "it is on record before it is mined"
    await desk.settle()
    quote = Quote(
        block=record_of(before).origins[EIGHT].block,
        hash=BlockHash("0x" + "ab" * 32),
        time=Timestamp(world.time),
        prices={EIGHT: Rao(CRASHED // RAO_IN_PRICE_WEI)},
    )
    await keep_quotes(database, [quote])

    found = await desk.explained(ALICE)
    assert found.quotes == {quote.block: quote}
    assert await desk.evidence.behind(tx_hash) == (found,)
    record = record_of(found)
    assert record.origins[EIGHT].block == record.judgement.grounds.head.number
    judged = {each.position.key.id: each for each in record.judgement.candidates}
    assert set(judged) == {position_id(ALICE, 8), position_id(CAROL, 8)}
    results = found.results()
    assert len(results) == 2
    for result in results:
        assert isinstance(result.outcome, Liquidated)
        event, candidate = result.outcome.event, judged[result.key.id]
        assert event.key == candidate.position.key
        assert (event.price, event.index, event.remaining) == (
            candidate.price,
            candidate.index,
            candidate.remaining,
        )
        assert event.index != 0, "funding has moved"

    alice = "0x" + position_id(ALICE, 8).hex()
    for target in (alice, tx_hash):
        ended = await explain(url, tmp_path, target, "--replay")
        assert ended.code == Exit.DONE, ended
        assert "pushed with it, read at Subtensor block" in ended.stdout
        assert "liquidated:" in ended.stdout
        assert ": agrees" in ended.stdout


async def test_replay__what_stood_below__agrees_until_its_record_is_tampered_with(
    world: World, desk: Desk, database: Database, url: str, tmp_path: Path
) -> None:
    world.open(ALICE, 8)
    world.price(8, CRASHED)
    await desk.liquidate()
    await desk.settle()
    alice = "0x" + position_id(ALICE, 8).hex()
    whole = await explain(url, tmp_path, alice, "--replay")
    assert whole.code == Exit.DONE, whole
    assert "in the feed, of Subtensor block" in whole.stdout

    margin = str(record_of(await desk.explained(ALICE)).judgement.candidates[0].position.margin)
    async with database.writing() as connection:
        forged = func.replace(decisions.c.record, f'"{margin}"', f'"{int(margin) - 10**9}"')
        await connection.execute(update(decisions).values(record=forged))
    ended = await explain(url, tmp_path, alice, "--replay")
    assert ended.code == Exit.UNHEALTHY
    assert "disagrees" in ended.stdout
    assert "its digest is not of what it says" in ended.stdout
    assert "remaining is" in ended.stdout

"""A feeder over real stand-ins on sockets, its feed, and those who tell people: to be attacked.

The tape is the truth. After every step the drill looks at what reached the feed: a price that no
honest node saw finalized ends it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from devnet.standin import MarketOverride
from devnet.tape import Tape, TapeRow
from fleet.store.engine import Database, open_database
from fleet.wiring.feed_watch import watching
from oracle.alpha import to_price_wei
from oracle.feed import SuspensionReason
from oracle.feeder import Feeder, FeederPolicy, FeedOutcome
from oracle.plan import FeedPlan
from oracle.quotes import NoPrice, SourceHead, Standing
from oracle.sources.quorum import QuorumSource
from tests.subtensor.oracle.nodes import Nodes, nodes_of, quorum_of
from tests.subtensor.oracle.test_subtensor import OTHER, SN, START
from tests.unit.oracle.simulated import SimulatedFeed, SimulatedRisk, time_of
from units import BlockNumber, Netuid, Rao

MARKETS = (SN, OTHER)
LAG = 2
QUIET = 5


def drifting(blocks: int = 400) -> Tape:
    """Every price moves by 12 to 20 bps a block, so that each is due at each."""
    return Tape.of_rows(
        [
            TapeRow(
                block=BlockNumber(START - 50 + number),
                time=time_of(START - 50 + number),
                prices={
                    SN: Rao(200_000_000 + number * 400_000),
                    OTHER: Rao(70_000_000 + number * 140_000),
                },
            )
            for number in range(blocks)
        ]
    )


@dataclass
class Drill:
    """The world of one attack; `honest` are the nodes that say what is so."""

    nodes: Nodes
    source: QuorumSource
    feed: SimulatedFeed
    feeder: Feeder
    database: Database
    tell: Callable[[FeedOutcome], Awaitable[None]]
    honest: Sequence[int]
    best: int = START
    heard: SourceHead | None = None
    dealt_with: int = 0
    frozen: tuple[int, ...] = ()
    truths: list[MarketOverride] = field(default_factory=list)
    outcome: FeedOutcome | None = None
    _checked: int = 0

    def everywhere(self, change: MarketOverride) -> None:
        """Something that is so: every node has it."""
        self.truths.append(change)
        for node in self.nodes.all:
            node.override(change)

    async def run(self, blocks: int) -> None:
        """So many blocks of both chains, the feeder woken as in production."""
        for _ in range(blocks):
            self.best += 1
            self.nodes.advance(self.best, but=self.frozen)
            self.feed.advance_to(self.best)
            await self._step()
            self._check()

    async def until(
        self, holds: Callable[[], bool], *, blocks: int = 40, pause_s: float = 0.0
    ) -> None:
        """Blocks until it is so; a drill that waits in vain fails."""
        for _ in range(blocks):
            await self.run(1)
            await asyncio.sleep(pause_s)
            if holds():
                return
        raise AssertionError(f"not within {blocks} blocks: {self.outcome}")

    async def _step(self) -> None:
        head = await self._announced()
        if head is None and self.best - self.dealt_with < QUIET + LAG:
            return
        self.outcome = await self.feeder.step(head)
        await self.tell(self.outcome)
        if head is not None:
            self.dealt_with = head.number

    async def _announced(self) -> SourceHead | None:
        """The head of this block, given a moment to come; None when none does."""
        patience = 30.0 if self._is_expected() else 0.05
        try:
            async with asyncio.timeout(patience):
                while self.heard is None or self.heard.number < self.best - LAG:  # noqa: ASYNC110
                    await asyncio.sleep(0.002)
        except TimeoutError:
            pass
        if self.heard is None or self.heard.number <= self.dealt_with:
            return None
        return self.heard

    async def final_head(self) -> SourceHead:
        """The newest block that enough nodes have finalized, asked for."""
        found = await self.source.finalized()
        assert isinstance(found, SourceHead)
        return found

    def _is_expected(self) -> bool:
        well = [
            node
            for node in self.nodes.all
            if node.finalized == self.best - LAG and node.is_up and not node.faults.is_mute
        ]
        return 2 * len(well) > len(self.nodes.all)

    def _check(self) -> None:
        new, self._checked = self.feed.accepted[self._checked :], len(self.feed.accepted)
        final = max((self.nodes[index].finalized for index in self.honest), default=None)
        for _, update in new:
            is_final = final is None or update.source_block <= final
            assert is_final, "no honest node saw it finalized"
            true = self.truth(update.netuid, update.source_block)
            assert update.price == to_price_wei(true), f"not what was so: {update}"

    def truth(self, netuid: Netuid, block: BlockNumber) -> Rao:
        price = self.nodes[0].node.tape.row_at(block).prices[netuid]
        for change in self.truths:
            if change.netuid == netuid and change.holds_at(block) and change.price is not None:
                price = change.price
        return price

    def standing(self, index: int) -> Standing | None:
        name = "abcdefg"[index]
        return next((q.standing for q in self.source.quotes if q.endpoint == name), None)

    def suspension(self, netuid: Netuid = SN) -> SuspensionReason:
        return self.feed.row(netuid).suspension

    def reasons(self) -> set[str]:
        """Why markets have no price in the last plan."""
        assert self.outcome is not None
        plan = self.outcome.plan
        assert isinstance(plan, FeedPlan)
        return {each.known.reason.name for each in plan.markets if isinstance(each.known, NoPrice)}

    def unchecked(self) -> str:
        """What of the last plan's cross-checks is missing."""
        assert self.outcome is not None
        assert isinstance(self.outcome.plan, FeedPlan)
        return self.outcome.plan.unchecked

    def is_well(self) -> bool:
        """Both markets are open at a price of the last few blocks."""
        rows = [self.feed.row(netuid) for netuid in MARKETS]
        return all(
            row.suspension is SuspensionReason.NONE and self.best - row.source_block <= LAG + 3
            for row in rows
        )

    async def told(self, prefix: str) -> list[str]:
        """The ids of what people were told that begin so."""
        async with self.database.reading() as connection:
            rows = await connection.exec_driver_sql("SELECT id FROM outbox ORDER BY 1")
            return [row.id for row in rows if row.id.startswith(prefix)]


@asynccontextmanager
async def drill(
    tmp_path: Path,
    *,
    count: int = 3,
    agreement: int = 2,
    honest: Sequence[int] = (0,),
    policy: FeederPolicy | None = None,
    nodes: Nodes | None = None,
) -> AsyncIterator[Drill]:
    """A world in which all is well, eight blocks old."""
    async with (
        nodes_of(drifting, 0 if nodes else count, start=START) as made,
        quorum_of(nodes or made, agreement=agreement, markets=MARKETS, straggler_s=0.5) as source,
    ):
        stands = nodes or made
        tape = stands[0].node.tape
        pins = {netuid: tape.registered_at(netuid) or BlockNumber(0) for netuid in MARKETS}
        feed = SimulatedFeed(number=START)
        database = await open_database(f"sqlite+aiosqlite:///{tmp_path}/told.db")
        found = Drill(
            nodes=stands,
            source=source,
            feed=feed,
            feeder=feeder_of(source, feed, pins, policy),
            database=database,
            tell=watching(pins, source, opened_by(database)),
            honest=honest,
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                listening = tasks.create_task(listen(found))
                await found.until(found.is_well, blocks=8)
                yield found
                listening.cancel()
        finally:
            await database.close()


def feeder_of(
    source: QuorumSource,
    feed: SimulatedFeed,
    pins: Mapping[Netuid, BlockNumber],
    policy: FeederPolicy | None,
) -> Feeder:
    """A feeder that remembers nothing, as after a start."""
    return Feeder(
        source=source,
        feed=feed,
        risk=SimulatedRisk(),
        markets=MARKETS,
        pins=pins,
        policy=policy or FeederPolicy(),
    )


async def listen(found: Drill) -> None:
    """The newest agreed head, as the rhythm hears it."""
    async with aclosing(found.source.heads()) as heads:
        async for head in heads:
            found.heard = head


def opened_by(database: Database) -> Callable[[], Awaitable[Database]]:
    async def opened() -> Database:
        return database

    return opened

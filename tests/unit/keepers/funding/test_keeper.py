from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from keepers.funding.calendar import FundingPolicy, FundingRow, FundingSnapshot
from keepers.funding.keeper import (
    FundingKeeper,
    FundingOutcome,
    FundingPlan,
    FundingUnread,
    NotYetDue,
)
from keepers.submission import NotSent, Sent
from units import BLOCK_TIME, BlockHash, BlockNumber, Head, Netuid, Seconds, Timestamp, TxHash

HOUR = 3600
INTERVAL = 8 * HOUR
GENESIS_TIME = 1_700_000_000
BLOCKS_IN_INTERVAL = INTERVAL // BLOCK_TIME


@dataclass
class Chain:
    """Markets that accrue when a transaction lands, `delay` blocks after it was sent."""

    last_accruals: dict[int, int]
    delay: int = 1
    number: int = 0
    unlisted: frozenset[int] = frozenset()
    is_readable: bool = True
    refusal: str | None = None
    reads: int = 0
    submissions: list[tuple[tuple[int, ...], str]] = field(default_factory=list)
    work_done: list[tuple[int, int]] = field(default_factory=list)
    pending: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)

    @property
    def head(self) -> Head:
        return Head(
            number=BlockNumber(self.number),
            hash=BlockHash(f"0x{self.number:064x}"),
            parent_hash=BlockHash(f"0x{self.number - 1:064x}"),
            time=Timestamp(GENESIS_TIME + self.number * BLOCK_TIME),
        )

    def mine(self, blocks: int = 1) -> Head:
        for _ in range(blocks):
            self.number += 1
            for landing, netuids in [p for p in self.pending if p[0] == self.number]:
                self.pending.remove((landing, netuids))
                self.last_accruals.update(dict.fromkeys(netuids, self.head.time))
        return self.head

    async def read(self) -> FundingSnapshot | FundingUnread:
        self.reads += 1
        if not self.is_readable:
            return FundingUnread(reason="the node does not answer")
        rows = tuple(
            FundingRow(
                netuid=Netuid(netuid),
                is_listed=netuid not in self.unlisted,
                last_accrual=Timestamp(last),
                interval=Seconds(INTERVAL),
                cap=Seconds(4 * INTERVAL),
            )
            for netuid, last in self.last_accruals.items()
        )
        return FundingSnapshot(head=self.head, rows=rows)

    async def submit(self, netuids: tuple[Netuid, ...], due_key: str) -> Sent | NotSent:
        if self.refusal is not None:
            return NotSent(reason=self.refusal)
        self.submissions.append((netuids, due_key))
        self.work_done += [(netuid, self.last_accruals[netuid]) for netuid in netuids]
        self.pending.append((self.number + self.delay, netuids))
        return Sent(tx_hash=TxHash(f"0x{len(self.submissions):064x}"))


def chain(*netuids: int) -> Chain:
    return Chain(last_accruals=dict.fromkeys(netuids or (8,), GENESIS_TIME))


def keeper(world: Chain, policy: FundingPolicy | None = None) -> FundingKeeper:
    return FundingKeeper(markets=world, accruals=world, policy=policy or FundingPolicy())


async def run(bot: FundingKeeper, world: Chain, blocks: int) -> None:
    for _ in range(blocks):
        await bot.step(world.mine())


async def test_step__several_markets_due__one_transaction_for_all() -> None:
    world = chain(1, 2, 3)

    outcome = await keeper(world).step(world.mine(BLOCKS_IN_INTERVAL))

    assert isinstance(outcome, FundingOutcome)
    assert isinstance(outcome.submission, Sent)
    assert [netuids for netuids, _ in world.submissions] == [(1, 2, 3)]


async def test_step__over_three_intervals__each_accrued_once_and_never_late() -> None:
    world = chain(1, 2)
    bot = keeper(world)

    await run(bot, world, 3 * BLOCKS_IN_INTERVAL)

    assert len(world.submissions) == 3
    assert len(world.work_done) == len(set(world.work_done))


async def test_step__in_flight__not_sent_again_while_it_is_waited_for() -> None:
    world = chain()
    world.delay = 24
    bot = keeper(world)
    world.mine(BLOCKS_IN_INTERVAL)

    await run(bot, world, 24)

    assert len(world.submissions) == 1


async def test_step__transaction_lost__sent_again_after_the_policys_blocks() -> None:
    world = chain()
    bot = keeper(world, FundingPolicy(in_flight_blocks=5))
    world.mine(BLOCKS_IN_INTERVAL)
    await bot.step(world.mine())
    world.pending.clear()

    await run(bot, world, 4)
    before = len(world.submissions)
    await run(bot, world, 1)

    assert (before, len(world.submissions)) == (1, 2)
    assert world.submissions[0] == world.submissions[1]


async def test_lost__came_to_nothing__sent_again_at_the_next_head() -> None:
    world = chain(1, 2)
    world.last_accruals[2] += 5 * BLOCK_TIME
    bot = keeper(world)
    world.mine(BLOCKS_IN_INTERVAL - 60 // BLOCK_TIME - 1)
    await run(bot, world, 1)
    world.pending.clear()

    bot.lost(world.submissions[0][1])
    bot.lost("liquidate:100:other work")
    await run(bot, world, 5)

    assert [netuids for netuids, _ in world.submissions] == [(1,), (1,), (2,)]


async def test_lost__other_work__what_is_in_flight_stays_so() -> None:
    world = chain()
    world.delay = 24
    bot = keeper(world)
    world.mine(BLOCKS_IN_INTERVAL)
    await run(bot, world, 1)

    bot.lost("push:100:other work")
    await run(bot, world, 10)

    assert len(world.submissions) == 1


async def test_step__landed_then_reorganised_away__sent_again() -> None:
    world = chain()
    bot = keeper(world)
    world.mine(BLOCKS_IN_INTERVAL)
    await bot.step(world.mine())
    await bot.step(world.mine())
    world.last_accruals[8] = GENESIS_TIME

    bot.wake()
    await bot.step(world.mine())

    assert len(world.submissions) == 2


async def test_step__nothing_due__reads_only_when_something_may_be() -> None:
    world = chain()
    bot = keeper(world)

    await run(bot, world, BLOCKS_IN_INTERVAL - 10)

    # once every ten minutes, to notice new markets
    assert world.reads == -(-(BLOCKS_IN_INTERVAL - 10) * BLOCK_TIME // 600)
    assert isinstance(await bot.step(world.mine()), NotYetDue)


async def test_wake__cached__the_next_step_reads() -> None:
    world = chain()
    bot = keeper(world)
    await run(bot, world, 2)
    assert world.reads == 1

    bot.wake()
    await run(bot, world, 2)

    assert world.reads == 2


async def test_step__market_listed_later__noticed_within_the_policys_time() -> None:
    world = chain()
    world.unlisted = frozenset({8})
    bot = keeper(world)
    world.mine(2 * BLOCKS_IN_INTERVAL)
    first = await bot.step(world.mine())
    assert isinstance(first, FundingOutcome)
    assert (first.plan.unlisted, first.submission) == ((8,), None)

    world.unlisted = frozenset()
    await run(bot, world, 600 // BLOCK_TIME)

    assert len(world.submissions) == 1


async def test_plan__after_downtime_beyond_the_cap__names_the_forfeited_seconds() -> None:
    world = chain()
    plan = await keeper(world).plan(world.mine(6 * BLOCKS_IN_INTERVAL))

    assert isinstance(plan, FundingPlan)
    (market,) = plan.due
    assert (market.lag, market.forfeited) == (5 * INTERVAL, 2 * INTERVAL)
    assert plan.lags == {8: 5 * INTERVAL}
    assert world.submissions == []


async def test_step__unreadable__said_and_tried_again_at_the_next_head() -> None:
    world = chain()
    bot = keeper(world)
    world.is_readable = False
    world.mine(BLOCKS_IN_INTERVAL)
    assert isinstance(await bot.step(world.mine()), FundingUnread)

    world.is_readable = True
    await run(bot, world, 1)

    assert len(world.submissions) == 1


async def test_step__not_sent__tried_again_at_the_next_head() -> None:
    world = chain()
    bot = keeper(world)
    world.refusal = "no key is configured: dry run"
    outcome = await bot.step(world.mine(BLOCKS_IN_INTERVAL))
    assert isinstance(outcome, FundingOutcome)
    assert outcome.submission == NotSent(reason="no key is configured: dry run")

    world.refusal = None
    await run(bot, world, 1)

    assert len(world.submissions) == 1


async def test_step__more_due_than_fit__the_rest_follows_at_the_next_head() -> None:
    world = chain(1, 2, 3)
    bot = keeper(world, FundingPolicy(markets_max=2))
    world.mine(BLOCKS_IN_INTERVAL)

    first = await bot.step(world.mine())
    await run(bot, world, 1)

    assert isinstance(first, FundingOutcome)
    assert [market.netuid for market in first.plan.postponed] == [3]
    assert [netuids for netuids, _ in world.submissions] == [(1, 2), (3,)]


@settings(deadline=None, max_examples=40)
@given(
    delay=st.integers(1, 4),
    offsets=st.lists(st.integers(0, INTERVAL - 120), min_size=1, max_size=4),
    restarts=st.sets(st.integers(0, 3000), max_size=3),
)
async def test_step__any_landing_delay_and_restarts__never_late_and_never_for_nothing(
    delay: int, offsets: list[int], restarts: set[int]
) -> None:
    world = Chain(
        last_accruals={n: GENESIS_TIME - offset for n, offset in enumerate(offsets)}, delay=delay
    )
    bot = keeper(world)
    for block in range(3000):
        if block in restarts and not world.pending:
            bot = keeper(world)
        await bot.step(world.mine())
        assert all(world.head.time - last <= INTERVAL for last in world.last_accruals.values())
    assert len(world.work_done) == len(set(world.work_done))

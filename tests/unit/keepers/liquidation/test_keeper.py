from dataclasses import dataclass, field

from keepers.liquidation.book import open_book
from keepers.liquidation.evidence import Judgement
from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.follower import BookFollower, FollowerPolicy
from keepers.liquidation.gas import GasModel
from keepers.liquidation.keeper import (
    LiquidationKeeper,
    LiquidationPlan,
    LiquidationPolicy,
    LiquidationsHeld,
    LiquidationsSubmitted,
)
from keepers.liquidation.outcomes import (
    LiquidationSkipped,
    SkipReason,
    lost_results,
    mined_results,
)
from keepers.liquidation.positions import PositionKey
from keepers.liquidation.reconciliation import Mismatched, Reconciled
from keepers.liquidation.risk import RiskEngine, RiskPolicy
from keepers.liquidation.selection import LiquidationBatch, SelectionPolicy
from keepers.liquidation.standing import UnknownReason
from keepers.submission import NotSent, Sent, Submission
from tests.unit.keepers.liquidation.examples import TAO, liquidated
from tests.unit.keepers.liquidation.following import Shelf
from tests.unit.keepers.liquidation.simulated import Action, Block, SimulatedExchange
from units import BlockNumber, PositionId, TxHash
from units import Sequence as Opening

GAS = GasModel(intercept=0, liquidation_intercept=100_000, id_slope=40_000, update_slope=0)
IN_FLIGHT_BLOCKS = 3
RECONCILE_BLOCKS = 50
CRASH = TAO // 10 * 8 // 10


@dataclass
class Mempool:
    """Takes batches, or refuses them while `refusal` says so."""

    refusal: str | None = None
    batches: list[LiquidationBatch] = field(default_factory=list)

    async def submit(self, batch: LiquidationBatch, judgement: Judgement) -> Submission:
        if self.refusal:
            return NotSent(reason=self.refusal)
        self.batches.append(batch)
        return Sent(tx_hash=TxHash(f"0x{len(self.batches)}"))

    @property
    def sent(self) -> list[list[int]]:
        return [[int.from_bytes(key.id, "big") for key in batch.keys] for batch in self.batches]


class World:
    """A liquidator over a simulated exchange whose longs in market 8 have fallen."""

    def __init__(self, count: int = 3, selection: SelectionPolicy | None = None) -> None:
        self.exchange = SimulatedExchange()
        self.exchange.grow(*(_opening(number) for number in range(1, count + 1)))
        self.mempool = Mempool()
        self.follower = follower = BookFollower(log=self.exchange, policy=FollowerPolicy())
        self.keeper = LiquidationKeeper(
            risk=RiskEngine(follower=follower, policy=RiskPolicy(answer_s_max=None)),
            follower=follower,
            liquidations=self.mempool,
            policy=LiquidationPolicy(
                selection=selection or SelectionPolicy(),
                gas=GAS,
                in_flight_blocks=IN_FLIGHT_BLOCKS,
                reconcile_blocks=RECONCILE_BLOCKS,
            ),
        )

    async def step(self, *actions: Action) -> LiquidationsSubmitted:
        """One more block, and the keeper's step on it."""
        submitted = await self.keeper.step(self.exchange.grow(*actions).head)
        assert isinstance(submitted, LiquidationsSubmitted)
        return submitted


def _opening(number: int) -> Action:
    return lambda block: block.open(8, True, (10 + number) * TAO, number)


def crash(block: Block) -> None:
    block.push(8, CRASH)


def key(number: int, sequence: int = 1) -> PositionKey:
    return PositionKey(id=PositionId(number.to_bytes(16, "big")), sequence=Opening(sequence))


async def test_step__price_fell__sends_all_who_fell_largest_first() -> None:
    world = World()
    assert (await world.step()).batches == ()
    submitted = await world.step(crash)
    assert world.mempool.sent == [[3, 2, 1]]
    (batch,) = world.mempool.batches
    assert batch.head == world.exchange.tip.head
    assert batch.gas_limit == GAS.limit(ids=3)
    assert submitted.batches[0].submission == Sent(tx_hash=TxHash("0x1"))


async def test_plan__price_fell__sends_nothing() -> None:
    world = World()
    plan = await world.keeper.plan(world.exchange.grow(crash).head)
    assert isinstance(plan, LiquidationPlan)
    assert [candidate.position.key for candidate in plan.candidates] == [key(3), key(2), key(1)]
    assert plan.unknown == {}
    assert world.mempool.sent == []


async def test_step__book_unreadable__holds_and_says_why() -> None:
    world = World()
    world.exchange.down = {"snapshot"}
    head = world.exchange.grow(crash).head
    assert await world.keeper.step(head) == LiquidationsHeld(head=head, reason="snapshot is down")


async def test_step__still_in_flight__is_not_sent_twice() -> None:
    world = World()
    await world.step(crash)
    for _ in range(IN_FLIGHT_BLOCKS):
        submitted = await world.step()
        assert submitted.plan.in_flight == (key(3), key(2), key(1))
    assert world.mempool.sent == [[3, 2, 1]]
    await world.step()
    assert world.mempool.sent == [[3, 2, 1], [3, 2, 1]]


async def test_step__sent_at_a_block_that_was_made_up__is_sent_again() -> None:
    world = World()
    await world.step(crash)
    world.keeper._in_flight = dict.fromkeys(world.keeper._in_flight, BlockNumber(10**9))
    await world.step()
    assert world.mempool.sent == [[3, 2, 1], [3, 2, 1]]


async def test_step__not_sent__is_tried_again_at_the_next_head() -> None:
    world = World()
    world.mempool.refusal = "no key is configured: dry run"
    submitted = await world.step(crash)
    assert submitted.batches[0].submission == NotSent(reason="no key is configured: dry run")
    world.mempool.refusal = None
    await world.step()
    assert world.mempool.sent == [[3, 2, 1]]


async def test_step__reopened_under_the_same_id__is_another_position() -> None:
    world = World(count=1)
    await world.step(crash)

    def reopen(block: Block) -> None:
        block.liquidate(block.positions[key(1).id])
        block.push(8, TAO // 10)
        block.open(8, True, TAO, 1)
        block.push(8, CRASH)

    await world.step(reopen)
    assert [batch.keys for batch in world.mempool.batches] == [(key(1),), (key(1, 2),)]


async def test_record__skipped_as_healthy_or_for_gas__is_asked_for_anew() -> None:
    world = World()
    await world.step(crash)
    skips = [
        LiquidationSkipped(id=key(1).id, reason=SkipReason.GAS),
        LiquidationSkipped(id=key(2).id, reason=SkipReason.HEALTHY),
    ]
    world.keeper.record(mined_results([key(1), key(2)], skips))
    await world.step()
    assert world.mempool.sent == [[3, 2, 1], [2, 1]]


async def test_record__transaction_lost__is_sent_again_at_once() -> None:
    world = World()
    await world.step(crash)
    world.keeper.record(lost_results([key(1), key(2), key(3)], "it expired"))
    await world.step()
    assert world.mempool.sent == [[3, 2, 1], [3, 2, 1]]


async def test_record__liquidated_or_already_closed__is_not_sent_again_by_an_older_book() -> None:
    world = World()
    await world.step(crash)
    done = liquidated(world.exchange.tip.positions[key(3).id])
    closed = LiquidationSkipped(id=key(2).id, reason=SkipReason.CLOSED)
    world.keeper.record(mined_results([key(3), key(2)], [done, closed]))
    submitted = await world.step()
    assert submitted.plan.batches == ()


async def test_step__liquidation_undone_by_a_reorg__is_sent_again() -> None:
    world = World(count=1)
    await world.step(crash)
    before = world.exchange.tip
    await world.step(lambda block: block.liquidate(block.positions[key(1).id]))
    world.keeper.record(mined_results([key(1)], [liquidated(before.positions[key(1).id])]))
    world.exchange.grow(on=before, salt="fork")
    for _ in range(IN_FLIGHT_BLOCKS):
        await world.step()
    assert world.mempool.sent == [[1], [1]]


async def test_step__more_than_the_block_has_room_for__sends_the_worst_and_defers_the_rest() -> (
    None
):
    room = GAS.limit(ids=2) + GAS.limit(ids=1)
    world = World(count=5, selection=SelectionPolicy(ids_max=2, block_gas_limit=2 * room))
    submitted = await world.step(crash)
    assert world.mempool.sent == [[5, 4], [3]]
    assert [candidate.position.key for candidate in submitted.plan.deferred] == [key(2), key(1)]
    await world.step()
    assert world.mempool.sent == [[5, 4], [3], [2, 1]]


async def test_step__market_suspended__counts_its_positions_as_unknown() -> None:
    world = World()
    await world.step(crash)
    submitted = await world.step(lambda block: block.suspend(8, 4))
    assert submitted.plan.unknown == {UnknownReason.SUSPENDED: 3}
    assert submitted.plan.candidates == ()


async def test_step__reconciliation_due__compares_the_book_after_sending() -> None:
    world = World()
    await world.step()
    for _ in range(RECONCILE_BLOCKS - 1):
        assert (await world.step()).reconciliation is None
    submitted = await world.step()
    assert submitted.reconciliation == Reconciled(head=world.exchange.tip.head)
    assert (await world.step()).reconciliation is None


async def test_step__reconciliation_finds_a_missed_opening__next_step_knows_it() -> None:
    world = World(count=1)
    await world.step()
    world.exchange.grow(_opening(2))
    world.exchange.hidden.add(world.exchange.tip.head.hash)
    await world.keeper.step(world.exchange.tip.head)
    for _ in range(RECONCILE_BLOCKS - 2):
        await world.step()
    assert isinstance((await world.step()).reconciliation, Mismatched)
    await world.step(crash)
    assert world.mempool.sent == [[2, 1]]


async def test_step__reconciliation_unreadable__is_tried_again_at_the_next_head() -> None:
    world = World()
    await world.step()
    world.exchange.down = {"snapshot"}
    for _ in range(RECONCILE_BLOCKS):
        submitted = await world.step()
    assert submitted.reconciliation == Unreadable(reason="snapshot is down")
    world.exchange.down = set()
    assert isinstance((await world.step()).reconciliation, Reconciled)


async def test_step__book_restored_from_a_checkpoint__is_compared_before_it_liquidates() -> None:
    world = World()
    world.follower.keep(Shelf(open_book(world.exchange.tip.snapshot())))
    submitted = await world.step(crash)
    assert world.follower.counts.restored == 1
    assert "snapshot" in world.exchange.asked
    assert world.follower.reconciled_at == world.exchange.tip.head.number
    assert len(submitted.batches) == 1


async def test_step__restored_book_cannot_be_compared__holds() -> None:
    world = World()
    world.follower.keep(Shelf(open_book(world.exchange.tip.snapshot())))
    world.exchange.down = {"snapshot"}
    held = await world.keeper.step(world.exchange.grow(crash).head)
    assert isinstance(held, LiquidationsHeld)
    assert "not compared" in held.reason
    assert world.mempool.sent == []

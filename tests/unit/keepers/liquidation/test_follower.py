import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepers.liquidation.book import Book
from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.positions import BookSnapshot
from keepers.liquidation.rebuilds import RebuildReason
from keepers.liquidation.reconciliation import Mismatched, Reconciled
from tests.unit.keepers.liquidation.examples import TAO
from tests.unit.keepers.liquidation.following import GAP_MAX, followed, follower_of, opens, started
from tests.unit.keepers.liquidation.simulated import Action, SimulatedExchange
from units import Head


async def test_at_head__first_time__reads_the_views_and_no_logs() -> None:
    exchange = SimulatedExchange()
    exchange.grow(opens(1))
    follower = follower_of(exchange)
    await followed(follower, exchange.tip)
    assert exchange.asked == ["snapshot"]
    assert follower.counts.rebuilds == {RebuildReason.START: 1}
    assert follower.reconciled_at == exchange.tip.head.number


async def test_at_head__child_of_the_last_head__reads_one_block_of_logs() -> None:
    exchange = SimulatedExchange()
    follower = await started(exchange)
    await followed(follower, exchange.grow(opens(1)))
    assert exchange.asked == ["moves"]


async def test_at_head__no_head_given__asks_for_the_latest() -> None:
    exchange = SimulatedExchange()
    follower = await started(exchange)
    exchange.grow(opens(1))
    book = await follower.at_head()
    assert isinstance(book, Book)
    assert book.head == exchange.tip.head


async def test_at_head__several_blocks_missed__reads_them_and_checks_chain_and_count() -> None:
    exchange = SimulatedExchange()
    follower = await started(exchange)
    exchange.grow(opens(1))
    exchange.grow_many(GAP_MAX - 2)
    await followed(follower, exchange.grow(opens(2)))
    assert exchange.asked == ["block_hash", "moves", "block_hash", "outline"]
    assert follower.counts.rebuilds == {RebuildReason.START: 1}


async def test_at_head__gap_beyond_the_policy__rebuilds_without_asking_logs() -> None:
    exchange = SimulatedExchange(horizon=100)
    follower = await started(exchange)
    exchange.grow(opens(1))
    await followed(follower, exchange.grow_many(GAP_MAX))
    assert "moves" not in exchange.asked
    assert follower.counts.rebuilds[RebuildReason.GAP] == 1


async def test_at_head__pruned_node_answers_old_logs_with_nothing__is_not_no_positions() -> None:
    exchange = SimulatedExchange(horizon=50)
    follower = await started(exchange)
    exchange.grow(opens(1))
    await followed(follower, exchange.grow_many(100))
    assert follower.counts.rebuilds[RebuildReason.COUNT] == 1
    assert "1 positions, the book 0" in follower.counts.last_rebuild_detail


@pytest.mark.parametrize(
    "unseen",
    [
        lambda block: block.push(8, 2 * TAO),
        lambda block: block.suspend(8, 4),
        lambda block: block.accrue(8),
        lambda block: (block.close(next(iter(block.positions.values()))), opens(2)(block)),
    ],
    ids=["a push", "a suspension", "an accrual", "a close and an opening"],
)
async def test_at_head__logs_of_a_block_within_a_bridge_lost__rebuilds(
    unseen: Action,
) -> None:
    exchange = SimulatedExchange()
    exchange.grow(opens(1))
    follower = await started(exchange)
    exchange.hidden.add(exchange.grow(unseen).head.hash)
    await followed(follower, exchange.grow())
    assert follower.counts.rebuilds[RebuildReason.MARKETS] == 1
    assert follower.counts.last_rebuild_detail.startswith("market 8:")


async def test_at_head__opening_missed_in_a_single_block__shows_at_the_next_accrual() -> None:
    exchange = SimulatedExchange()
    follower = await started(exchange)
    missed = exchange.grow(opens(1))
    exchange.hidden.add(missed.head.hash)
    await follower.at_head(missed.head)
    await followed(follower, exchange.grow(lambda block: block.accrue(8)))
    assert follower.counts.rebuilds[RebuildReason.INCONSISTENT] == 1


async def test_at_head__parameters_changed__rereads_the_views() -> None:
    exchange = SimulatedExchange()
    follower = await started(exchange)
    await followed(follower, exchange.grow(lambda block: block.set_maintenance(8, 1_500)))
    assert follower.counts.rebuilds[RebuildReason.PARAMETERS] == 1


async def test_at_head__reorganised_by_some_blocks__rewinds_and_follows_the_other_branch() -> None:
    exchange = SimulatedExchange()
    follower = await started(exchange)
    common = exchange.grow(opens(1))
    await followed(follower, common)
    for number in (2, 3, 4):
        await followed(follower, exchange.grow(opens(number)))
    exchange.grow(opens(7), on=common, salt="fork")
    exchange.asked.clear()
    await followed(follower, exchange.grow(opens(8)))
    assert follower.counts.rewinds == 1
    assert follower.counts.rebuilds == {RebuildReason.START: 1}


async def test_at_head__reorganised_to_a_sibling__needs_no_extra_question() -> None:
    exchange = SimulatedExchange()
    follower = await started(exchange)
    parent = exchange.grow(opens(1))
    await followed(follower, parent)
    await followed(follower, exchange.grow(opens(2)))
    exchange.asked.clear()
    await followed(follower, exchange.grow(opens(3), on=parent, salt="sibling"))
    assert exchange.asked == ["moves"]


async def test_at_head__reorganised_below_the_first_book__rebuilds() -> None:
    exchange = SimulatedExchange()
    root = exchange.tip
    exchange.grow(opens(1))
    follower = await started(exchange)
    await followed(follower, exchange.grow(opens(2)))
    exchange.grow(on=root, salt="fork")
    exchange.grow()
    await followed(follower, exchange.grow(opens(3)))
    assert follower.counts.rebuilds[RebuildReason.DEEP_REORG] == 1


async def test_at_head__reorganised_to_a_lower_block__goes_down_to_it() -> None:
    exchange = SimulatedExchange()
    follower = await started(exchange)
    common = exchange.tip
    for number in (1, 2):
        await followed(follower, exchange.grow(opens(number)))
    await followed(follower, exchange.grow(opens(3), on=common, salt="fork"))


async def test_at_head__forerunner_of_the_book__answers_with_the_newer_book() -> None:
    exchange = SimulatedExchange()
    follower = await started(exchange)
    older = exchange.grow(opens(1))
    newer = exchange.grow(opens(2))
    await followed(follower, newer)
    book = await follower.at_head(older.head)
    assert isinstance(book, Book)
    assert book.head == newer.head


async def test_at_head__node_down__says_so_and_recovers_with_the_node() -> None:
    exchange = SimulatedExchange()
    follower = await started(exchange)
    first = exchange.tip
    exchange.grow(opens(1))
    for method in ("moves", "block_hash", "outline"):
        exchange.grow(opens(2))
        exchange.down = {method}
        answer = await follower.at_head(exchange.tip.head)
        assert answer == Unreadable(reason=f"{method} is down")
        assert follower.book is not None
        assert follower.book.head == first.head
    exchange.down = set()
    await followed(follower, exchange.tip)


async def test_at_head__views_down_at_start__has_no_book() -> None:
    exchange = SimulatedExchange(down={"snapshot"})
    follower = follower_of(exchange)
    assert isinstance(await follower.at_head(exchange.tip.head), Unreadable)
    assert follower.book is None


async def test_at_head__head_unknown__says_so() -> None:
    exchange = SimulatedExchange(down={"head"})
    follower = follower_of(exchange)
    assert await follower.at_head() == Unreadable(reason="head is down")
    assert await follower.reconcile() == Unreadable(reason="head is down")


async def test_at_head__block_replaced_while_a_range_is_read__is_unreadable() -> None:
    exchange = SimulatedExchange()
    follower = await started(exchange)
    exchange.grow(opens(1))
    old = exchange.grow(opens(2))
    exchange.grow(on=exchange.branch()[1], salt="fork")
    answer = await follower.at_head(old.head)
    assert isinstance(answer, Unreadable)
    await followed(follower, exchange.tip)


async def test_at_head__asked_by_several_bots_at_once__reads_once() -> None:
    exchange = SimulatedExchange()
    follower = await started(exchange)
    head = exchange.grow(opens(1)).head
    answers = await asyncio.gather(*(follower.at_head(head) for _ in range(4)))
    assert all(answer is answers[0] for answer in answers)
    assert exchange.asked == ["moves"]


async def test_reconcile__book_equals_views__is_reconciled_at_that_block() -> None:
    exchange = SimulatedExchange()
    follower = await started(exchange)
    exchange.grow(opens(1))
    assert await follower.reconcile() == Reconciled(head=exchange.tip.head)
    assert follower.reconciled_at == exchange.tip.head.number


async def test_reconcile__book_missed_a_push__names_the_market_and_takes_the_views() -> None:
    exchange = SimulatedExchange()
    follower = await started(exchange)
    missed = exchange.grow(lambda block: block.push(64, TAO))
    exchange.hidden.add(missed.head.hash)
    found = await follower.reconcile(missed.head)
    assert isinstance(found, Mismatched)
    assert len(found.differences) == 1
    assert found.differences[0].startswith("market 64:")
    await followed(follower, missed)
    assert follower.counts.rebuilds[RebuildReason.MISMATCH] == 1


async def test_reconcile__book_missed_an_opening__names_the_position() -> None:
    exchange = SimulatedExchange()
    follower = await started(exchange)
    missed = exchange.grow(opens(1))
    exchange.hidden.add(missed.head.hash)
    found = await follower.reconcile(missed.head)
    assert isinstance(found, Mismatched)
    assert found.differences[0].startswith("position 0x00000000000000000000000000000001:")


async def test_reconcile__views_down__says_so_and_keeps_the_book() -> None:
    exchange = SimulatedExchange()
    follower = await started(exchange)
    exchange.down = {"snapshot"}
    assert await follower.reconcile() == Unreadable(reason="snapshot is down")
    assert follower.book is not None


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 6), st.integers(0, 3)), max_size=30))
async def test_at_head__any_order_of_forks_and_missed_blocks__is_the_chain(
    moves: list[tuple[int, int, int]],
) -> None:
    exchange = SimulatedExchange()
    follower = await started(exchange)
    made = [exchange.tip]
    for salt, (parent, number, asks) in enumerate(moves):
        chosen = made[-1 - parent % min(len(made), 5)] if parent > 25 else made[-1]
        made.append(exchange.grow(opens(number), on=chosen, salt=str(salt)))
        if asks:
            await followed(follower, exchange.tip)
    await followed(follower, exchange.tip)


async def test_at_head__book_is_there_while_it_is_being_reconciled__does_not_wait() -> None:
    release = asyncio.Event()

    class SlowViews(SimulatedExchange):
        async def snapshot(self, at: Head) -> BookSnapshot | Unreadable:
            if self.asked:
                await release.wait()
            return await super().snapshot(at)

    exchange = SlowViews()
    follower = follower_of(exchange)
    await followed(follower, exchange.tip)
    async with asyncio.TaskGroup() as tasks:
        reconciling = tasks.create_task(follower.reconcile(exchange.tip.head))
        await asyncio.sleep(0)
        await followed(follower, exchange.tip)
        assert not reconciling.done()
        release.set()

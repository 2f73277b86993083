from dataclasses import replace

from keepers.liquidation.book import Book, open_book
from keepers.liquidation.comparison import ComparisonPolicy
from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.follower import BookFollower, FollowerPolicy
from keepers.liquidation.rebuilds import RebuildReason
from keepers.liquidation.reconciliation import Mismatched, PageReconciled, Reconciled
from keepers.liquidation.upkeep import BookKept, BookUpkeep, Reconciliation
from tests.unit.keepers.liquidation.examples import TAO
from tests.unit.keepers.liquidation.following import Shelf
from tests.unit.keepers.liquidation.simulated import Action, SimulatedExchange
from units import Wei

RECONCILE_BLOCKS = 5


def opening(number: int) -> Action:
    return lambda block: block.open(8, True, TAO, number)


def upkeep_of(exchange: SimulatedExchange) -> BookUpkeep:
    follower = BookFollower(log=exchange, policy=FollowerPolicy())
    return BookUpkeep(follower=follower, reconcile_blocks=RECONCILE_BLOCKS)


async def test_step__each_head__follows_it_and_reconciles_when_due() -> None:
    exchange = SimulatedExchange()
    upkeep = upkeep_of(exchange)
    for number in range(1, RECONCILE_BLOCKS + 1):
        kept = await upkeep.step(exchange.tip.head)
        assert kept == BookKept(head=exchange.tip.head, positions=number - 1, reconciliation=None)
        exchange.grow(opening(number))
    kept = await upkeep.step(exchange.tip.head)
    assert isinstance(kept, BookKept)
    assert kept.reconciliation == Reconciled(head=exchange.tip.head)


async def test_step__chain_unreadable__says_why() -> None:
    exchange = SimulatedExchange(down={"snapshot"})
    assert await upkeep_of(exchange).step(exchange.tip.head) == Unreadable(
        reason="snapshot is down"
    )


PAGED = FollowerPolicy(save_blocks=3, comparison=ComparisonPolicy(whole_max=4, page=2))


def crowded(count: int = 7) -> SimulatedExchange:
    exchange = SimulatedExchange()
    exchange.grow(*(opening(number) for number in range(1, count + 1)))
    return exchange


def paged(
    exchange: SimulatedExchange, *, hurry_pages: int = 50, page_blocks: int = 1
) -> tuple[BookFollower, BookUpkeep]:
    follower = BookFollower(log=exchange, policy=PAGED)
    return follower, BookUpkeep(
        follower=follower,
        reconcile_blocks=RECONCILE_BLOCKS,
        page_blocks=page_blocks,
        hurry_pages=hurry_pages,
    )


async def kept_at(exchange: SimulatedExchange, upkeep: BookUpkeep) -> BookKept:
    kept = await upkeep.step(exchange.tip.head)
    assert isinstance(kept, BookKept)
    return kept


async def test_step__a_large_book__is_compared_page_by_page_and_then_again() -> None:
    exchange = crowded()
    follower, upkeep = paged(exchange)
    seen = []
    for _ in range(8):
        exchange.grow()
        seen.append((await kept_at(exchange, upkeep)).reconciliation)
    heads = [block.head for block in exchange.branch()[2:]]
    assert seen == [
        Reconciled(head=head)
        if number % 4 == 3
        else PageReconciled(head=head, compared=2 * (number % 4 + 1), of=7)
        for number, head in enumerate(heads)
    ]
    assert follower.reconciled_at == heads[7].number
    assert exchange.asked.count("snapshot") == 1


async def test_step__a_large_book__has_a_page_compared_every_few_blocks() -> None:
    exchange, seen = crowded(), list[int]()
    _, upkeep = paged(exchange, page_blocks=3)
    for _ in range(8):
        exchange.grow()
        kept = await kept_at(exchange, upkeep)
        seen.append(getattr(kept.reconciliation, "compared", 0))
    assert seen == [2, 0, 0, 4, 0, 0, 6, 0]


async def test_step__a_large_book_differs_somewhere__a_walk_finds_it_and_the_views_win() -> None:
    exchange = crowded()
    follower, upkeep = paged(exchange)
    await kept_at(exchange, upkeep)
    shrunk = exchange.grow(lambda block: block.reduce(list(block.positions.values())[4]))
    exchange.hidden.add(shrunk.head.hash)
    found = (await kept_at(exchange, upkeep)).reconciliation
    assert isinstance(found, Mismatched)
    assert found.differences[0].startswith("market 8:")  # the open interest tells before its page
    assert follower.counts.rebuilds[RebuildReason.MISMATCH] == 1
    book = await follower.at_head(exchange.tip.head)
    assert isinstance(book, Book)
    assert book.positions == exchange.tip.positions


async def test_step__a_position_of_a_large_book_differs__its_page_tells() -> None:
    exchange = crowded()
    _, upkeep = paged(exchange)
    await kept_at(exchange, upkeep)
    block = exchange.grow()
    ours, *_, last = block.positions.values()
    block.positions[last.key.id] = replace(last, margin=Wei(ours.margin + 1))
    found: list[Reconciliation | None] = []
    while not found or isinstance(found[-1], PageReconciled):
        found.append((await kept_at(exchange, upkeep)).reconciliation)
        exchange.grow()
    assert isinstance(found[-1], Mismatched)
    assert found[-1].differences[0].startswith(f"position 0x{last.key.id.hex()}:")
    assert len(found) == 3


async def test_step__a_large_book_holds_one_too_many__the_count_tells_at_once() -> None:
    exchange = crowded()
    _, upkeep = paged(exchange)
    await kept_at(exchange, upkeep)
    missed = exchange.grow(lambda block: block.close(list(block.positions.values())[-1]))
    exchange.hidden.add(missed.head.hash)
    found = (await kept_at(exchange, upkeep)).reconciliation
    assert isinstance(found, Mismatched)
    assert "the chain counts 6 positions, the book 7" in found.differences[0]


async def test_confirm_restored__a_large_book__only_after_every_page() -> None:
    exchange = crowded()
    follower, upkeep = paged(exchange, hurry_pages=3)
    follower.keep(Shelf(open_book(exchange.tip.snapshot())))
    await follower.at_head(exchange.grow().head)
    assert not await upkeep.confirm_restored(exchange.tip.head)
    assert follower.reconciled_at is None
    assert await upkeep.confirm_restored(exchange.grow().head)
    assert follower.reconciled_at == exchange.tip.head.number
    assert "snapshot" not in exchange.asked


async def test_step__a_book_was_restored__is_compared_at_once_though_there_is_no_liquidator() -> (
    None
):
    exchange = crowded()
    follower, upkeep = paged(exchange)
    follower.keep(Shelf(open_book(exchange.tip.snapshot())))
    kept = await kept_at(exchange, upkeep)
    assert (follower.counts.restored, follower.reconciled_at) == (1, exchange.tip.head.number)
    assert kept.reconciliation == Reconciled(head=exchange.tip.head)


async def test_step__pages_of_many_blocks__save_the_book_now_and_then() -> None:
    exchange, shelf, saved = crowded(40), Shelf(), []
    follower, upkeep = paged(exchange)
    follower.keep(shelf)
    for _ in range(7):
        exchange.grow()
        await kept_at(exchange, upkeep)
        assert shelf.book is not None
        saved.append(shelf.book.head.number - exchange.tip.head.number)
    assert saved == [0, -1, -2, 0, -1, -2, 0]


async def test_step__ladders_are_sorted_meanwhile__for_the_next_question() -> None:
    exchange = crowded()
    follower, upkeep = paged(exchange)
    await kept_at(exchange, upkeep)
    assert follower.book is not None
    (bucket,) = follower.book.positions.table.buckets.values()
    assert not bucket.lineup._ladder.must_sort(0.2)

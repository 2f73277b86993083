"""While a node serves no logs nobody is looked at, and who changed is all that is remembered."""

import gc
from dataclasses import replace

from keepers.liquidation.assessment import viewing
from keepers.liquidation.steps import finished
from keepers.liquidation.versions import _Place
from keepers.warnings.survey import everybody
from keepers.warnings.vigil import Vigil
from tests.unit.keepers.warnings.scripted import Disk
from tests.unit.keepers.warnings.surveyed import LINES, Block, BookWorld, plain, vigilant
from tests.unit.keepers.warnings.test_vigil import CALM, NEAR, opened, quoted

BLIND = 200
FIRST = Block(changes=opened(100, CALM) | opened(3, NEAR, first=900), quotes=quoted(10_000))


def versions_held() -> int:
    """Versions of books that stand in memory, be it only to lead from one to another."""
    gc.collect()
    return sum(isinstance(each, _Place) for each in gc.get_objects())


def unread(number: int) -> Block:
    """Somebody changes, somebody comes, and whoever came before goes."""
    return Block(
        changes={
            number % 100 + 1: replace(CALM, margin_bps=5_000 + number),
            1_000 + number: CALM,
            999 + number: None,
        },
        quotes=quoted(10_000),
        is_unread=True,
    )


async def test_step__blind_for_two_hundred_blocks__no_version_of_the_book_is_held_for_it() -> None:
    world, disk = BookWorld(), Disk()
    bot, lookout = vigilant(world, disk)
    await bot.step(world.grow(FIRST))
    held = versions_held()
    for number in range(1, BLIND + 1):
        outcome = await bot.step(world.grow(unread(number)))
        assert outcome.blindness == "liquidations unread: pruned"
        del world.books[:-1]
    assert versions_held() <= held + 1
    assert lookout.looked_at == [103], "nobody in vain"


async def test_step__logs_are_back__comes_to_what_a_look_at_everybody_does() -> None:
    world, all_disk, few_disk = BookWorld(), Disk(), Disk()
    every, (few, lookout) = plain(world, all_disk), vigilant(world, few_disk)
    run = [FIRST, *map(unread, range(1, 8)), Block(changes={3: None}, quotes=quoted(9_600))]
    for block in run:
        at = world.grow(block)
        assert await few.step(at) == await every.step(at)
        assert few_disk == all_disk
    # those of seven blocks that are open, and those who fell with the price
    assert lookout.looked_at == [103, 6 + 1 + 3]


def test_noting__who_came_and_went__is_not_remembered() -> None:
    world, vigil = BookWorld(), Vigil(LINES)
    world.grow(FIRST)
    (book,) = world.books
    survey = everybody(finished(viewing(book)), LINES)
    finished(vigil.settling(book.positions, survey, {}))
    assert not vigil._changed
    for number in range(1, BLIND + 1):
        world.grow(unread(number))
        finished(vigil.noting(world.books[-1].positions))
    assert len(vigil._changed) == 100 + 1, "all who changed, and the last who came"

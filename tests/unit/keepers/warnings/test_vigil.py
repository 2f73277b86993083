"""Whoever is left out of a look would not have moved: attacked on every line ± 1 wei."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepers.liquidation.assessment import viewing
from keepers.liquidation.margin import ratio_bps, remaining_margin
from keepers.liquidation.positions import Position
from keepers.liquidation.standing import Terms
from keepers.liquidation.steps import finished
from keepers.warnings.flank import Flank
from keepers.warnings.keeper import WarningsKeeper, WarningsOutcome
from keepers.warnings.survey import everybody
from keepers.warnings.vigil import SLICE, Vigil
from tests.unit.keepers.liquidation.examples import PARAMETERS, position
from tests.unit.keepers.warnings.scripted import CrashError, Disk
from tests.unit.keepers.warnings.surveyed import (
    LINES,
    NETUIDS,
    Block,
    BookWorld,
    Opened,
    Quoted,
    plain,
    vigilant,
)
from units import BPS_ONE, FundingIndex, Head, Netuid, PriceWei, Wei

openings = st.builds(
    Opened,
    netuid=st.sampled_from(NETUIDS),
    is_long=st.booleans(),
    margin_bps=st.integers(1_800, 5_000),
    size=st.one_of(st.integers(10**15, 10**21), st.integers(1, 10**30)),
)
quotes = st.builds(
    Quoted,
    far=st.one_of(st.integers(9_500, 10_500), st.integers(7_000, 13_000)),
    near=st.one_of(
        st.none(),
        st.tuples(
            st.integers(1, 8), st.integers(0, len(LINES.lines) - 1), st.sampled_from([-1, 0, 1])
        ),
    ),
    is_missing=st.sampled_from([False, False, False, True]),
    index=st.one_of(st.integers(-(10**14), 10**14), st.integers(-(10**17), 10**17)),
)
numbers = st.integers(1, 8)
blocks = st.builds(
    Block,
    changes=st.dictionaries(numbers, st.one_of(st.none(), openings), max_size=3),
    quotes=st.tuples(quotes, quotes),
    back=st.sampled_from([0, 0, 0, 1, 2, 4]),
    is_rebuilt=st.sampled_from([False] * 9 + [True]),
    is_unread=st.sampled_from([False, False, False, True]),
    dies=st.sampled_from([""] * 8 + ["before", "after"]),
)
first_blocks = st.builds(
    Block,
    changes=st.dictionaries(numbers, openings, min_size=8, max_size=8),
    quotes=st.tuples(quotes, quotes),
)


async def stepped(bot: WarningsKeeper, disk: Disk, at: Head, dies: str) -> WarningsOutcome:
    """The outcome, of the second attempt where a commit fails."""
    disk.dies_before, disk.dies_after = dies == "before", dies == "after"
    try:
        return await bot.step(at)
    except CrashError:
        return await bot.step(at)


@settings(deadline=None, max_examples=200)
@given(first_blocks, st.lists(blocks, max_size=12))
async def test_step__any_run_of_blocks__comes_to_what_a_look_at_everybody_does(
    first: Block, later: list[Block]
) -> None:
    world, all_disk, few_disk = BookWorld(), Disk(), Disk()
    looks_at_all = plain(world, all_disk)
    looks_at_few, _ = vigilant(world, few_disk)
    for block in (first, *later):
        at = world.grow(block)
        told = await stepped(looks_at_all, all_disk, at, block.dies)
        assert await stepped(looks_at_few, few_disk, at, block.dies) == told
        assert few_disk == all_disk
        assert list(few_disk.outbox) == list(all_disk.outbox)


# One position on a line of its stretch

sizes = st.one_of(st.integers(1, 100), st.integers(1, 10**18), st.integers(1, 10**30))
prices = st.one_of(st.integers(10**9, 10**12), st.integers(10**9, 10**24))
indices = st.one_of(st.just(0), st.integers(-(10**18), 10**18), st.integers(-(10**23), 10**23))
drifts = st.one_of(st.just(0), st.integers(-(10**15), 10**15), st.integers(-(10**18), 10**18))
held_positions = st.builds(
    position,
    size=sizes,
    margin=st.just(0),
    entry_price=prices,
    entry_index=indices,
    is_long=st.booleans(),
)


def on_the_line(held: Position, at: Terms, line: int, beyond: int) -> Position | None:
    """The position with its margin moved so that what remains is `beyond` wei above the least
    that is not below the line; None when no margin that fits does that."""
    least = -(-held.size * line // BPS_ONE)
    margin = held.margin + least + beyond - remaining_margin(held, at.price, at.index)
    return replace(held, margin=Wei(margin)) if 0 <= margin < 2**128 else None


@settings(max_examples=1_000)
@given(
    held_positions,
    prices,
    indices,
    st.integers(0, len(LINES.lines) - 1),
    st.one_of(st.none(), drifts),
)
def test_leavers__a_wei_beyond_a_line_of_the_stretch__misses_nobody(
    drawn: Position, price: int, index: int, place: int, drift: int | None
) -> None:
    at = Terms(
        netuid=Netuid(8),
        price=PriceWei(price),
        index=FundingIndex(index),
        parameters=PARAMETERS,
    )
    for beyond, was in ((-1, place + 1), (0, place), (1, place)):
        held = on_the_line(drawn, at, LINES.lines[place], beyond)
        if held is None:
            continue
        ratio = ratio_bps(held, remaining_margin(held, at.price, at.index))
        assert LINES.of(ratio) != was
        flank = Flank(LINES, Netuid(8), is_long=held.is_long)
        flank.put(held, was)
        if drift is not None:
            for sorting in flank.sortings(FundingIndex(index + drift)):
                sorting.take(sorting.order())
        assert set(flank.leavers(at)) == {held.key.id}


# Who is left alone

CALM = Opened(netuid=8, is_long=True, margin_bps=6_000, size=10**18)
NEAR = replace(CALM, margin_bps=3_800)
INSIDE = replace(CALM, margin_bps=3_333)


def quoted(bps: int, *, is_missing: bool = False) -> tuple[Quoted, Quoted]:
    quote = Quoted(far=bps, near=None, is_missing=is_missing, index=0)
    return quote, quote


def opened(count: int, to: Opened, first: int = 1) -> dict[int, Opened | None]:
    return dict.fromkeys(range(first, first + count), to)


async def looked_at(*run: Block) -> list[int]:
    """How many are looked at, block by block."""
    world, disk = BookWorld(), Disk()
    bot, lookout = vigilant(world, disk)
    for block in run:
        await bot.step(world.grow(block))
    return lookout.looked_at


@pytest.mark.parametrize("to", [CALM, INSIDE], ids=["above every tier", "inside the first"])
async def test_survey__nobody_is_near_a_line__nobody_is_looked_at(to: Opened) -> None:
    counted = await looked_at(
        Block(changes=opened(2_000, to), quotes=quoted(10_000)),
        *(Block(changes={}, quotes=quoted(bps)) for bps in (9_990, 10_010, 9_950, 10_050)),
    )
    assert counted == [2_000, 0, 0, 0, 0]


async def test_survey__some_fall_and_one_changes__those_alone_are_looked_at() -> None:
    counted = await looked_at(
        Block(changes=opened(2_000, CALM) | opened(7, NEAR, first=5_000), quotes=quoted(10_000)),
        Block(changes={1: replace(CALM, margin_bps=5_900)}, quotes=quoted(10_000)),
        Block(changes={2: None}, quotes=quoted(10_000)),
        Block(changes={}, quotes=quoted(9_600)),
        Block(changes={}, quotes=quoted(9_600)),
    )
    assert counted == [2_007, 1, 0, 7, 0]


async def test_survey__a_tier_waits_for_its_second_block__they_are_looked_at_again() -> None:
    deep = Block(changes={}, quotes=quoted(7_800))
    counted = await looked_at(
        Block(changes=opened(3, NEAR) | opened(500, CALM, first=9), quotes=quoted(10_000)),
        deep,
        deep,
        deep,
    )
    assert counted[:1] + counted[2:] == [503, 3, 0]


def test_settling__given_up_half_way__the_others_are_looked_at_again() -> None:
    world = BookWorld()
    world.grow(Block(changes=opened(1_000, CALM), quotes=quoted(10_000)))
    (book,), vigil = world.books, Vigil(LINES)
    assert finished(vigil.surveying(book)) is None
    settling = vigil.settling(book.positions, everybody(finished(viewing(book)), LINES), {})
    next(settling)
    next(settling)
    settling.close()
    survey = finished(vigil.surveying(book))
    assert survey is not None
    assert len(survey.risks) == 1_000 - 2 * SLICE
    assert survey.known == {len(LINES.lines): 1_000}


async def test_survey__price_missing_and_back__nobody_but_who_changed_meanwhile() -> None:
    gone = quoted(10_000, is_missing=True)
    counted = await looked_at(
        Block(changes=opened(2_000, CALM), quotes=quoted(10_000)),
        Block(changes={}, quotes=gone),
        Block(changes={1: replace(CALM, margin_bps=5_900)}, quotes=gone),
        Block(changes={}, quotes=gone),
        Block(changes={}, quotes=quoted(10_000)),
    )
    assert counted == [2_000, 0, 1, 0, 1]

"""What wakes the bots in production."""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.runtime.barrier import NoBarrier
from fleet.wiring.chain_rhythm import ChainRhythm
from fleet.wiring.rhythm import FeederWake, Order, Tick
from tests.unit.fleet.runtime.streams import head, until_idle
from tests.unit.fleet.wiring.simulated import Blocks, Finalized, Wall, give, running
from tests.unit.oracle.simulated import source_head

STALL = 10


class BrokenError(Exception):
    """The source has a defect."""


@pytest.fixture
def rhythm(blocks: Blocks, finalized: Finalized) -> ChainRhythm:
    return ChainRhythm(heads=blocks, source=finalized, quiet_blocks=STALL)


def feeder(rhythm: ChainRhythm) -> AsyncGenerator[FeederWake, None]:
    return rhythm.finalized("feeder", Order.FEEDER)


@asynccontextmanager
async def woken(rhythm: ChainRhythm) -> AsyncIterator[list[tuple[int, bool]]]:
    """The feeder's wakes so far, as heights and whether a finalized head came with them."""
    seen: list[tuple[int, bool]] = []

    def note(wake: FeederWake) -> None:
        seen.append((wake.number, wake.finalized is not None))

    async with running(give(feeder(rhythm), note)):
        yield seen


async def test_finalized__a_head_comes__wakes_with_it(
    rhythm: ChainRhythm, finalized: Finalized
) -> None:
    wakes = feeder(rhythm)
    await finalized.arrive(98)

    assert await anext(wakes) == FeederWake(
        number=source_head(98).number, finalized=source_head(98)
    )
    await wakes.aclose()


async def test_finalized__blocks_of_the_chain__do_not_wake_while_finality_follows(
    rhythm: ChainRhythm, blocks: Blocks, finalized: Finalized
) -> None:
    async with woken(rhythm) as seen:
        for number in range(98, 130):
            await finalized.arrive(number)
            await blocks.arrive(number + STALL - 1)

    assert seen == [(number, True) for number in range(98, 130)]


async def test_finalized__none_from_the_start__silence_counts_from_the_first_block(
    rhythm: ChainRhythm, blocks: Blocks
) -> None:
    async with woken(rhythm) as seen:
        for number in range(100, 113):
            await blocks.arrive(number)

    assert seen == [(number, False) for number in (100, 110, 111, 112)]


async def test_finalized__they_fail_to_come__every_block_from_the_limit_on_wakes_with_none(
    rhythm: ChainRhythm, blocks: Blocks, finalized: Finalized
) -> None:
    async with woken(rhythm) as seen:
        await finalized.arrive(98)
        for number in range(100, 110):
            await blocks.arrive(number)
        await finalized.arrive(105)
        await blocks.arrive(110)

    assert seen == [(98, True), (108, False), (109, False), (105, True)]


async def test_finalized__a_head_of_the_far_future__does_not_silence_the_watch(
    rhythm: ChainRhythm, blocks: Blocks, finalized: Finalized
) -> None:
    async with woken(rhythm) as seen:
        await blocks.arrive(100)
        await finalized.arrive(10**9)
        for number in range(101, 113):
            await blocks.arrive(number)

    assert seen == [(100, False), (10**9, True), (111, False), (112, False)]


async def test_finalized__slow_reader__is_given_the_newest(
    rhythm: ChainRhythm, finalized: Finalized
) -> None:
    wakes = feeder(rhythm)
    await finalized.arrive(1)
    assert (await anext(wakes)).number == 1
    for number in (2, 3, 4):
        await finalized.arrive(number)

    assert (await anext(wakes)).number == 4
    await wakes.aclose()


async def test_finalized__source_has_a_defect__fails_and_a_new_stream_goes_on_counting(
    rhythm: ChainRhythm, blocks: Blocks, finalized: Finalized
) -> None:
    async def until_it_fails() -> None:
        with pytest.raises(ExceptionGroup) as raised:
            await give(feeder(rhythm), lambda _: None)
        assert raised.group_contains(BrokenError, match="cannot be")

    async with asyncio.TaskGroup() as group:
        group.create_task(until_it_fails())
        await until_idle()
        await blocks.arrive(100)
        await blocks.arrive(107)
        finalized.stream.fail(BrokenError("cannot be"))

    async with woken(rhythm) as seen:
        await blocks.arrive(109)
        assert seen == []
        await blocks.arrive(110)

    assert seen == [(110, False)]


async def test_finalized__closed_or_cancelled__leaves_no_reader_behind(
    rhythm: ChainRhythm, blocks: Blocks, finalized: Finalized
) -> None:
    wakes = feeder(rhythm)
    await finalized.arrive(98)
    await anext(wakes)
    assert (finalized.stream.reading, blocks.stream.reading) == (1, 1)
    await wakes.aclose()
    assert (finalized.stream.reading, blocks.stream.reading) == (0, 0)

    async with woken(rhythm):
        assert (finalized.stream.reading, blocks.stream.reading) == (1, 1)
    assert (finalized.stream.reading, blocks.stream.reading) == (0, 0)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 4)), max_size=40))
async def test_finalized__any_gaps__silence_is_never_longer_than_the_limit(
    steps: list[tuple[bool, int]],
) -> None:
    blocks, finalized = Blocks(), Finalized()
    number, newest = 100, None
    async with woken(ChainRhythm(heads=blocks, source=finalized, quiet_blocks=STALL)) as seen:
        for is_final, gap in steps:
            if is_final and (newest or 0) < number - 2:
                newest = number - 2
                await finalized.arrive(newest)
                assert seen[-1] == (newest, True)
            number += gap
            await blocks.arrive(number)
            since = newest if newest is not None else 100 + steps[0][1]
            assert (seen[-1:] == [(number, False)]) == (
                number - since >= STALL or (newest is None and number == since)
            )


async def test_heads__every_bot__sees_the_newest_block(rhythm: ChainRhythm, blocks: Blocks) -> None:
    await blocks.arrive(100)
    one = rhythm.heads("liquidator", Order.LIQUIDATOR)
    other = rhythm.heads("funding", Order.FUNDING)

    assert [await anext(one), await anext(other)] == [head(100), head(100)]
    await blocks.arrive(101)
    await blocks.arrive(102)
    assert [await anext(one), await anext(other)] == [head(102), head(102)]


async def test_services__run__keep_the_heads_coming(rhythm: ChainRhythm, blocks: Blocks) -> None:
    assert isinstance(rhythm.barrier, NoBarrier)
    async with running(*(service() for service in rhythm.services)):
        assert blocks.is_running


def test_head_age__before_the_first_head__is_unknown_and_not_zero(
    rhythm: ChainRhythm, blocks: Blocks
) -> None:
    assert math.isnan(rhythm.head_age_s())
    blocks.age = 17.0
    assert rhythm.head_age_s() == 17.0


async def test_ticks__any__come_at_once_and_after_every_pause(
    rhythm: ChainRhythm, wall: Wall
) -> None:
    ticks: list[Tick] = []
    pauses = iter((1, 3, 100))

    async with running(give(rhythm.ticks(wall, lambda: next(pauses)), ticks.append)):
        assert [tick.number for tick in ticks] == [1]
        await wall.pass_(1)
        assert [tick.number for tick in ticks] == [1, 2]
        await wall.pass_(2)
        assert [tick.number for tick in ticks] == [1, 2]
        await wall.pass_(1)
        assert [tick.number for tick in ticks] == [1, 2, 3]

"""Several endpoints as one: who is asked, who is waited for, and which heads come through."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.quotes import Reading, Standing, Trouble, Unavailable
from oracle.sources import endpoint as ports
from oracle.sources.quorum import QuorumPolicy, QuorumSource
from oracle.sources.rising import LAG_BLOCKS_MAX
from tests.unit.oracle.simulated import SN, TAO, source_head
from tests.unit.oracle.sources.endpoints import BrokenError, Endpoint
from tests.unit.oracle.sources.node import until
from units import BlockNumber, Rao

NUMBER = BlockNumber(100)
QUICK = QuorumPolicy(straggler_s=0.02, patience_s=0.02)
OTHER_CHAIN = Unavailable(detail="genesis is 0xab", trouble=Trouble.WRONG_CHAIN)


def quorum(
    *sources: Endpoint, agreement: int, operators: str = "abcdefg", policy: QuorumPolicy = QUICK
) -> QuorumSource:
    endpoints = [
        ports.Endpoint(name=f"{operator}{index}", operator=operator, source=source)
        for index, (operator, source) in enumerate(zip(operators, sources, strict=False))
    ]
    return QuorumSource(endpoints, replace(policy, agreement=agreement))


@asynccontextmanager
async def of_three(**options: object) -> AsyncIterator[tuple[QuorumSource, list[Endpoint]]]:
    endpoints = [Endpoint(name) for name in ("first", "second", "third")]
    async with quorum(*endpoints, agreement=2, **options) as source:  # type: ignore[arg-type]
        yield source, endpoints


def doubled(said: Reading) -> Reading:
    return replace(said, prices={SN: Rao(2 * TAO)})


def standings(source: QuorumSource) -> list[Standing]:
    return [quote.standing for quote in source.quotes]


def rise_of(source: QuorumSource) -> float:
    """When its height last rose, by the loop's clock."""
    age = source.age_s()
    assert age is not None, "it has risen"
    return asyncio.get_running_loop().time() - age


async def until_idle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


async def all_heads(*endpoints: Endpoint, agreement: int = 1) -> list[int]:
    async with quorum(*endpoints, agreement=agreement) as source:
        return [head.number async for head in source.heads()]


@pytest.mark.parametrize("agreement", [0, 1, 3])
def test_source__not_more_than_half_or_more_than_there_are__is_refused(agreement: int) -> None:
    with pytest.raises(ValueError, match="is no quorum"):
        quorum(Endpoint(), Endpoint(), agreement=agreement)


def test_source__without_endpoints__is_refused() -> None:
    with pytest.raises(ValueError, match="is no quorum"):
        quorum(agreement=1)


async def test_read__all_agree__is_the_reading_with_what_everybody_said() -> None:
    async with of_three() as (source, _):
        said = await source.read(NUMBER)
    assert isinstance(said, Reading)
    assert said.prices == {SN: TAO}
    assert [quote.standing for quote in said.quotes] == [Standing.AGREES] * 3
    assert [quote.endpoint for quote in said.quotes] == ["a0", "b1", "c2"]


async def test_read__one_lies__the_others_are_believed_and_it_is_named() -> None:
    async with of_three() as (source, endpoints):
        endpoints[1].lie = doubled
        said = await source.read(NUMBER)
        assert isinstance(said, Reading)
        assert said.prices == {SN: TAO}
        assert standings(source) == [Standing.AGREES, Standing.DISAGREES, Standing.AGREES]
        endpoints[1].lie = lambda said: said
        await source.read(NUMBER)
        assert standings(source) == [Standing.AGREES] * 3


async def test_read__one_answers_after_the_others__is_judged_all_the_same() -> None:
    async with of_three() as (source, endpoints):
        endpoints[2].lie = doubled
        endpoints[2].gate.clear()
        assert isinstance(await source.read(NUMBER), Reading)
        assert standings(source)[2] is Standing.PENDING
        endpoints[2].gate.set()
        await until_idle()
        assert standings(source)[2] is Standing.DISAGREES


async def test_read__one_hangs__is_waited_for_once_and_asked_nothing_more_while_it_does() -> None:
    loop = asyncio.get_running_loop()
    slow = replace(QUICK, straggler_s=0.2)
    async with of_three(policy=slow) as (source, endpoints):
        endpoints[0].gate.clear()
        began = loop.time()
        await source.read(NUMBER)
        assert loop.time() - began >= 0.2
        source._policy = replace(source._policy, straggler_s=600)
        async with asyncio.timeout(30):
            for _ in range(5):
                assert isinstance(await source.read(NUMBER), Reading)
        assert len(endpoints[0].asked) == 1
        assert standings(source)[0] is Standing.PENDING, "slow is not away"
        endpoints[0].gate.set()
        await until_idle()
        await source.read(NUMBER)
        assert len(endpoints[0].asked) > 1


async def test_read__one_lags__is_left_out_and_named() -> None:
    async with of_three() as (source, endpoints):
        endpoints[2].height = 98
        assert isinstance(await source.read(NUMBER), Reading)
        await until(lambda: standings(source)[2] is Standing.LAGGING)
        assert "has finalized block 98 only" in source.quotes[2].detail


async def test_read__too_few_have_finalized_it__is_no_quorum() -> None:
    async with of_three() as (source, endpoints):
        for endpoint in endpoints[1:]:
            endpoint.height = 99
        said = await source.read(NUMBER)
        assert isinstance(said, Unavailable)
        assert said.trouble is Trouble.NO_QUORUM


async def test_read__one_serves_another_chain__is_named_and_left_alone_for_a_while() -> None:
    async with of_three() as (source, endpoints):
        endpoints[0].outage = OTHER_CHAIN
        for _ in range(4):
            assert isinstance(await source.read(NUMBER), Reading)
            await asyncio.sleep(0.03)
        assert standings(source)[0] is Standing.WRONG_CHAIN
        assert endpoints[0].asked.count("finalized") == 1


async def test_read__one_that_served_another_chain_is_mended__counts_again_after_its_rest() -> None:
    short = replace(QUICK, wrong_chain_rest_s=0.05)
    async with of_three(policy=short) as (source, endpoints):
        endpoints[0].outage = OTHER_CHAIN
        await source.read(NUMBER)
        await until(lambda: standings(source)[0] is Standing.WRONG_CHAIN)
        endpoints[0].outage = None
        await asyncio.sleep(0.06)
        await source.read(NUMBER)
        await until(lambda: standings(source)[0] is Standing.AGREES)


async def test_read__nobody_answers__says_what_each_said() -> None:
    async with of_three() as (source, endpoints):
        for endpoint in endpoints:
            endpoint.outage = "refused"
        said = await source.read(NUMBER)
        assert isinstance(said, Unavailable)
        assert said.trouble is Trouble.DOWN
        assert said.detail == "a0: refused; b1: refused; c2: refused"


async def test_read__given_up_by_whoever_asked__what_was_asked_goes_on_and_closes_with_it() -> None:
    async with of_three() as (source, endpoints):
        for endpoint in endpoints:
            endpoint.gate.clear()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await source.read(NUMBER)
        endpoints[0].gate.set()
    assert True, "left without waiting for those that hang"


async def test_finalized__one_boasts_and_one_lags__is_what_enough_have() -> None:
    async with of_three() as (source, endpoints):
        endpoints[0].height, endpoints[1].height = 10**9, 101
        assert await source.finalized() == source_head(101)


async def test_finalized__too_few_answer__is_no_quorum_and_names_those_who_do_not() -> None:
    async with of_three() as (source, endpoints):
        endpoints[0].outage = endpoints[1].outage = "refused"
        said = await source.finalized()
        assert isinstance(said, Unavailable)
        assert said.trouble is Trouble.NO_QUORUM
        assert "1 of the 2 operators" in said.detail
        assert standings(source) == [Standing.UNREACHABLE] * 2


async def test_finalized__another_chain_alone__is_said_as_such() -> None:
    async with quorum(Endpoint(outage=OTHER_CHAIN), agreement=1) as source:
        said = await source.finalized()
        assert isinstance(said, Unavailable)
        assert said.trouble is Trouble.WRONG_CHAIN
        assert standings(source) == [Standing.WRONG_CHAIN]


async def test_buried__finality_stands__is_read_so_far_below_the_best_that_enough_have() -> None:
    async with of_three() as (source, endpoints):
        endpoints[0].height = 10**9
        said = await source.buried(6)
        assert isinstance(said, Reading)
        assert said.block.number == 100 + 3 - 6
        assert not said.is_final


async def test_heads__one_boasts__only_heights_that_enough_have_come_through() -> None:
    boaster, one, other = Endpoint(), Endpoint(), Endpoint()
    async with (
        quorum(boaster, one, other, agreement=2) as source,
        aclosing(source.heads()) as heads,
    ):
        boaster.say(10**9)
        one.say(7)
        assert (await anext(heads)).number == 7
        other.say(8)
        assert (await anext(heads)).number == 8


async def test_heads__enough_boast_and_take_it_back__true_ones_come_through_and_count() -> None:
    one, other, boaster = Endpoint(), Endpoint(), Endpoint()
    async with (
        quorum(one, other, boaster, agreement=2) as source,
        aclosing(source.heads()) as heads,
    ):
        for each in (one, boaster):
            each.say(10**9)
        assert (await anext(heads)).number == 10**9
        await asyncio.sleep(0.02)
        one.say(100)
        other.say(100)
        assert (await anext(heads)).number == 100
        boasted_at = rise_of(source)
        one.say(101)
        other.say(101)
        assert (await anext(heads)).number == 101
        assert rise_of(source) > boasted_at, "a true height after it is a rise"


async def test_heads__one_alternates_far_apart_while_finality_stands__is_no_rise() -> None:
    one = Endpoint()
    async with quorum(one, agreement=1) as source, aclosing(source.heads()) as heads:
        one.say(1000)
        await anext(heads)
        stood_since = source._rise.risen_at
        for lower in range(900, 905):
            for height in (lower, 1000):
                one.say(height)
                assert (await anext(heads)).number == height
        assert source._rise.risen_at == stood_since
        one.say(1001)
        await anext(heads)
        assert source._rise.risen_at != stood_since


async def test_heads__one_falls_behind_a_little__takes_nothing_back() -> None:
    one = Endpoint()
    async with quorum(one, agreement=1) as source, aclosing(source.heads()) as heads:
        one.say(100)
        assert (await anext(heads)).number == 100
        one.say(100 - LAG_BLOCKS_MAX, 101)
        assert (await anext(heads)).number == 101


async def test_read__one_has_taken_back_what_it_boasted__speaks_only_of_what_it_has() -> None:
    boaster = Endpoint()
    async with quorum(boaster, agreement=1) as source, aclosing(source.heads()) as heads:
        boaster.say(10**9)
        await anext(heads)
        boaster.say(100)
        await anext(heads)
        boaster.height = 100
        said = await source.read(BlockNumber(101))
        assert isinstance(said, Unavailable)
        assert said.trouble is Trouble.LAGGING


async def test_heads__two_of_one_operator__are_one_voice() -> None:
    endpoints = [Endpoint(), Endpoint(), Endpoint()]
    async with (
        quorum(*endpoints, agreement=2, operators="aab") as source,
        aclosing(source.heads()) as heads,
    ):
        endpoints[0].say(9)
        endpoints[1].say(9)
        coming = asyncio.ensure_future(anext(heads))
        await until_idle()
        assert not coming.done()
        endpoints[2].say(8)
        assert (await coming).number == 8


async def test_heads__slow_reader__gets_the_highest_not_the_last() -> None:
    one = Endpoint()
    async with quorum(one, agreement=1) as source, aclosing(source.heads()) as heads:
        one.say(1)
        assert (await anext(heads)).number == 1
        one.say(5, 9, 6)
        await until_idle()

        assert (await anext(heads)).number == 9


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 50)), max_size=30),
)
async def test_heads__any_order_of_three_endpoints__only_rise_and_end_with_what_two_have(
    said: list[tuple[int, int]],
) -> None:
    endpoints = [Endpoint(), Endpoint(), Endpoint()]
    highest = [[number for index, number in said if index == each] for each in range(3)]
    for index, number in said:
        endpoints[index].say(number)
    for endpoint in endpoints:
        endpoint.say(None)

    seen = await all_heads(*endpoints, agreement=2)

    second = sorted((max(each) for each in highest if each), reverse=True)[1:2]
    assert seen == sorted(set(seen))
    assert seen[-1:] == second


async def test_heads__every_endpoint_ends__ends() -> None:
    one, other = Endpoint(), Endpoint()
    one.say(3, None)
    other.say(3, None)

    assert await all_heads(one, other, agreement=2) == [3]


async def test_heads__closed__ends_every_follower_in_silence() -> None:
    endpoints = [Endpoint(), Endpoint()]
    async with quorum(*endpoints, agreement=2) as source:
        heads = source.heads()
        for endpoint in endpoints:
            endpoint.say(3)
        await anext(heads)
        assert [each.following for each in endpoints] == [1, 1]

        await heads.aclose()

    assert [each.following for each in endpoints] == [0, 0]


async def test_heads__an_endpoint_has_a_defect__ends_all_with_its_reason() -> None:
    endpoints = [Endpoint(), Endpoint()]
    endpoints[1].say(BrokenError("cannot be"))

    with pytest.raises(ExceptionGroup) as raised:
        await all_heads(*endpoints, agreement=2)

    assert raised.group_contains(BrokenError, match="cannot be")
    assert [each.following for each in endpoints] == [0, 0]

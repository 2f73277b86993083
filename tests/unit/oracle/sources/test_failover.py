"""Several endpoints as one: who is asked, and which heads come through."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.quotes import Reading, SourceHead, Unavailable
from oracle.sources.failover import FailoverSource
from tests.unit.oracle.simulated import reading, source_head
from units import BlockNumber


class BrokenError(Exception):
    """A defect of an endpoint's own."""


class Endpoint:
    """An endpoint fed by hand; `outage` is what it answers instead of an answer."""

    def __init__(self, name: str = "one", outage: str | None = None) -> None:
        self.name = name
        self.outage = outage
        self.asked: list[str] = []
        self.following = 0
        self._said: asyncio.Queue[int | Exception | None] = asyncio.Queue()

    def say(self, *said: int | Exception | None) -> None:
        """Heads by height, a defect, or None: the end."""
        for each in said:
            self._said.put_nowait(each)

    async def heads(self) -> AsyncGenerator[SourceHead, None]:
        self.following += 1
        try:
            while (said := await self._said.get()) is not None:
                if isinstance(said, Exception):
                    raise said
                yield source_head(said)
        finally:
            self.following -= 1

    async def read(self, block: SourceHead) -> Reading | Unavailable:
        return self._unavailable("read") or reading(block.number, {}, detail=self.name)

    async def finalized(self) -> SourceHead | Unavailable:
        return self._unavailable("finalized") or source_head(len(self.name))

    async def block(self, number: BlockNumber) -> SourceHead | Unavailable:
        return self._unavailable("block") or source_head(number)

    def _unavailable(self, method: str) -> Unavailable | None:
        self.asked.append(method)
        return None if self.outage is None else Unavailable(detail=self.outage)


async def until_idle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


async def all_heads(*endpoints: Endpoint) -> list[int]:
    return [head.number async for head in FailoverSource(endpoints).heads()]


async def test_read__first_answers__is_believed_alone() -> None:
    first, second = Endpoint("first"), Endpoint("second")

    answer = await FailoverSource([first, second]).read(source_head(7))

    assert isinstance(answer, Reading)
    assert (answer.block.number, answer.detail) == (7, "first")
    assert second.asked == []


async def test_every_question__first_is_away__goes_to_the_second() -> None:
    first, second = Endpoint("first", outage="refused"), Endpoint("second")
    source = FailoverSource([first, second])

    answers = (
        await source.read(source_head(7)),
        await source.finalized(),
        await source.block(BlockNumber(5)),
    )

    assert not any(isinstance(answer, Unavailable) for answer in answers)
    assert first.asked == ["read"]
    assert second.asked == ["read", "finalized", "block"]


async def test_every_question__first_comes_back__is_asked_first_again_after_its_rest() -> None:
    first, second = Endpoint("first", outage="refused"), Endpoint("second")
    source = FailoverSource([first, second], rest_s=0.05)
    await source.finalized()
    first.outage = None

    assert await source.finalized() == source_head(len("second"))
    await asyncio.sleep(0.06)
    assert await source.finalized() == source_head(len("first"))


async def test_every_question__cut_short_while_the_first_hangs__the_next_begins_elsewhere() -> None:
    class Hanging(Endpoint):
        async def finalized(self) -> SourceHead | Unavailable:
            await asyncio.Event().wait()
            return source_head(0)

    source = FailoverSource([Hanging("first"), Endpoint("second")])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await source.finalized()

    assert await source.finalized() == source_head(len("second"))


async def test_every_question__the_resting_one_is_the_last_left__is_asked() -> None:
    first, second = Endpoint("first", outage="refused"), Endpoint("second")
    source = FailoverSource([first, second])
    await source.finalized()
    first.outage, second.outage = None, "refused"

    assert await source.finalized() == source_head(len("first"))


async def test_every_question__all_are_away__says_what_each_said() -> None:
    source = FailoverSource([Endpoint(outage="refused"), Endpoint(outage="no answer in 4 s")])

    for answer in (
        await source.read(source_head(7)),
        await source.finalized(),
        await source.block(BlockNumber(5)),
    ):
        assert answer == Unavailable(detail="refused; no answer in 4 s")


def test_source__without_endpoints__is_refused() -> None:
    with pytest.raises(ValueError, match="no source is configured"):
        FailoverSource([])


async def test_heads__one_endpoint_lags__only_news_comes_through() -> None:
    fast, slow = Endpoint(), Endpoint()
    async with aclosing(FailoverSource([fast, slow]).heads()) as heads:
        seen = []
        for endpoint, number in ((fast, 7), (slow, 6), (slow, 7), (fast, 8), (slow, 9)):
            endpoint.say(number)
            await until_idle()
            if number == 6 or (endpoint is slow and number == 7):
                continue
            seen.append((await anext(heads)).number)

    assert seen == [7, 8, 9]


async def test_heads__slow_reader__gets_the_highest_not_the_last() -> None:
    one, other = Endpoint(), Endpoint()
    async with aclosing(FailoverSource([one, other]).heads()) as heads:
        one.say(1)
        assert (await anext(heads)).number == 1
        one.say(5, 9)
        await until_idle()
        other.say(6)  # it lags: what was heard before counts
        await until_idle()

        assert (await anext(heads)).number == 9


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 50)), max_size=30),
)
async def test_heads__any_order_of_two_endpoints__only_rise_and_end_with_the_highest(
    said: list[tuple[bool, int]],
) -> None:
    one, other = Endpoint(), Endpoint()
    for is_first, number in said:
        (one if is_first else other).say(number)
    one.say(None)
    other.say(None)

    seen = await all_heads(one, other)

    assert seen == sorted(set(seen))
    assert seen[-1:] == ([max(number for _, number in said)] if said else [])


async def test_heads__one_endpoint_ends__the_other_goes_on() -> None:
    one, other = Endpoint(), Endpoint()
    one.say(3, None)
    async with aclosing(FailoverSource([one, other]).heads()) as heads:
        assert (await anext(heads)).number == 3
        await until_idle()
        other.say(4)
        assert (await anext(heads)).number == 4


async def test_heads__every_endpoint_ends__ends() -> None:
    one, other = Endpoint(), Endpoint()
    one.say(3, None)
    other.say(None)

    assert await all_heads(one, other) == [3]


async def test_heads__closed__ends_every_follower_in_silence() -> None:
    endpoints = [Endpoint(), Endpoint()]
    heads = FailoverSource(endpoints).heads()
    endpoints[0].say(3)
    await anext(heads)
    assert [each.following for each in endpoints] == [1, 1]

    await heads.aclose()

    assert [each.following for each in endpoints] == [0, 0]


async def test_heads__reader_is_cancelled__ends_every_follower() -> None:
    endpoints = [Endpoint(), Endpoint()]
    async with asyncio.TaskGroup() as tasks:
        reader = tasks.create_task(all_heads(*endpoints))
        await until_idle()
        assert [each.following for each in endpoints] == [1, 1]
        reader.cancel()

    assert reader.cancelled()
    assert [each.following for each in endpoints] == [0, 0]


async def test_heads__an_endpoint_has_a_defect__ends_all_with_its_reason() -> None:
    endpoints = [Endpoint(), Endpoint()]
    endpoints[1].say(BrokenError("cannot be"))

    with pytest.raises(ExceptionGroup) as raised:
        await all_heads(*endpoints)

    assert raised.group_contains(BrokenError, match="cannot be")
    assert [each.following for each in endpoints] == [0, 0]

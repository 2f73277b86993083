"""What one Subtensor node has to bear of us: its rate is kept, by two clients in two threads."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from devnet.standin import SubtensorStandIn
from fleet.settings import Settings
from fleet.wiring import connections
from oracle.quotes import Reading, SourceHead
from oracle.sources.subtensor import SubtensorEndpoint
from tests.subtensor.oracle.test_hostile_nodes import no_thread_is_left
from tests.subtensor.oracle.test_subtensor import SOON_S, START, THREAD, endpoint, standing_in
from tests.unit.fleet.wiring.simulated import settings
from units import BlockNumber

pytestmark = pytest.mark.subtensor


@pytest.fixture(autouse=True)
async def _alone() -> AsyncIterator[None]:
    """Threads are counted here: those of another test must have ended."""
    await no_thread_is_left()
    yield
    await no_thread_is_left()


def configured(node: SubtensorStandIn, requests_per_second: float) -> Settings:
    own = {"operator": "a", "url": node.url, "requests_per_second": requests_per_second}
    return settings(subtensor={"genesis": node.genesis, "ask_timeout_s": 11, "endpoints": [own]})


def limited(node: SubtensorStandIn, requests_per_second: float) -> SubtensorEndpoint:
    found = configured(node, requests_per_second)
    (own,) = found.subtensor.endpoints
    return connections.subtensor_endpoint(found, "a", own, lambda _: None)


def threads() -> set[int | None]:
    return {each.ident for each in threading.enumerate() if each.name.startswith(THREAD)}


async def test_rate__one_a_second__a_connection_and_three_requests_take_three_seconds() -> None:
    loop = asyncio.get_running_loop()
    async with standing_in() as node, limited(node, 1) as source:
        began = loop.time()
        assert isinstance(await source.finalized(), SourceHead)
        assert loop.time() - began >= 2.9  # seconds, as a throttle's clock counts them
        assert sum(node.asked.values()) == 3


async def test_rate__used_up__whoever_asks_waits_and_the_node_hears_nothing() -> None:
    async with standing_in() as node, limited(node, 1 / 600) as source:
        asking = [asyncio.ensure_future(source.finalized()) for _ in range(3)]
        heads = source.heads()
        asking.append(asyncio.ensure_future(anext(heads)))
        async with asyncio.timeout(SOON_S):
            while not threads():  # noqa: ASYNC110 - the one connection that the rate allows
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        assert not any(each.done() for each in asking)
        assert sum(node.asked.values()) == 0
        assert len(threads()) == 1
        for each in asking:
            each.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        await heads.aclose()


async def test_clients__however_many_blocks__one_subscribes_and_one_asks_each_in_its_thread() -> (
    None
):
    seen: list[set[int | None]] = []
    async with (
        standing_in() as node,
        endpoint(node) as source,
        aclosing(source.heads()) as heads,
    ):
        async for head in heads:
            assert isinstance(await source.read(head), Reading)
            assert isinstance(await source.finalized(), SourceHead)
            async with asyncio.timeout(SOON_S):
                while len(threads()) != 2:  # noqa: ASYNC110 - metadata came over a third, once
                    await asyncio.sleep(0.01)
            seen.append(threads())
            if head.number >= START + 20:
                break
            node.advance(BlockNumber(node.best + 1))
        assert len(node._connections) == 2
        assert node.asked["chain_subscribeFinalizedHeads"] == 1
    assert len(seen) > 20
    assert all(each == seen[0] for each in seen), "the same two from the first block on"

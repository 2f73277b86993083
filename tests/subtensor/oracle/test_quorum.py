"""Several real nodes over sockets: what is agreed, who is left out, who is named."""

import asyncio
from contextlib import aclosing

import pytest

from devnet.standin import MarketOverride, SubtensorStandIn
from oracle.quotes import Reading, Standing, Trouble, Unavailable
from tests.subtensor.oracle.nodes import Nodes, nodes_of, quorum_of
from tests.subtensor.oracle.test_subtensor import OTHER, SN, START, made_up
from units import BlockNumber, Rao

pytestmark = pytest.mark.subtensor

MARKETS = (SN, OTHER)


def standings(said: Reading | Unavailable) -> list[Standing]:
    return [quote.standing for quote in said.quotes]


@pytest.mark.parametrize(("count", "agreement"), [(1, 1), (3, 2), (5, 3)])
async def test_heads_and_read__honest_nodes__agree_block_after_block(
    count: int, agreement: int
) -> None:
    async with (
        nodes_of(made_up, count, start=START) as nodes,
        quorum_of(nodes, agreement=agreement, markets=MARKETS) as source,
        aclosing(source.heads()) as heads,
    ):
        for number in range(START, START + 10):
            nodes.advance(number)
            async with asyncio.timeout(30):
                while (head := await anext(heads)).number < number - 2:
                    pass
            said = await source.read(head.number)
            assert isinstance(said, Reading)
            assert said.block.hash == nodes[0].node.chain.hash_of(head.number)
            assert said.prices is not None
            assert said.prices[SN] == made_up().row_at(head.number).prices[SN]
            assert standings(said) == [Standing.AGREES] * count


async def test_read__as_many_lie_as_may__the_honest_price_and_their_names() -> None:
    async with (
        nodes_of(made_up, 5, start=START) as nodes,
        quorum_of(nodes, agreement=3, markets=MARKETS) as source,
    ):
        for liar in (1, 3):
            nodes[liar].override(
                MarketOverride(netuid=SN, first=BlockNumber(START + 1), price=Rao(1))
            )
        nodes.advance(START + 5)
        said = await source.read(BlockNumber(START + 2))
        assert isinstance(said, Reading)
        assert said.prices is not None
        assert said.prices[SN] == made_up().row_at(BlockNumber(START + 2)).prices[SN]
        lies, true = Standing.DISAGREES, Standing.AGREES
        assert standings(said) == [true, lies, true, lies, true]


async def test_read__one_tells_another_identity__it_locks_nothing() -> None:
    async with (
        nodes_of(made_up, 3, start=START) as nodes,
        quorum_of(nodes, agreement=2, markets=MARKETS) as source,
    ):
        nodes[0].override(
            MarketOverride(netuid=SN, first=BlockNumber(START + 1), registered_at=BlockNumber(7))
        )
        nodes.advance(START + 5)
        said = await source.read(BlockNumber(START + 2))
        assert isinstance(said, Reading)
        assert said.identities is not None
        assert said.identities[SN].registered_at != 7
        assert standings(said)[0] is Standing.DISAGREES


async def test_read__a_majority_is_frozen__no_quorum_until_it_is_back() -> None:
    async with (
        nodes_of(made_up, 3, start=START) as nodes,
        quorum_of(nodes, agreement=2, markets=MARKETS) as source,
    ):
        nodes.advance(START + 5, but=(1, 2))
        said = await source.read(BlockNumber(START + 3))
        assert isinstance(said, Unavailable)
        assert said.trouble is Trouble.NO_QUORUM
        assert standings(said) == [Standing.DISPUTED, Standing.LAGGING, Standing.LAGGING]
        nodes.advance(START + 5)
        assert isinstance(await source.read(BlockNumber(START + 3)), Reading)


async def test_read__one_serves_another_chain__is_named_and_the_others_go_on() -> None:
    async with (
        nodes_of(made_up, 2, start=START) as same,
        SubtensorStandIn(made_up(), start=START, chain_name="another") as other,
        quorum_of(Nodes([*same.all, other]), agreement=2, markets=MARKETS) as source,
    ):
        same.advance(START + 5)
        other.advance(BlockNumber(START + 5))
        assert isinstance(await source.read(BlockNumber(START + 2)), Reading)
        await until(source, 2, Standing.WRONG_CHAIN)


async def test_read__the_majority_dies_and_comes_back__no_quorum_meanwhile() -> None:
    async with (
        nodes_of(made_up, 3, start=START) as nodes,
        quorum_of(nodes, agreement=2, markets=MARKETS) as source,
    ):
        assert isinstance(await source.read(BlockNumber(START - 2)), Reading)
        await nodes[0].stop()
        await nodes[2].stop()
        for ask in (source.read(BlockNumber(START - 2)), source.finalized()):
            said = await ask
            assert isinstance(said, Unavailable)
            assert said.trouble is Trouble.NO_QUORUM
        await nodes[0].start()
        assert isinstance(await source.read(BlockNumber(START - 2)), Reading)


async def until(source: object, index: int, standing: Standing) -> None:
    """Wait for what a late answer makes of an endpoint."""
    async with asyncio.timeout(30):
        while source.quotes[index].standing is not standing:  # type: ignore[attr-defined] # noqa: ASYNC110
            await asyncio.sleep(0.02)

"""From an operator's configuration to prices that enough operators agree on, over sockets."""

from collections.abc import Sequence

import pytest

from devnet.standin import MarketOverride, SubtensorStandIn
from fleet.settings import Settings
from fleet.wiring import connections
from oracle.quotes import Reading, Standing, Trouble, Unavailable
from tests.subtensor.oracle.nodes import nodes_of
from tests.subtensor.oracle.test_subtensor import SN, START, made_up
from tests.unit.fleet.wiring.simulated import settings
from units import BlockNumber, Rao

pytestmark = pytest.mark.subtensor


def of(nodes: Sequence[SubtensorStandIn], operators: str) -> Settings:
    named = zip(operators, nodes, strict=True)
    return settings(
        subtensor={
            "genesis": nodes[0].genesis,
            "straggler_s": 5,
            "endpoints": [{"operator": name, "url": node.url} for name, node in named],
        }
    )


def report(_name: str, _line: str) -> None:
    return


async def test_open_source__three_operators__one_that_lies_is_outvoted_by_default() -> None:
    async with nodes_of(made_up, 3, start=START) as nodes:
        lie = MarketOverride(netuid=SN, first=BlockNumber(START + 1), price=Rao(1))
        nodes[2].override(lie)
        nodes.advance(START + 5)
        async with connections.open_source(of(nodes.all, "abc"), report) as source:
            head = await source.finalized()
            assert not isinstance(head, Unavailable)
            said = await source.read(head.number)
            assert isinstance(said, Reading)
            assert said.prices is not None
            assert said.prices[SN] != 1
            assert source.quotes[2].standing is Standing.DISAGREES


async def test_open_source__two_endpoints_of_one_operator__are_one_voice_and_stand_in() -> None:
    async with (
        nodes_of(made_up, 3, start=START) as nodes,
        connections.open_source(of(nodes.all, "aab"), report) as source,
    ):
        await nodes[0].stop()
        said = await source.read(BlockNumber(START - 2))
        assert isinstance(said, Reading)
        assert [quote.endpoint for quote in said.quotes] == ["a", "a-2", "b"]
        await nodes[2].stop()
        said = await source.read(BlockNumber(START - 2))
        assert isinstance(said, Unavailable)
        assert said.trouble is Trouble.NO_QUORUM

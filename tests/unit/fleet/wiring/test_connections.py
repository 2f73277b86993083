"""What a process opens, and the check that its nodes serve the right chain."""

import pytest
from prometheus_client import CollectorRegistry

from fleet.chain.failures import WrongChain
from fleet.telemetry.chain_metrics import ChainMetrics
from fleet.wiring import connections
from fleet.wiring.chain_changes import ChainChanges
from fleet.wiring.chain_rhythm import ChainRhythm
from fleet.wiring.lockstep_rhythm import LockstepRhythm
from oracle.sources.quorum import QuorumSource
from tests.unit.fleet.wiring.scripted_node import ScriptedEndpoint, node_behind
from tests.unit.fleet.wiring.simulated import (
    LOCKSTEP,
    Chain,
    Wall,
    running,
    settings,
)
from tests.unit.oracle.sources.endpoints import Endpoint, LoneSource


async def test_checking__the_node_is_silent__is_asked_again_until_it_answers(
    chain: Chain, wall: Wall
) -> None:
    chain.is_down()
    async with running(connections.checking(chain, wall, every_s=2)()) as (check,):
        await wall.pass_(5)
        assert (check.done(), chain.asked) == (False, 3)
        chain.outage = None
        await wall.pass_(2)
        assert check.done()


async def test_checking__the_node_asks_for_patience__is_given_it(chain: Chain, wall: Wall) -> None:
    chain.is_down(retry_after_s=30)
    async with running(connections.checking(chain, wall, every_s=2)()):
        await wall.pass_(29)
        assert chain.asked == 1
        await wall.pass_(1)
        assert chain.asked == 2


async def test_checking__another_chain__is_an_error_at_once(chain: Chain, wall: Wall) -> None:
    chain.outage = WrongChain("anvil serves chain 1, not 964")

    with pytest.raises(WrongChain, match="not 964"):
        await connections.checking(chain, wall, every_s=2)()


async def test_rhythm__as_the_settings_say__is_the_chains_or_a_devnet_s(wall: Wall) -> None:
    node, source = node_behind(ScriptedEndpoint()), LoneSource(Endpoint())

    changes = ChainChanges(ChainMetrics(CollectorRegistry()))

    plain = connections.open_rhythm(
        settings(), node=node, source=source, clock=wall, changes=changes
    )
    in_step = connections.open_rhythm(
        settings(lockstep=LOCKSTEP), node=node, source=source, clock=wall, changes=changes
    )

    assert isinstance(plain, ChainRhythm)
    assert len(plain.services) == 2  # heads, and a watch over them
    assert isinstance(in_step, LockstepRhythm)


async def test_node__closed__leaves_no_session(caplog: pytest.LogCaptureFixture) -> None:
    async with connections.open_node(settings()) as node:
        endpoint = node._endpoints._members.all[0].endpoint
        session = endpoint._provider._open()
        assert not session.closed

    assert session.closed


async def test_source__opened_and_closed__asks_nothing() -> None:
    reported: list[tuple[str, str]] = []

    def report(operator: str, line: str) -> None:
        reported.append((operator, line))

    async with connections.open_source(settings(), report) as source:
        assert isinstance(source, QuorumSource)

    assert reported == []


def test_markets__disabled_or_not_pinned__are_left_out() -> None:
    own = settings(
        markets=[
            {"netuid": 64, "symbol": "B", "registered_at": 9},
            {"netuid": 8, "symbol": "A"},
            {"netuid": 9, "symbol": "C", "registered_at": 7, "enabled": False},
        ]
    )

    assert connections.market_netuids(own) == (64, 8)
    assert connections.pins(own) == {64: 9}

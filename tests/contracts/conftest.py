"""One node and one deployment a session; every test works on a snapshot of it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.contracts.deployment import NETUIDS, deploy
from tests.contracts.node import Node, running_node
from tests.contracts.world import ADMIN, ALICE, BOB, CAROL, DAVE, TAO, Limits, Parameters, World


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    with running_node() as running:
        yield running


@pytest.fixture(scope="session")
def deployed(node: Node) -> World:
    world = deploy(node)
    for trader in (ALICE, BOB, CAROL, DAVE):
        world.deposit(trader, 1_000 * TAO)
    return world


@pytest.fixture
def world(node: Node, deployed: World) -> Iterator[World]:
    """Everything done to it is undone after the test."""
    snapshot = node.snapshot()
    yield replace(deployed, addresses=dict(deployed.addresses), abis=dict(deployed.abis))
    node.revert(snapshot)


@pytest.fixture
def thin(node: Node) -> Iterator[World]:
    """Two markets, 10 TAO of reserves, 1 of insurance, and limits that let traders ruin it."""
    snapshot = node.snapshot()
    world = deploy(node, markets=2, reserves=10 * TAO, insurance=TAO)
    wide = Limits(utilisation_max=10**6, breaker=10**6, bad_debt_pause=10**6)
    world.send(ADMIN, "exchange", "setLimits", wide)
    for netuid in NETUIDS[:2]:
        parameters = Parameters(exposure_max=10**6)
        world.send(ADMIN, "exchange", "setMarketParameters", netuid, parameters)
    for trader in (ALICE, BOB, CAROL, DAVE):
        world.deposit(trader, 1_000 * TAO)
    yield world
    node.revert(snapshot)

"""One node and one deployment a session; every test works on a snapshot of it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.contracts.deployment import deploy
from tests.contracts.node import Node, running_node
from tests.contracts.world import ALICE, BOB, CAROL, DAVE, TAO, World


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

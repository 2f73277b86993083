"""One node and one deployment a session; every test works on a snapshot of it."""

from collections.abc import Iterator
from copy import copy

import pytest

from tests.contracts.deployment import deploy
from tests.contracts.node import Node, running_node
from tests.contracts.world import ALICE, BOB, CAROL, DAVE, RICH, TAO, World


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    with running_node() as running:
        yield running


@pytest.fixture(scope="session")
def deployed(node: Node) -> World:
    world = deploy(node)
    for trader in (ALICE, BOB, CAROL, DAVE):
        node.rpc("anvil_setBalance", trader, hex(RICH))
        world.deposit(trader, 1_000 * TAO)
    return world


@pytest.fixture
def world(node: Node, deployed: World) -> Iterator[World]:
    """Everything done to it is undone after the test."""
    snapshot = node.snapshot()
    yield copy(deployed)
    node.revert(snapshot)

"""The exchange on a node of its own; every test works on a snapshot of it."""

from collections.abc import Iterator
from copy import copy

import pytest

from tests.contracts.deployment import deploy
from tests.contracts.node import Node, running_node
from tests.contracts.world import World


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    with running_node() as running:
        yield running


@pytest.fixture(scope="session")
def deployed(node: Node) -> World:
    return deploy(node)


@pytest.fixture
def world(node: Node, deployed: World) -> Iterator[World]:
    """Everything done to it is undone after the test."""
    snapshot = node.snapshot()
    yield copy(deployed)
    node.revert(snapshot)

"""The exchange on a node of its own, seen by web3's contract objects and by the fleet's reader."""

from collections.abc import AsyncIterator, Iterator
from copy import copy

import pytest

from fleet.chain.endpoint import Endpoint
from fleet.chain.node import Node as FleetNode
from fleet.chain.pool import Pool
from protocol.deployment import Deployment
from protocol.reading import ExchangeReader
from tests.anvil.protocol.session import FLEET
from tests.anvil.protocol.witness import Witness
from tests.contracts.deployment import deploy
from tests.contracts.node import Node, running_node
from tests.contracts.world import ALICE, BOB, CAROL, DAVE, TAO, World
from units import Address


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
    yield copy(deployed)
    node.revert(snapshot)


@pytest.fixture
def witness(world: World) -> Witness:
    return Witness(world)


@pytest.fixture
async def chain(node: Node) -> AsyncIterator[FleetNode]:
    """The node as the fleet asks it."""
    url = f"http://127.0.0.1:{node._connection.port}"
    endpoint = Endpoint(name="anvil", url=url, rate=None, timeout_s=60)
    opened = FleetNode(Pool([endpoint], chain_id=964))
    yield opened
    await opened.close()


@pytest.fixture
def deployment(world: World) -> Deployment:
    return Deployment(
        exchange=Address(world.addresses["exchange"]),
        price_feed=Address(world.addresses["feed"]),
        keeper_router=Address(world.addresses["router"]),
    )


@pytest.fixture
def reader(deployment: Deployment, chain: FleetNode) -> ExchangeReader:
    return ExchangeReader(chain=chain, deployment=deployment, markets=FLEET)

import pytest

from tests.unit.fleet.wiring.simulated import Blocks, Chain, Finalized, Post, Wall, World


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def blocks() -> Blocks:
    return Blocks()


@pytest.fixture
def finalized() -> Finalized:
    return Finalized()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def chain() -> Chain:
    return Chain()


@pytest.fixture
def post() -> Post:
    return Post()

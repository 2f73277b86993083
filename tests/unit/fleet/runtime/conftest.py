import pytest

from fleet.runtime.clock import ChainClock
from fleet.runtime.health import Health
from tests.unit.fleet.runtime.streams import Heads, Witness
from units import Timestamp


@pytest.fixture
def clock() -> ChainClock:
    return ChainClock(Timestamp(1_000))


@pytest.fixture
def health(clock: ChainClock) -> Health:
    return Health(clock=clock, age_s_max=180)


@pytest.fixture
def witness() -> Witness:
    return Witness()


@pytest.fixture
def heads() -> Heads:
    return Heads()

"""A clock on the wall that a test moves."""

import pytest

from tests.unit.fleet.wiring.simulated import Wall


@pytest.fixture
def wall() -> Wall:
    return Wall()

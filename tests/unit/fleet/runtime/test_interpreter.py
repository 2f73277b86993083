"""What is there at the start is not looked at again; threads take short turns from then on."""

import gc
import sys
import weakref
from collections.abc import Iterator

import pytest

from fleet.runtime.interpreter import TURN_S, settle_in


class Cycle:
    """Refers to itself: only the collector can free it."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    turn_s = sys.getswitchinterval()
    yield
    sys.setswitchinterval(turn_s)
    gc.unfreeze()


def test_settle_in__cycles_before_and_after__only_the_later_one_is_collected() -> None:
    before = Cycle()
    settle_in()
    early, late = weakref.ref(before), weakref.ref(Cycle())
    del before
    gc.collect()
    assert early() is not None
    assert late() is None
    gc.unfreeze()
    gc.collect()
    assert early() is None


def test_settle_in__a_thread_that_computes__gives_way_ten_times_as_soon() -> None:
    sys.setswitchinterval(0.005)
    settle_in()
    assert sys.getswitchinterval() == pytest.approx(TURN_S)

"""What is there at the start is not looked at again; what comes later is."""

import gc
import weakref

from fleet.runtime.collector import spare_what_stays


class Cycle:
    """Refers to itself: only the collector can free it."""

    def __init__(self) -> None:
        self.me = self


def test_spare_what_stays__cycles_before_and_after__only_the_later_one_is_collected() -> None:
    before = Cycle()
    spare_what_stays()
    try:
        early, late = weakref.ref(before), weakref.ref(Cycle())
        del before
        gc.collect()
        assert early() is not None
        assert late() is None
    finally:
        gc.unfreeze()
    gc.collect()
    assert early() is None

"""Three clocks: what they say of the newest finalized block."""

import pytest

from oracle.freshness import Clocks, Freshness, FreshnessPolicy, freshness
from units import Timestamp

BLOCK = 1_700_000_000


@pytest.mark.parametrize(
    ("block_time", "arrived_s", "wall", "said"),
    [
        (BLOCK, 3.0, BLOCK + 36, Freshness.FRESH),
        (BLOCK, 59.0, BLOCK + 95, Freshness.FRESH),
        (BLOCK, 60.0, BLOCK + 96, Freshness.STANDS),
        (BLOCK, 3.0, BLOCK + 36 + 600, Freshness.OLD),
        (BLOCK, 3.0, BLOCK + 36 - 600, Freshness.AHEAD),
        (BLOCK, 3.0, BLOCK - 2, Freshness.FRESH),
        (BLOCK, 3.0, BLOCK - 3, Freshness.AHEAD),
        (None, 3.0, BLOCK, Freshness.FRESH),
        (None, 61.0, BLOCK, Freshness.STANDS),
    ],
)
def test_freshness__three_clocks__say_which_of_them_is_odd(
    block_time: int | None, arrived_s: float, wall: int, said: Freshness
) -> None:
    clocks = Clocks(
        block_time=None if block_time is None else Timestamp(block_time),
        arrived_s=arrived_s,
        wall=Timestamp(wall),
    )
    assert freshness(clocks, FreshnessPolicy()) is said

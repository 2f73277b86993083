from fleet.wiring.block_times import BlockTimes
from tests.unit.keepers.liquidation.examples import block_time, head_at
from units import BlockNumber


def test_times__blocks_seen__are_known_and_others_not() -> None:
    times = BlockTimes()
    times.note(head_at(1_000))
    assert times.of(BlockNumber(1_000)) == block_time(1_000)
    assert times.of(BlockNumber(1_001)) is None


def test_times__many_blocks__keep_the_newest_only() -> None:
    times = BlockTimes()
    for number in range(1_000, 3_000):
        times.note(head_at(number))
    assert times.of(BlockNumber(2_999)) == block_time(2_999)
    assert times.of(BlockNumber(2_800)) == block_time(2_800)
    assert times.of(BlockNumber(1_000)) is None

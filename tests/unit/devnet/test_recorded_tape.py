"""The recorded mainnet tape: what is known to be on it is found on it."""

from itertools import pairwise
from pathlib import Path

import pytest

from devnet.tape import Tape
from units import BlockNumber, Netuid, Timestamp

RECORDED = Path(__file__).parents[4] / "shared/data/alpha_prices_2025-03-07_2025-04-30.csv.gz"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not RECORDED.exists(), reason=f"../shared/data/{RECORDED.name} is absent"),
]

BITMIND = Netuid(34)
HIPPIUS = Netuid(75)
AFFINE = Netuid(120)


@pytest.fixture(scope="module")
def tape() -> Tape:
    return Tape.open(RECORDED)


def test_tape__whole__has_all_rows_and_markets(tape: Tape) -> None:
    assert len(tape) == 39_589
    assert tape.netuids == (64, 51, 62, 4, 8, 120, 3, 44, 9, 56, 75, 34)
    assert tape.spacing == 10
    assert (tape.first_block, tape.last_block) == (5_072_232, 5_468_231)


def test_holes__eleven__of_twenty_blocks(tape: Tape) -> None:
    assert len(tape.holes) == 11
    assert {hole.blocks for hole in tape.holes} == {20}
    assert tape.holes[0].row == 1_444


def test_crash__of_bitmind__falls_47_percent_between_two_rows(tape: Tape) -> None:
    block = tape.first_block_at(Timestamp(1_742_718_720))  # 2025-03-23T08:32:00Z
    assert block == 5_189_992
    before = tape.row_at(BlockNumber(block - 1)).prices[BITMIND]
    after = tape.row_at(block).prices[BITMIND]
    assert (before, after) == (80_583_275, 42_381_990)
    assert (before - after) * 100 // before == 47


def test_registered_at__hippius__is_its_first_row_and_affine_has_none(tape: Tape) -> None:
    assert tape.registered_at(HIPPIUS) == 5_102_802
    assert tape.time_at(BlockNumber(5_102_802)) == 1_741_672_440  # 2025-03-11T05:54:00Z
    assert HIPPIUS not in tape.row_at(BlockNumber(5_102_801)).prices
    assert tape.registered_at(AFFINE) is None


def test_time__at_every_row__never_runs_backward(tape: Tape) -> None:
    rows = [(row.block, row.time) for row in tape.rows()]
    for (block, time), (next_block, next_time) in pairwise(rows):
        assert tape.time_at(BlockNumber(next_block - 1)) == time + 12 * (next_block - 1 - block)
        assert next_time > tape.time_at(BlockNumber(next_block - 1))


def test_write__and_open__is_the_same_tape(tape: Tape, tmp_path: Path) -> None:
    tape.write(tmp_path / "copy.csv.gz")
    copy = Tape.open(tmp_path / "copy.csv.gz")
    assert list(copy.rows()) == list(tape.rows())
    assert copy.holes == tape.holes

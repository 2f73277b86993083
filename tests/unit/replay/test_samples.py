"""Columns of a chart reach to the end of a run, however long it is."""

from itertools import pairwise

import pytest

from replay.samples import COLUMNS, Samples
from units import BlockNumber

START = BlockNumber(5_000_002)


@pytest.mark.parametrize("blocks", [1, 119, 120, 297, 1_799, 395_997])
def test_samples__of_a_run_of_any_length__are_even_and_end_with_its_last_block(blocks: int) -> None:
    samples = Samples([], START, blocks)

    due = [at for at in range(1, blocks + 1) if samples.is_due(BlockNumber(START + at))]

    assert due[-1] == blocks
    assert min(blocks, COLUMNS) <= len(due) < 2 * COLUMNS
    assert {after - before for before, after in pairwise(due)} <= {samples.every}

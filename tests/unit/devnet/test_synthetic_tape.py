import hashlib
from itertools import pairwise
from pathlib import Path

import pytest

from devnet.synthetic_tape import MARKETS, Shocks, synthetic_tape
from devnet.tape import Tape
from units import Netuid


def prices_of(tape: Tape, netuid: int) -> list[int]:
    return [row.prices[Netuid(netuid)] for row in tape.rows()]


def test_synthetic_tape__same_seed__is_the_same_bytes_on_every_machine(tmp_path: Path) -> None:
    synthetic_tape(1, rows=100).write(tmp_path / "tape.csv")
    digest = hashlib.sha256((tmp_path / "tape.csv").read_bytes()).hexdigest()
    assert digest == "ce7da420dd36ad7adeff967787d7e56f6dcd956cab83a12875a026f310ee6544"


def test_synthetic_tape__another_seed__is_another_tape() -> None:
    assert prices_of(synthetic_tape(1, rows=50), 64) != prices_of(synthetic_tape(2, rows=50), 64)


def test_synthetic_tape__twelve_markets__all_there_from_the_first_row_without_holes() -> None:
    tape = synthetic_tape(3, rows=50, spacing=5)
    assert len(MARKETS) == len(tape.netuids) == 12
    assert tape.spacing == 5
    assert tape.holes == ()
    assert all(len(row.prices) == 12 for row in tape.rows())


@pytest.mark.parametrize("seed", range(5))
def test_crash__at_its_row__is_exactly_45_percent_and_stays(seed: int) -> None:
    shocks = Shocks.within(720)
    prices = prices_of(synthetic_tape(seed), 34)
    before, after = prices[shocks.crash_row - 1], prices[shocks.crash_row]
    assert after == before * 55 // 100
    assert prices[shocks.crash_row + 1] < before * 60 // 100


@pytest.mark.parametrize("seed", range(5))
def test_spike__at_its_row__is_gone_one_row_later(seed: int) -> None:
    shocks = Shocks.within(720)
    prices = prices_of(synthetic_tape(seed), 75)
    before, spike, after = prices[shocks.spike_row - 1 : shocks.spike_row + 2]
    assert spike > 7 * before
    assert abs(after - before) * 10 < before


@pytest.mark.parametrize("seed", range(5))
def test_grind__over_its_rows__takes_a_third_without_a_jump(seed: int) -> None:
    shocks = Shocks.within(720)
    prices = prices_of(synthetic_tape(seed), 120)
    start, end = prices[shocks.grind_first - 1], prices[shocks.grind_end - 1]
    assert 0.50 < end / start < 0.85
    assert all(abs(after - before) * 20 < before for before, after in pairwise(prices))


def test_walk__without_shocks__is_mostly_still_and_moves_now_and_then() -> None:
    prices = prices_of(synthetic_tape(5), 64)
    moves = sorted(abs(after - before) / before for before, after in pairwise(prices))
    assert moves[len(moves) // 2] < 0.0001
    assert moves[-1] > 0.005

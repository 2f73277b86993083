from pathlib import Path

import pytest

from devnet.replay import open_replay
from devnet.synthetic_tape import synthetic_tape
from devnet.tape import TapeError


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """Four hours from 2025-01-01T00:00 UTC, block 5,000,000."""
    path = tmp_path / "tape.csv"
    synthetic_tape(1, rows=120).write(path)
    return path


def test_open_replay__no_tape__made_up_and_long_enough_for_the_hours() -> None:
    replay = open_replay(path=None, start=None, hours=24, seed=1)
    assert replay.first == replay.tape.first_block
    assert replay.blocks >= 24 * 300


def test_open_replay__recorded_and_no_start__from_its_beginning(recorded: Path) -> None:
    replay = open_replay(path=recorded, start=None, hours=1, seed=1)
    assert (replay.first, replay.blocks) == (5_000_000, 1_199)


@pytest.mark.parametrize(
    "start", ["2025-01-01T01:00", "2025-01-01T01:00:00Z", "2025-01-01T02:00+01:00"]
)
def test_open_replay__start__read_as_utc_unless_it_says_otherwise(
    recorded: Path, start: str
) -> None:
    assert open_replay(path=recorded, start=start, hours=1, seed=1).first == 5_000_300


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("yesterday", "not an ISO 8601 time"),
        ("2024-12-31", "begins after 2024-12-31"),
        ("2025-01-02", "before 2025-01-02"),
        ("2025-01-01T03:30", "0 h from the start to its end, 1 h wanted"),
    ],
)
def test_open_replay__start_that_is_no_good__one_line(
    recorded: Path, start: str, message: str
) -> None:
    with pytest.raises(TapeError, match=message):
        open_replay(path=recorded, start=start, hours=1, seed=1)

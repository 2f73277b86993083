from pathlib import Path

import pytest

from devnet.replay import most_shaken_first, open_replay
from devnet.synthetic_tape import synthetic_tape
from devnet.tape import Tape, TapeError, TapeRow
from units import BlockNumber, Netuid, Rao, Timestamp


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
    assert (replay.first, replay.blocks) == (5_000_000, 300)


def test_open_replay__as_many_hours_as_the_tape_has__all_of_them(recorded: Path) -> None:
    replay = open_replay(path=recorded, start=None, hours=4, seed=1)
    assert replay.first + replay.blocks - 1 == replay.tape.last_block


def test_open_replay__no_hours_wanted__to_the_end_of_the_tape(recorded: Path) -> None:
    replay = open_replay(path=recorded, start="2025-01-01T03:00", hours=0, seed=1)
    assert (replay.blocks, replay.holes) == (300, ())


@pytest.mark.parametrize(
    ("start", "holes"),
    [
        ("2025-01-01T00:00", 1),
        ("2025-01-01T00:59", 1),
        ("2025-01-01T01:02", 1),
        ("2025-01-01T01:04", 0),
        ("2025-01-01T01:10", 0),
    ],
)
def test_open_replay__rows_missing__reported_where_the_stretch_has_them(
    recorded: Path, start: str, holes: int
) -> None:
    lines = recorded.read_text().splitlines(keepends=True)
    recorded.write_text("".join(lines[:31] + lines[33:]))  # no rows of 01:00 and 01:02
    replay = open_replay(path=recorded, start=start, hours=1, seed=1)
    assert len(replay.holes) == holes
    if holes:
        assert str(replay.holes[0]) == (
            "row 32: 30 blocks after the row above it, whose prices hold until block 5000320"
        )


def test_open_replay__rows_missing_after_the_stretch__none_of_its_business(recorded: Path) -> None:
    lines = recorded.read_text().splitlines(keepends=True)
    recorded.write_text("".join(lines[:61] + lines[63:]))  # 01:58 is the last row before
    assert open_replay(path=recorded, start=None, hours=1, seed=1).holes == ()


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


def test_most_shaken_first__several_markets__the_one_with_the_largest_step_leads() -> None:
    calm, crashing, soaring = Netuid(3), Netuid(4), Netuid(5)
    tape = Tape.of_rows(
        TapeRow(
            block=BlockNumber(1_000 + 10 * row),
            time=Timestamp(1_700_000_000 + 120 * row),
            prices={
                calm: Rao(10**9 + row),
                crashing: Rao(10**9 if row < 5 else 5 * 10**8),
                soaring: Rao(10**9 if row < 8 else 3 * 10**9),
            },
        )
        for row in range(12)
    )
    listed = (calm, crashing, soaring)
    first = tape.first_block
    assert most_shaken_first(tape, first, 70, listed) == [crashing, calm, soaring]
    assert most_shaken_first(tape, first, 120, listed) == [soaring, calm, crashing]
    assert most_shaken_first(tape, first, 120, ()) == []

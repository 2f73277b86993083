"""While the database is away: one command by hand, with a key and a file of its own."""

from pathlib import Path

import pytest

from fleet.settings import Workload
from tests.unit.fleet.cli.conftest import Console

FILE = "/var/tmp/standby.sqlite3"


@pytest.fixture
def away(keepers: Console, tmp_path: Path) -> Console:
    """A store on a server, whose address nobody can read now."""
    text = keepers.file.read_text()
    keepers.file.write_text(f'{text}\n[store]\nurl_file = "{tmp_path}/gone"\n')
    return keepers


def with_key(console: Console) -> Console:
    text = console.file.read_text()
    console.file.write_text(f'{text}\n[keys.standby]\nprivate_key_file = "standby.key"\n')
    return console


def test_break_glass__command_by_hand__takes_the_standby_key_and_the_file(away: Console) -> None:
    ended = with_key(away)("--break-glass", FILE, "oracle", "suspend", "VANTA", "--yes")
    assert ended.code == 0, ended.stderr
    assert away.workloads == [Workload.STANDBY]
    assert away.settings[0].store_address == f"sqlite+aiosqlite:///{FILE}"


def test_break_glass__nothing_is_sent__reads_with_the_file(away: Console) -> None:
    ended = away("--break-glass", FILE, "status")
    assert ended.code in {0, 3}, ended.stderr
    assert away.workloads == [None]


def test_break_glass__without_a_key_of_its_own__is_refused_in_one_line(away: Console) -> None:
    ended = away("--break-glass", FILE, "oracle", "suspend", "VANTA", "--yes")
    assert (ended.code, ended.stderr.strip()) == (
        2,
        "error: --break-glass needs a key of its own: keys.standby",
    )


def test_break_glass__for_a_daemon__is_refused(away: Console) -> None:
    ended = with_key(away)("--break-glass", FILE, "run", "feeder")
    assert ended.code == 2
    assert "is for commands by hand" in ended.stderr

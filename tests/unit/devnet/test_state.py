"""What an earlier devnet left must not be taken for the present one's."""

from pathlib import Path

from devnet.state import StateFiles


def test_forget__all_that_a_fleet_left__is_gone_and_nothing_else(tmp_path: Path) -> None:
    files = StateFiles(state=tmp_path / "devnet.json")
    left = ("devnet.json", "devnet.network.toml", "devnet.sqlite3", "devnet.sqlite3-wal")
    for name in (*left, "devnet.sqlite3.all.book", "devnet.sqlite3.feeder.book", "other.all.book"):
        (tmp_path / name).touch()
    files.forget()
    assert [path.name for path in tmp_path.iterdir()] == ["other.all.book"]

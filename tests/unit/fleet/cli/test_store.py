from pathlib import Path

from tests.unit.fleet.cli.conftest import Console
from tests.unit.fleet.cli.simulated import SimulatedFleet


def test_backup__says_what_is_in_the_file(keepers: Console, fleet: SimulatedFleet) -> None:
    ended = keepers("store", "backup", "/backups/a")
    assert (ended.code, ended.stdout) == (0, "5 rows of 2 tables are in /backups/a\n")
    assert fleet.backups.kept == Path("/backups/a")
    assert keepers("store", "backup", "b", "--json").json == {
        "file": "b",
        "rows": {"journal_entries": 3, "outbox": 2},
    }


def test_restore__not_confirmed__nothing_is_done(keepers: Console, fleet: SimulatedFleet) -> None:
    assert keepers("store", "restore", "/backups/a").code == 1
    assert keepers("store", "restore", "/backups/a", "--dry-run").code == 0
    assert fleet.backups.kept is None


def test_restore__confirmed__fills_an_empty_store_once(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    ended = keepers("store", "restore", "/backups/a", "--yes")
    assert (ended.code, ended.stdout) == (0, "5 rows of 2 tables are in the store\n")
    again = keepers("store", "restore", "/backups/a", "--yes")
    assert (again.code, again.stderr) == (
        1,
        "error: the store is in use: restore into an empty one\n",
    )

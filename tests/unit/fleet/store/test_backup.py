"""A store as a file and back, whichever database it came from and goes to."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import select

from fleet.store.backup import back_up, restore
from fleet.store.decisions import StoredDecision, StoredDecisions
from fleet.store.engine import Database, StoreError, open_database
from fleet.store.outbox import StoredOutbox, enqueue
from fleet.store.size import read_size
from fleet.store.stamp import claim
from fleet.store.tables import leases, metadata
from tests.unit.fleet.store.test_decisions import entered, liquidating
from tests.unit.fleet.store.test_journal import journal_of, request
from tests.unit.fleet.store.test_migrations import VERSION_5, WORLD
from tests.unit.fleet.store.test_outbox import message
from units import Address, Timestamp

Rows = dict[str, list[object]]


async def everything(database: Database) -> Rows:
    found: Rows = {}
    async with database.reading() as connection:
        for table in metadata.sorted_tables:
            if table is not leases:
                found[table.name] = [tuple(row) for row in await connection.execute(select(table))]
    return found


def names_in(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir() if "backup" in each.name]


async def fill(database: Database) -> Rows:
    await claim(database, WORLD)
    journal = await journal_of(database)
    for nonce in range(3):
        await entered(journal, liquidating(f"p{nonce}", at=nonce, key=f"work {nonce}"), nonce)
    async with database.writing() as connection:
        await enqueue(connection, [message("a"), message("b", "page")])
    return await everything(database)


async def put_back(database: Database, file: Path) -> None:
    await restore(database, file, chain_id=WORLD.chain_id, exchange=WORLD.exchange)


@pytest.fixture
async def filled(tmp_path: Path) -> tuple[Path, Rows]:
    """A backup of a store in a file, and what was in it."""
    database = await open_database(f"sqlite+aiosqlite:///{tmp_path / 'first.db'}")
    rows = await fill(database)
    await back_up(database, tmp_path / "backup.sqlite3")
    await database.close()
    return tmp_path / "backup.sqlite3", rows


async def test_backup__of_a_store_at_work__has_every_row_and_is_its_owners_alone(
    database: Database, tmp_path: Path
) -> None:
    rows = await fill(database)
    file = tmp_path / "backup.sqlite3"
    copied = await back_up(database, file)
    assert copied.rows["journal_entries"] == 3
    assert sum(copied.rows.values()) == sum(map(len, rows.values()))
    assert file.stat().st_mode & 0o777 == 0o600
    assert names_in(tmp_path) == [file.name]
    copy = await open_database(f"sqlite+aiosqlite:///{file}")
    assert await everything(copy) == rows
    async with copy.reading() as connection:
        assert (await connection.execute(select(leases))).all() == []
    await copy.close()


async def test_restore__into_an_empty_store__goes_on_where_it_was(
    database: Database, filled: tuple[Path, Rows]
) -> None:
    file, rows = filled
    await put_back(database, file)
    assert await everything(database) == rows
    journal = await journal_of(database)
    assert await journal.next_nonce() == 3
    entry = await entered(journal, liquidating("new", key="work 3"), 3)
    assert entry.id not in {each.entry.id for each in await known(database)}
    async with database.writing() as connection:
        assert await enqueue(connection, [message("a"), message("c")]) == {"c"}
    waiting = await StoredOutbox(database).pending(
        "one", frozenset({"notify"}), Timestamp(2**40), 9
    )
    assert [each.message.id for each in waiting] == ["a", "c"]


async def known(database: Database) -> list[StoredDecision]:
    found = [await StoredDecisions(database).about(f"p{nonce}", 1) for nonce in range(3)]
    return [each for some in found for each in some]


async def test_restore__into_a_store_in_use__is_refused_and_changes_nothing(
    database: Database, filled: tuple[Path, Rows]
) -> None:
    await claim(database, WORLD)
    await entered(await journal_of(database), request("mine"))
    before = await everything(database)
    with pytest.raises(StoreError, match="is in use: restore into an empty one"):
        await put_back(database, filled[0])
    assert await everything(database) == before


async def test_restore__backup_of_another_exchange__is_refused_and_the_store_stays_empty(
    database: Database, filled: tuple[Path, Rows]
) -> None:
    file, other = filled[0], Address("0x00000000000000000000000000000000000000bB")
    with pytest.raises(StoreError, match=f"the backup {file} belongs to chain 964, .* works on"):
        await restore(database, file, chain_id=WORLD.chain_id, exchange=other)
    assert all(not rows for rows in (await everything(database)).values())


async def test_restore__backup_of_an_older_program__is_brought_up_to_date_and_left_as_it_is(
    database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "old.sqlite3"
    connection = sqlite3.connect(file)
    connection.executescript(VERSION_5.read_text())
    connection.close()
    before = file.read_bytes()
    await put_back(database, file)
    (found,) = await StoredDecisions(database).about("aa", 1)
    assert found.record == "grounds of push:1"
    assert file.read_bytes() == before


@pytest.mark.parametrize("content", [None, b"", b"something else entirely" * 200])
async def test_restore__no_backup__is_refused_in_one_line(
    database: Database, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "backup.sqlite3"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(StoreError) as refusal:
        await put_back(database, file)
    assert "\n" not in str(refusal.value)
    assert all(not rows for rows in (await everything(database)).values())


async def test_backup__where_nothing_can_be_written__is_refused_in_one_line(
    database: Database,
) -> None:
    with pytest.raises(StoreError, match="/nowhere/backup cannot be written: No such file"):
        await back_up(database, Path("/nowhere/backup"))


async def test_backup__where_a_folder_is__is_refused_in_one_line_and_leaves_nothing(
    database: Database, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    folder.mkdir()
    with pytest.raises(StoreError, match="backup cannot be written: Is a directory"):
        await back_up(database, folder)
    assert names_in(tmp_path) == [folder.name]


async def test_size__of_a_store__is_some_and_grows(database: Database) -> None:
    before = await read_size(database)
    assert before > 0
    async with database.writing() as connection:
        await enqueue(connection, [message(str(number)) for number in range(3_000)])
    assert await read_size(database) > before

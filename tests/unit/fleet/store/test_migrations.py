"""One history of the tables: from nothing, from before the history, and not from the future."""

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, select, text

from fleet.store import migrations
from fleet.store.decisions import StoredDecisions
from fleet.store.engine import Database, StoreError, open_database
from fleet.store.stamp import Stamp, claim
from fleet.store.tables import SCHEMA, metadata
from fleet.store.tables import stamp as table
from units import Address, BlockHash

VERSION_5 = Path(__file__).with_name("version_5.sql")
"""A store that a program wrote from before the history."""

WORLD = Stamp(
    chain_id=964,
    genesis=BlockHash("0x" + "11" * 32),
    exchange=Address("0x00000000000000000000000000000000000000AA"),
)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    file = tmp_path / "store.db"
    with sqlite3.connect(file) as connection:
        connection.executescript(VERSION_5.read_text())
    connection.close()
    return file


def change(file: Path, statement: str) -> None:
    connection = sqlite3.connect(file)
    with connection:
        connection.execute(statement)
    connection.close()


async def opened(file: Path) -> Database:
    return await open_database(f"sqlite+aiosqlite:///{file}")


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def version(database: Database) -> str:
    async with database.reading() as connection:
        query = text("SELECT version_num FROM alembic_version")
        return str((await connection.execute(query)).scalar_one())


async def test_open__new_store__has_the_tables_that_the_code_knows(database: Database) -> None:
    assert await version(database) == str(SCHEMA)
    async with database.reading() as connection:
        assert await connection.run_sync(differences) == []


async def test_open__again__changes_nothing(store_url: str, database: Database) -> None:
    await claim(database, WORLD)
    again = await open_database(store_url)
    await claim(again, WORLD)
    await again.close()


def test_history__ends_at_the_version_of_the_tables_in_one_line() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    versions = [int(each.revision) for each in scripts.walk_revisions()]
    assert versions == list(range(SCHEMA, migrations.FIRST - 1, -1))


async def test_open__written_before_the_history__is_taken_over_with_all_that_is_in_it(
    old: Path,
) -> None:
    database = await opened(old)
    assert await version(database) == str(SCHEMA)
    async with database.reading() as connection:
        assert await connection.run_sync(differences) == []
        assert await connection.scalar(select(table.c.schema)) == SCHEMA
    await claim(database, WORLD)
    (found,) = await StoredDecisions(database).about("aa", 1)
    assert (found.entry.nonce, found.record) == (3, "grounds of push:1")
    await database.close()


async def test_open__older_than_the_history__is_refused_in_one_line(old: Path) -> None:
    change(old, "UPDATE stamp SET schema = 4")
    with pytest.raises(StoreError) as refusal:
        await opened(old)
    assert str(refusal.value) == (
        f"the store sqlite+aiosqlite:///{old} was written with tables of version 4,"
        " this program goes on from 5"
    )


async def test_open__tables_without_a_stamp__is_refused(old: Path) -> None:
    change(old, "DELETE FROM stamp")
    with pytest.raises(StoreError, match="nothing in them: remove it"):
        await opened(old)


async def test_open__newer_than_the_program__is_refused_and_left_as_it_is(
    store_url: str, database: Database
) -> None:
    async with database.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '99'"))
    with pytest.raises(StoreError, match=f"version 99 by a newer program, this one knows {SCHEMA}"):
        await open_database(store_url)
    assert await version(database) == "99"


async def test_open__stamp_of_a_newer_program_from_before_the_history__is_refused(
    old: Path,
) -> None:
    change(old, "UPDATE stamp SET schema = 99")
    with pytest.raises(StoreError, match="by a newer program"):
        await opened(old)

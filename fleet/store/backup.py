"""A whole store as one SQLite file, and back: for every database, whichever it came from.

The copy is of one moment and is made while the fleet works. Knows the tables, and what is in none.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory

from sqlalchemy import Table, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from fleet.store.engine import Database, StoreError, open_database
from fleet.store.stamp import recognise
from fleet.store.tables import leases, metadata, stamp
from units import Address

_ROWS_AT_ONCE = 500

_COPIED = tuple(table for table in metadata.sorted_tables if table is not leases)
"""A lease is of processes that are gone when its copy is used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What was copied: rows by table, those without any left out."""

    rows: dict[str, int]


async def back_up(database: Database, file: Path) -> Copied:
    """Writes the store into a file, which is there when it is whole, and is its owner's alone.

    Raises:
        StoreError: the file can't be written.
    """
    unfinished = await asyncio.to_thread(_begun, file)
    try:
        async with _opened(unfinished) as copy, database.reading() as source:
            copied = await _copy(source, copy)
        await asyncio.to_thread(_put, unfinished, file)
    except BaseException:
        await asyncio.to_thread(unfinished.unlink, missing_ok=True)
        raise
    return copied


async def restore(database: Database, file: Path, *, chain_id: int, exchange: Address) -> Copied:
    """Fills an empty store from a backup, an older program's too; the file is left as it is.

    Raises:
        StoreError: the store is not empty, or the file is no backup of this chain and exchange.
    """
    with TemporaryDirectory(prefix="keepers-restore-") as folder:
        copy = await asyncio.to_thread(_working_copy, file, Path(folder))
        async with _opened(copy) as source_store, source_store.reading() as source:
            what = f"the backup {file}"
            await recognise(source_store, chain_id=chain_id, exchange=exchange, what=what)
            return await _fill(source, database)


async def _fill(source: AsyncConnection, database: Database) -> Copied:
    async with database.reading() as connection:
        is_used = await connection.scalar(select(stamp.c.only)) is not None
    if is_used:
        raise StoreError(f"the store {database.where} is in use: restore into an empty one")
    return await _copy(source, database)


@asynccontextmanager
async def _opened(file: Path) -> AsyncIterator[Database]:
    database = await open_database(f"sqlite+aiosqlite:///{file}")
    try:
        yield database
    finally:
        await database.close()


async def _copy(source: AsyncConnection, target: Database) -> Copied:
    """All or nothing."""
    async with target.writing() as connection:
        counts = {table.name: await _copy_table(source, connection, table) for table in _COPIED}
        if connection.dialect.name == "postgresql":
            for table in _COPIED:
                await _count_on(connection, table)
    return Copied(rows={name: count for name, count in counts.items() if count})


async def _copy_table(source: AsyncConnection, target: AsyncConnection, table: Table) -> int:
    count = 0
    found = await source.stream(select(table))
    async for rows in found.mappings().partitions(_ROWS_AT_ONCE):
        await target.execute(insert(table), [dict(row) for row in rows])
        count += len(rows)
    return count


async def _count_on(connection: AsyncConnection, table: Table) -> None:
    """The next number that the server gives out by itself is one above those that were copied."""
    column = table.autoincrement_column
    if column is None:
        return
    newest = select(func.max(column)).scalar_subquery()
    sequence = func.pg_get_serial_sequence(table.name, column.name)
    has_one = await connection.scalar(select(sequence))
    if has_one is not None and await connection.scalar(select(newest)) is not None:
        await connection.execute(select(func.setval(sequence.op("::")(text("regclass")), newest)))


def _begun(file: Path) -> Path:
    """An empty file beside it, with mode 0600."""
    try:
        with NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}.", delete=False) as made:
            return Path(made.name)
    except OSError as error:
        raise _unwritten(file, error) from error


def _working_copy(file: Path, folder: Path) -> Path:
    try:
        return Path(shutil.copyfile(file, folder / "backup.sqlite3"))
    except OSError as error:
        raise StoreError(f"the backup {file} cannot be read: {error.strerror}") from error


def _put(unfinished: Path, file: Path) -> None:
    try:
        with unfinished.open("rb") as written:
            os.fsync(written.fileno())
        unfinished.replace(file)
    except OSError as error:
        raise _unwritten(file, error) from error


def _unwritten(file: Path, error: OSError) -> StoreError:
    return StoreError(f"{file} cannot be written: {error.strerror}")

"""Opens the store: SQLite in a file by default, any database SQLAlchemy speaks otherwise.

Knows how transactions begin and what durability is asked for; knows no table's meaning.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from fleet.store.tables import metadata
from fleet.store.writer import Writer

_T = TypeVar("_T")
_READ_ONLY = "megatao_read_only"
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",  # readers and the one writer do not block each other
    "PRAGMA synchronous = FULL",  # a signed transaction must survive a power cut
    "PRAGMA busy_timeout = 5000",  # milliseconds
    "PRAGMA foreign_keys = ON",
)


class StoreError(Exception):
    """The store cannot be used; the text is one line for an operator."""


class Database:
    """An open store. Every access is one transaction, in one of two modes."""

    def __init__(self, engine: AsyncEngine, writer: Writer | None = None) -> None:
        self._engine = engine
        self._writer = writer
        self.where = engine.url.render_as_string(hide_password=True)
        self._reader = engine.execution_options(**{_READ_ONLY: True})

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """One consistent view; never waits for a writer."""
        async with self._reader.begin() as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Commits at the end, rolls back when an exception passes.

        Takes the write lock at once: a transaction that reads first and writes later could
        otherwise fail in the middle because another writer was quicker.
        """
        async with self._engine.begin() as connection:
            yield connection

    async def write(self, work: Callable[[Connection], _T]) -> _T:
        """One transaction as `writing`, done in one go: for what is on the way of a price.

        `work` is given a synchronous connection and must not wait for anything else.
        """
        if self._writer is not None:
            return await self._writer.run(work)
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        """Closes every connection; the last act of a process."""
        if self._writer is not None:
            await self._writer.close()
        await self._engine.dispose()


async def open_database(url: str) -> Database:
    """Opens the store at `url` and creates the tables that are missing.

    Args:
        url: as SQLAlchemy takes it, such as sqlite+aiosqlite:////var/lib/keepers/store.db

    Raises:
        StoreError: it cannot be opened.
    """
    address = make_url(url)
    database = _sqlite(address) if _is_sqlite(address) else Database(_server(address))
    try:
        async with database.writing() as connection:
            await connection.run_sync(metadata.create_all)
    except DBAPIError as error:
        await database.close()
        raise _unusable(address, str(error.orig)) from error
    return database


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _unusable(url: URL, reason: str) -> StoreError:
    where = url.render_as_string(hide_password=True)
    return StoreError(f"the store {where} cannot be opened: {reason}")


def _server(url: URL) -> AsyncEngine:
    return create_async_engine(
        url, pool_pre_ping=True, isolation_level="SERIALIZABLE", hide_parameters=True
    )


def _sqlite(url: URL) -> Database:
    # asked here because a connection that cannot open its file leaves a thread behind
    if url.database and not Path(url.database).parent.is_dir():
        raise _unusable(url, "its directory does not exist")
    # isolation_level None stops the driver from beginning transactions by itself, and only
    # before writes: `_begin` does, always.
    # Parameters stay out of errors: signed transactions are among them.
    settings: dict[str, Any] = {"connect_args": {"isolation_level": None}, "hide_parameters": True}
    engine = create_async_engine(url, **settings)
    _obey(engine.sync_engine)
    own = create_engine(url.set(drivername="sqlite"), poolclass=StaticPool, **settings)
    _obey(own)
    return Database(engine, Writer(own))


def _obey(engine: Engine) -> None:
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)


def _prepare(connection: Any, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Connection) -> None:
    is_read_only = connection.get_execution_options().get(_READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if is_read_only else "BEGIN IMMEDIATE")

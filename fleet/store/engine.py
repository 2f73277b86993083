"""Opens the store: SQLite in a file by default, PostgreSQL by its address.

Knows how transactions begin and what durability is asked for; knows no table's meaning.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, TextClause, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from fleet.store.driver import drive
from fleet.store.migrations import VersionError, bring_up_to_date
from fleet.store.server import ANSWER_S, MIGRATION_S, ONE_VIEW, ONE_WRITER, open_server
from fleet.store.threads import Threads
from fleet.store.writer import Writer, to_its_end

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
    """An open store. Every access is one transaction, in one of two modes.

    Each raises StoreAway, or another SQLAlchemyError, when the database does not do as it is told.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        reader: AsyncEngine,
        writer: Writer | None,
        one_writer: TextClause | None,
        threads: Threads | None = None,
    ) -> None:
        self._engine = engine
        self._reader = reader
        self._writer = writer
        self._one_writer = one_writer
        self._threads = threads
        self.where = engine.url.render_as_string(hide_password=True)

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
            if self._one_writer is not None:
                await connection.execute(self._one_writer)
            yield connection

    async def write(self, work: Callable[[Connection], _T]) -> _T:
        """One transaction as `writing`, done in one go: for what is on the way of a price.

        `work` is given a synchronous connection and must not wait for anything else. A server has
        other writers beside it: what `work` reads and then writes is under a lock that it takes.
        """
        if self._writer is not None:
            return await self._writer.run(work)
        return await to_its_end(self._transact(work))

    async def _transact(self, work: Callable[[Connection], _T]) -> _T:
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        """Closes every connection; the last act of a process."""
        if self._writer is not None:
            await self._writer.close()
        await self._engine.dispose()
        if self._threads is not None:
            await self._threads.ended()


async def open_database(url: str) -> Database:
    """Opens the store at `url` and brings its tables up to date.

    Args:
        url: as SQLAlchemy takes it, such as sqlite+aiosqlite:////var/lib/keepers/store.db or
            postgresql://keepers:password@db.internal/keepers

    Raises:
        StoreError: it cannot be opened, or its tables are of another version.
        StoreAway: the server does not answer (`fleet.store.server`).
    """
    address = _address(url)
    if _is_sqlite(address):
        database = _sqlite(address)
        try:
            await _bring_up_to_date(database, address)
        except BaseException:  # whoever is told to stop meanwhile leaves no thread behind either
            await database.close()
            raise
        return database
    patient = _server(address, answer_s=MIGRATION_S)
    try:
        await _bring_up_to_date(patient, address)
    finally:
        await patient.close()
    return _server(address, answer_s=ANSWER_S)


async def _bring_up_to_date(database: Database, address: URL) -> None:
    try:
        async with database.writing() as connection:
            await connection.run_sync(bring_up_to_date)
    except DBAPIError as error:
        raise _unusable(address, str(error.orig)) from error
    except VersionError as error:
        raise StoreError(f"the store {database.where} {error}") from error


def _address(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError:
        what = "the store's address is not one: postgresql://user:password@host/database"
        raise StoreError(what) from None


def _server(address: URL, *, answer_s: float) -> Database:
    engine = open_server(address, answer_s=answer_s)
    view = engine.execution_options(isolation_level=ONE_VIEW)
    return Database(engine, reader=view, writer=None, one_writer=ONE_WRITER)


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _unusable(url: URL, reason: str) -> StoreError:
    where = url.render_as_string(hide_password=True)
    return StoreError(f"the store {where} cannot be opened: {reason}")


def _sqlite(url: URL) -> Database:
    # asked here because a connection that cannot open its file leaves a thread behind
    if url.database and not Path(url.database).parent.is_dir():
        raise _unusable(url, "its directory does not exist")
    # isolation_level None stops the driver from beginning transactions by itself, and only
    # before writes: `_begin` does, always.
    # Parameters stay out of errors: signed transactions are among them.
    settings: dict[str, Any] = {"connect_args": {"isolation_level": None}, "hide_parameters": True}
    engine = create_async_engine(url, **settings)
    threads = Threads(engine)
    _obey(engine.sync_engine)
    view = engine.execution_options(**{_READ_ONLY: True})
    return Database(
        engine, reader=view, writer=_writer(url, settings), one_writer=None, threads=threads
    )


def _writer(url: URL, settings: dict[str, Any]) -> Writer:
    here = url.set(drivername="sqlite")
    own = create_engine(here, poolclass=StaticPool, **settings)
    _obey(own)
    event.listen(own, "connect", _leave_the_log_alone)
    tidying = create_engine(here, poolclass=StaticPool, **settings)
    event.listen(tidying, "connect", _prepare)
    return Writer(own, tidying=tidying)


def _obey(engine: Engine) -> None:
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)


def _prepare(connection: Any, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _leave_the_log_alone(connection: Any, _: ConnectionPoolEntry) -> None:
    """`Writer` moves what is in it into the file, and not within a commit.

    Unless it fell behind by 40 MB: then a slow commit is better than a full disk.
    """
    connection.cursor().execute("PRAGMA wal_autocheckpoint = 10000")


def _begin(connection: Connection) -> None:
    is_read_only = connection.get_execution_options().get(_READ_ONLY, False)
    drive(connection, "BEGIN" if is_read_only else "BEGIN IMMEDIATE")

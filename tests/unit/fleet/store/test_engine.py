import asyncio
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select, text
from sqlalchemy.exc import IntegrityError

from fleet.store.engine import Database, StoreError, open_database
from fleet.store.tables import warning_unknowns


async def _count(database: Database) -> int:
    async with database.reading() as connection:
        return (
            await connection.execute(select(func.count()).select_from(warning_unknowns))
        ).scalar_one()


def _row(netuid: int) -> dict[str, object]:
    return {"netuid": netuid, "since": 1, "is_alerted": False}


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_open__sqlite__write_ahead_log_and_full_durability(database: Database) -> None:
    async with database.reading() as connection:
        mode = (await connection.execute(text("PRAGMA journal_mode"))).scalar_one()
        synchronous = (await connection.execute(text("PRAGMA synchronous"))).scalar_one()

    assert (mode, synchronous) == ("wal", 2)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_write__sqlite__the_connection_of_the_journal_is_as_durable(
    database: Database,
) -> None:
    def asked(connection: Connection) -> tuple[int, ...]:
        names = ("synchronous", "foreign_keys")
        return tuple(connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in names)

    assert await database.write(asked) == (2, 1)


async def test_writing__an_exception_passes__nothing_is_kept(database: Database) -> None:
    async def write_and_fail() -> None:
        async with database.writing() as connection:
            await connection.execute(insert(warning_unknowns), [_row(1)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await write_and_fail()

    assert await _count(database) == 0


async def test_reading__while_another_writes__sees_the_state_before_it(database: Database) -> None:
    async with database.writing() as writer:
        await writer.execute(insert(warning_unknowns), [_row(1)])

        assert await _count(database) == 0

    assert await _count(database) == 1


async def test_writing__refused_by_the_database__the_error_shows_no_values(
    database: Database,
) -> None:
    async def write_twice() -> None:
        async with database.writing() as connection:
            await connection.execute(insert(warning_unknowns), _row(4_711))
            await connection.execute(insert(warning_unknowns), _row(4_711))

    with pytest.raises(IntegrityError) as refusal:
        await write_twice()

    assert "4711" not in str(refusal.value)


async def test_writing__two_that_read_before_they_write__both_commit(database: Database) -> None:
    async def add_one() -> None:
        async with database.writing() as connection:
            query = select(func.count()).select_from(warning_unknowns)
            count = (await connection.execute(query)).scalar_one()
            await asyncio.sleep(0)
            await connection.execute(insert(warning_unknowns), [_row(count)])

    async with asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(add_one())

    assert await _count(database) == 4


async def test_open__what_was_committed__survives_a_reopening(store_url: str) -> None:
    first = await open_database(store_url)
    async with first.writing() as connection:
        await connection.execute(insert(warning_unknowns), [_row(7)])
    await first.close()

    second = await open_database(store_url)
    count = await _count(second)
    await second.close()

    assert count == 1


async def test_open__directory_missing__one_line_that_names_it() -> None:
    with pytest.raises(StoreError, match=r"/nowhere/at/all/store\.db cannot be opened: its dir"):
        await open_database("sqlite+aiosqlite:////nowhere/at/all/store.db")


async def test_open__not_a_database__one_line_that_says_so(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    file.write_text("something else entirely, and long enough to have a header of its own" * 20)

    with pytest.raises(StoreError, match="cannot be opened: file is not a database"):
        await open_database(f"sqlite+aiosqlite:///{file}")


def _drivers() -> set[threading.Thread]:
    return {each for each in threading.enumerate() if "_connection_worker" in each.name}


def _connects_slowly(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """From now on opening a file takes a while; set when somebody does."""
    loop, connecting, connect = asyncio.get_running_loop(), asyncio.Event(), sqlite3.connect

    def slowly(*args: Any, **options: Any) -> Any:
        loop.call_soon_threadsafe(connecting.set)
        threading.Event().wait(0.3)
        return connect(*args, **options)

    monkeypatch.setattr(sqlite3, "connect", slowly)
    return connecting


async def test_close__a_reader_was_cancelled_while_it_connected__no_thread_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _drivers()
    database = await open_database(f"sqlite+aiosqlite:///{tmp_path}/store.db")
    connecting = _connects_slowly(monkeypatch)
    async with database.reading(), asyncio.TaskGroup() as tasks:  # has the open connection
        reader = tasks.create_task(_count(database))
        await connecting.wait()
        reader.cancel()
    await database.close()
    assert _drivers() <= before


async def test_open__cancelled_meanwhile__no_thread_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _drivers()
    connecting = _connects_slowly(monkeypatch)
    async with asyncio.TaskGroup() as tasks:
        opening = tasks.create_task(open_database(f"sqlite+aiosqlite:///{tmp_path}/store.db"))
        await connecting.wait()
        opening.cancel()
    assert _drivers() <= before

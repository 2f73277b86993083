"""Whole transactions in a thread of their own: done or undone, and never behind anybody's back."""

import asyncio
import gc
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from fleet.store import writer
from fleet.store.engine import Database, open_database

ON_SQLITE = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


def count(connection: Connection) -> int:
    return int(connection.execute(text("SELECT count(*) FROM leases")).scalar_one())


def add(connection: Connection, name: str) -> None:
    connection.execute(
        text(
            "INSERT INTO leases (name, account, holder, host, pid, mark, epoch, expires_ms)"
            " VALUES (:name, '', '', '', 0, '', 1, 0)"
        ),
        {"name": name},
    )


async def test_write__work_succeeds__is_there_for_readers_and_other_writers(
    database: Database,
) -> None:
    await database.write(lambda connection: add(connection, "a"))
    assert await database.write(count) == 1
    async with database.reading() as connection:
        assert await connection.run_sync(count) == 1


async def test_write__work_fails__nothing_of_it_stays(database: Database) -> None:
    def work(connection: Connection) -> None:
        add(connection, "a")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await database.write(work)
    assert await database.write(count) == 0


@ON_SQLITE
async def test_write__somebody_else_writes_for_too_long__fails_and_then_works_again(
    database: Database, tmp_path: Path
) -> None:
    def be_impatient(connection: Connection) -> None:
        connection.execute(text("PRAGMA busy_timeout = 0"))

    await database.write(be_impatient)
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for _ in range(2):
        with pytest.raises(OperationalError, match="database is locked"):
            await database.write(lambda connection: add(connection, "a"))
    other.close()
    assert await database.write(count) == 0
    await database.write(lambda connection: add(connection, "a"))
    assert await database.write(count) == 1


@ON_SQLITE
async def test_write__cancelled_in_the_middle__its_end_is_waited_for(database: Database) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def work(connection: Connection) -> None:
        begun.set()
        may_end.wait(60)
        add(connection, "a")

    async with asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(database.write(work))
        await asyncio.to_thread(begun.wait, 60)
        for _ in range(3):  # a step's deadline, and then whoever ends the process
            writing.cancel()
            await asyncio.sleep(0.05)
            assert not writing.done(), "it may still take effect"
        may_end.set()
    assert writing.cancelled()
    assert await database.write(count) == 1


async def test_to_its_end__cancelled_several_times__is_so_when_the_write_ended() -> None:
    ended = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(writer.to_its_end(ended.wait()))
        for _ in range(3):
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            waiting.cancel()
        await asyncio.sleep(0.05)
        assert not waiting.done()
        ended.set()
    assert waiting.cancelled()


@ON_SQLITE
async def test_write__cancelled_and_then_fails__leaves_no_complaint_behind(
    database: Database,
) -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, about: complaints.append(about))
    begun, may_end = threading.Event(), threading.Event()

    def work(_: Connection) -> None:
        begun.set()
        may_end.wait(60)
        raise ValueError("no")

    async with asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(database.write(work))
        await asyncio.to_thread(begun.wait, 60)
        writing.cancel()
        await asyncio.sleep(0.05)
        may_end.set()
    del writing
    gc.collect()
    assert complaints == []


async def test_write__many__the_log_does_not_grow_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_TIDIED_AFTER", 10)
    database = await open_database(f"sqlite+aiosqlite:///{tmp_path}/own.db")
    log = tmp_path / "own.db-wal"
    sizes = []
    for number in range(400):
        await database.write(lambda connection, n=number: add(connection, f"{n}"))  # type: ignore[misc]
        sizes.append(log.stat().st_size)
        if number % 10 == 9:  # what tidies has its turn, as between two blocks
            tidier = database._writer._tidier  # type: ignore[union-attr]
            await asyncio.wrap_future(tidier.submit(lambda: None))
    await database.close()
    assert sizes[-1] < 2 * sizes[100], "it is written over from its beginning"


async def test_close__after_writing__its_thread_is_gone(tmp_path: Path) -> None:
    database = await open_database(f"sqlite+aiosqlite:///{tmp_path}/own.db")
    await database.write(count)
    assert any(each.name.startswith("store") for each in threading.enumerate())
    await database.close()
    assert not any(each.name.startswith("store") for each in threading.enumerate())

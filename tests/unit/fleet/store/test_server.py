"""What only a server has: writers side by side, holders that were stopped, and its being away."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import certifi
import pytest
from sqlalchemy import Connection, make_url, select, text, update

from devnet.postgres import Postgres
from fleet.store.engine import Database, StoreError, open_database
from fleet.store.journal import StoredJournal
from fleet.store.lease import Lease
from fleet.store.server import StoreAway, encryption, open_server
from fleet.store.tables import journal_entries, leases, warning_unknowns
from fleet.transactions.attempt import State, reserved
from fleet.transactions.journal import Fenced
from tests.unit.fleet.store.databases import emptied_url
from tests.unit.fleet.store.test_journal import attempt, request
from tests.unit.fleet.store.test_lease import FIRST, KEY, SECOND, expire, take


@pytest.fixture
def store_url(postgres: Postgres) -> str:
    return emptied_url(postgres)


@pytest.fixture
async def theirs(store_url: str, database: Database) -> AsyncIterator[Database]:
    opened = await open_database(store_url)
    yield opened
    await opened.close()


async def holding(database: Database, lease: Lease, until: asyncio.Event) -> None:
    """A write of the lease that has taken its lock and does not come to an end."""
    async with database._engine.begin() as connection:
        row = select(leases.c.epoch).where(leases.c.name == lease.name)
        await connection.execute(row.with_for_update())
        await connection.execute(
            update(journal_entries).values(purpose="written at the last moment")
        )
        until.set()
        await asyncio.sleep(0.3)


async def test_takeover__while_the_old_holder_writes__waits_and_finds_what_was_written(
    database: Database, theirs: Database
) -> None:
    lease = await take(database)
    await StoredJournal(database, lease).enter(reserved(request("a"), 0))
    await expire(database)
    begun = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(holding(database, lease, begun))
        await begun.wait()
        heir = StoredJournal(theirs, await take(theirs, SECOND))
        (found,) = await heir.unfinished()
    assert found.request.purpose == "written at the last moment"


async def test_write__while_it_is_taken_over__is_fenced_by_the_takeover_it_waited_for(
    database: Database, theirs: Database
) -> None:
    """The condition is looked at again after the wait: it held when the statement began."""
    mine = StoredJournal(database, await take(database))
    await expire(database)
    async with theirs.writing() as connection:
        row = select(leases.c.epoch).where(leases.c.account == KEY)
        await connection.execute(row.with_for_update())
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(refused(mine))
            await asyncio.sleep(0.2)
            assert not writing.done()
            await connection.execute(update(leases).values(holder="second", epoch=2))
            await connection.commit()
    assert "no longer" in writing.result() or "taken over" in writing.result()


async def refused(journal: StoredJournal) -> str:
    with pytest.raises(Fenced) as fenced:
        await journal.enter(reserved(request("b"), 1))
    return str(fenced.value)


async def test_unfinished__while_a_write_of_the_lease_is_under_way__waits_for_its_end(
    database: Database,
) -> None:
    lease = await take(database)
    journal = StoredJournal(database, lease)
    await journal.enter(reserved(request("a"), 0))
    begun = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(holding(database, lease, begun))
        await begun.wait()
        (found,) = await journal.unfinished()
    assert found.request.purpose == "written at the last moment"


async def test_writes__of_one_lease_at_once__come_one_after_the_other(database: Database) -> None:
    journal = StoredJournal(database, await take(database))
    entered = [await journal.enter(reserved(request(f"work {n}"), n)) for n in range(8)]
    async with asyncio.TaskGroup() as tasks:
        for entry in entered:
            signed = replace(entry, state=State.SIGNED, attempts=(attempt(entry.nonce),))
            for _ in range(3):  # three say the same: the attempt is there once
                tasks.create_task(journal.save(signed))
    assert [len(each.attempts) for each in await journal.unfinished()] == [1] * 8


async def stand_still(database: Database, theirs: Database) -> None:
    async with database._engine.begin() as connection:
        row = select(leases.c.epoch).where(leases.c.account == KEY)
        await connection.execute(row.with_for_update())
        assert (await take(theirs, SECOND)).epoch == 2
        await connection.execute(row)


async def test_holder_that_was_stopped_in_a_transaction__loses_its_lock_by_the_server(
    database: Database, theirs: Database
) -> None:
    await take(database)
    await expire(database)
    began = time.monotonic()
    with pytest.raises(StoreAway):
        await stand_still(database, theirs)
    assert time.monotonic() - began > 2


async def until_asleep(watching: Database) -> None:
    """Some session of the server is in the middle of `pg_sleep`."""
    asleep = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
    async with asyncio.timeout(30), watching.reading() as connection:
        while not await connection.scalar(asleep):
            await connection.execute(text("SELECT pg_stat_clear_snapshot()"))


async def test_write__cancelled_in_the_middle__its_end_is_waited_for(
    database: Database, theirs: Database
) -> None:
    def work(connection: Connection) -> None:
        connection.execute(text("SELECT pg_sleep(2)"))
        connection.execute(warning_unknowns.insert().values(netuid=1, since=1, is_alerted=False))

    async with asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(database.write(work))
        await until_asleep(theirs)
        writing.cancel()
    assert writing.cancelled()
    async with database.reading() as connection:
        assert len((await connection.execute(select(warning_unknowns))).all()) == 1


async def test_reading__several_questions__are_of_one_moment(
    database: Database, theirs: Database
) -> None:
    query = select(warning_unknowns)
    async with database.reading() as connection:
        assert (await connection.execute(query)).all() == []
        async with theirs.writing() as other:
            row = {"netuid": 1, "since": 1, "is_alerted": False}
            await other.execute(warning_unknowns.insert().values(row))
        assert (await connection.execute(query)).all() == []


async def test_open__nobody_there__is_away_in_one_line_without_the_password(
    tmp_path: Path,
) -> None:
    with pytest.raises(StoreAway) as away:
        await open_database(f"postgresql://keepers:hunter2@/db?host={tmp_path}&port=1")
    line = str(away.value)
    assert "does not answer: [Errno 2]" in line
    assert "hunter2" not in line
    assert "\n" not in line


async def test_open__another_process_changes_the_tables__is_waited_for(
    store_url: str, database: Database
) -> None:
    opening: asyncio.Task[Database]
    async with asyncio.TaskGroup() as tasks, database.writing():
        opening = tasks.create_task(open_database(store_url))
        await asyncio.sleep(1)
        assert not opening.done()
    await opening.result().close()


@pytest.mark.parametrize(("answer_s", "lock"), [(6.0, "5s"), (900.0, "899s")])
async def test_session__is_told_to_give_up_before_its_client_does(
    postgres: Postgres, answer_s: float, lock: str
) -> None:
    engine = open_server(make_url(postgres.socket_url()), answer_s=answer_s)
    async with engine.connect() as connection:
        assert await connection.scalar(text("SHOW lock_timeout")) == lock
    await engine.dispose()


async def test_open__wrong_password__is_refused_in_one_line_without_it(postgres: Postgres) -> None:
    url = postgres.socket_url().replace(postgres.password, "hunter2")
    with pytest.raises(StoreError, match="password authentication failed") as refusal:
        await open_database(url)
    assert "hunter2" not in str(refusal.value)


async def test_server_ends_a_session__the_next_transaction_has_a_new_one(
    database: Database, theirs: Database
) -> None:
    end = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    await take(database)
    async with theirs.reading() as connection:
        await connection.execute(end)
    with pytest.raises(StoreAway):
        await take(database, FIRST)
    async with database.reading() as connection:
        assert await connection.scalar(text("SELECT 1")) == 1


@pytest.mark.parametrize(
    ("query", "expected"),
    [("", {}), ("?sslmode=require", {"ssl": "require"}), ("?sslmode=prefer", {"ssl": "prefer"})],
)
def test_encryption__sslmode__is_what_the_driver_calls_ssl(
    query: str, expected: dict[str, str]
) -> None:
    url, how = encryption(make_url(f"postgresql://keepers@db/keepers{query}"))
    assert how == expected
    assert "sslmode" not in url.query


@pytest.mark.parametrize(("mode", "is_name_checked"), [("verify-ca", False), ("verify-full", True)])
def test_encryption__an_authority_of_its_own__is_the_one_that_counts(
    mode: str, is_name_checked: bool
) -> None:
    authority = certifi.where()
    address = f"postgresql://keepers@db/keepers?sslmode={mode}&sslrootcert={authority}"
    url, how = encryption(make_url(address))
    assert dict(url.query) == {}
    assert how["ssl"].verify_mode is ssl.CERT_REQUIRED
    assert how["ssl"].check_hostname is is_name_checked

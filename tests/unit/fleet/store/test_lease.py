"""Two handles on one store and one key: who holds it, who is refused, who is shut out.

The database's clock is moved by writing when a lease runs out.
"""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import make_url, select, update

from fleet.runtime.process import Process, this_process
from fleet.store.clock import database_ms
from fleet.store.engine import Database, open_database
from fleet.store.journal import StoredJournal
from fleet.store.lease import Claim, Lease, LeaseTaken, acquire, release, renew
from fleet.store.tables import leases
from fleet.transactions.attempt import Ending, State, reserved
from fleet.transactions.journal import Fenced
from fleet.transactions.request import Lane
from fleet.transactions.spending import Spend
from tests.unit.fleet.runtime.mortal import mortal
from tests.unit.fleet.store.test_journal import attempt, request
from units import Address, Timestamp, Wei

KEY = Address("0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A")
OTHER_KEY = Address("0x00000000000000000000000000000000000000Ad")
TTL_S = 15.0
FIRST = Process(id="first", host="alpha", pid=11, mark="")
SECOND = Process(id="second", host="beta", pid=22, mark="")


@pytest.fixture
async def theirs(store_url: str, database: Database) -> AsyncIterator[Database]:
    """Another process's handle on the same file."""
    opened = await open_database(store_url)
    yield opened
    await opened.close()


async def take(
    database: Database,
    process: Process = FIRST,
    *,
    name: str = "feeder",
    account: Address = KEY,
    ttl_s: float = TTL_S,
) -> Lease:
    claim = Claim(name=name, account=account)
    (lease,) = await acquire(database, claim, process=process, ttl_s=ttl_s)
    return lease


async def expire(database: Database) -> None:
    """The time of every lease is up by the database's clock."""
    async with database.writing() as connection:
        await connection.execute(update(leases).values(expires_ms=database_ms() - 1))


async def left_s(database: Database) -> float:
    async with database.reading() as connection:
        found = await connection.scalar(select(leases.c.expires_ms - database_ms()))
    return (found or 0) / 1_000


async def test_acquire__free__holds_it_for_the_time_by_the_databases_clock(
    database: Database,
) -> None:
    lease = await take(database)
    assert (lease.namespace, lease.epoch) == (f"feeder:{KEY}", 1)
    assert 14 < await left_s(database) <= 15


async def test_acquire__held__is_refused_in_one_line_that_says_by_whom_and_until_when(
    database: Database, theirs: Database
) -> None:
    await take(database)
    with pytest.raises(LeaseTaken) as refused:
        await take(theirs, SECOND)
    line = str(refused.value)
    assert line.startswith(f"key {KEY} is held for feeder by process 11 on alpha until ")
    assert line.endswith(" UTC or longer")
    assert refused.value.free_in_s is not None
    assert 14 < refused.value.free_in_s <= 15


async def test_acquire__the_name_held_with_another_key__is_refused_as_well(
    database: Database, theirs: Database
) -> None:
    await take(database)
    with pytest.raises(LeaseTaken, match="held for feeder by process 11"):
        await take(theirs, SECOND, account=OTHER_KEY)


async def test_acquire__key_held_under_another_name__no_waiting_cures_that(
    database: Database, theirs: Database
) -> None:
    await take(database)
    with pytest.raises(LeaseTaken, match=r"for feeder by .*give all a key of its own") as no:
        await take(theirs, SECOND, name="all")
    assert no.value.free_in_s is None


async def test_acquire__another_name_and_another_key__is_nobodys_business(
    database: Database, theirs: Database
) -> None:
    await take(database)
    assert (await take(theirs, SECOND, name="funding", account=OTHER_KEY)).epoch == 1


async def test_acquire__run_out__is_taken_over_with_the_next_epoch(
    database: Database, theirs: Database
) -> None:
    first = await take(database)
    await expire(database)
    second = await take(theirs, SECOND)
    assert (first.epoch, second.epoch) == (1, 2)
    with pytest.raises(Fenced, match=r"for feeder was taken over by process 22 on beta: this"):
        await renew(database, first, ttl_s=TTL_S)
    await release(database, first)  # which is no longer its to give
    with pytest.raises(LeaseTaken):
        await take(database, replace(FIRST, id="third"))


async def test_renew__in_time_or_late_with_nobody_else_there__holds_on(
    database: Database, theirs: Database
) -> None:
    lease = await take(database, ttl_s=3)
    await renew(database, lease, ttl_s=TTL_S)
    assert 14 < await left_s(database) <= 15
    await expire(database)
    await renew(database, lease, ttl_s=TTL_S)
    with pytest.raises(LeaseTaken):
        await take(theirs, SECOND)


async def test_release__is_free_at_once_and_the_epoch_goes_on(
    database: Database, theirs: Database
) -> None:
    first = await take(database)
    await release(database, first)
    assert (await take(theirs, SECOND)).epoch == 2
    with pytest.raises(Fenced):
        await renew(database, first, ttl_s=TTL_S)


async def test_journal__after_a_takeover__takes_no_write_of_the_older_epoch(
    database: Database, theirs: Database
) -> None:
    mine = StoredJournal(database, await take(database))
    entry = await mine.enter(reserved(request("a"), 0))
    signed = replace(entry, state=State.SIGNED, attempts=(attempt(),))
    await mine.save(signed)
    await expire(database)
    heir = StoredJournal(theirs, await take(theirs, SECOND))
    done = replace(signed, state=State.FINAL, ending=Ending.SUCCEEDED)
    spend = Spend(nonce=0, lane=Lane.PRICE, fee=Wei(1), time=Timestamp(0), had_effect=True)
    for write in (
        mine.enter(reserved(request("b"), 1)),
        mine.save(replace(signed, state=State.SEEN, attempts=(attempt(), attempt(1)))),
        mine.conclude(done, spend, "too much"),
        mine.withdraw(signed),
        mine.stop(Lane.PRICE, "too much", Timestamp(0)),
    ):
        with pytest.raises(Fenced, match="taken over by process 22 on beta"):
            await write
    assert await heir.unfinished() == (signed,)
    account = await heir.account()
    assert (account.hours, account.stopped) == ({}, {})
    assert (await heir.enter(reserved(request("b"), 1))).nonce == 1


async def test_journal__after_its_lease_was_given_back__takes_no_write(database: Database) -> None:
    lease = await take(database)
    await release(database, lease)
    with pytest.raises(Fenced, match="no longer this process's"):
        await StoredJournal(database, lease).enter(reserved(request(), 0))


async def test_journal__key_taken_under_another_name__is_shut_as_well(
    database: Database, theirs: Database
) -> None:
    mine = StoredJournal(database, await take(database))
    await expire(database)
    await take(theirs, SECOND, name="all")
    with pytest.raises(Fenced):
        await mine.enter(reserved(request(), 0))


async def test_acquire__unfinished_in_another_workloads_journal__is_refused_until_it_is_final(
    database: Database,
) -> None:
    lease = await take(database)
    entry = await StoredJournal(database, lease).enter(reserved(request(), 0))
    await release(database, lease)
    with pytest.raises(LeaseTaken, match="unfinished transactions in the journal of feeder") as no:
        await take(database, SECOND, name="all")
    assert no.value.free_in_s is None
    lease = await take(database)
    await StoredJournal(database, lease).save(replace(entry, state=State.RELEASED))
    await release(database, lease)
    assert (await take(database, SECOND, name="all")).epoch == 1


async def test_acquire__holder_on_this_machine_is_dead__is_taken_over_at_once(
    database: Database,
) -> None:
    with mortal() as (_, mark):
        await take(database, replace(FIRST, mark=mark))
        with pytest.raises(LeaseTaken):
            await take(database, SECOND)
    assert (await take(database, SECOND)).epoch == 2


async def test_acquire__holder_on_this_machine_lives__is_refused(database: Database) -> None:
    await take(database, replace(FIRST, mark=this_process().mark))
    with pytest.raises(LeaseTaken):
        await take(database, SECOND)


def test_database_ms__on_a_server__is_the_moments_time_not_the_transactions() -> None:
    text = str(select(database_ms()).compile(dialect=make_url("postgresql://").get_dialect()()))
    assert "clock_timestamp()" in text

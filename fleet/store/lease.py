"""One holder a key: a row a workload, with an epoch that is counted up with every new holder.

Times are the database's alone, so holders on different machines need not agree on theirs. What a
late holder could still do is stopped by the epoch, which every write of the journal asks for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Update, exists, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from fleet.runtime.process import Process, is_gone
from fleet.runtime.refusal import StartRefusedError
from fleet.store.clock import database_ms
from fleet.store.engine import Database
from fleet.store.tables import JOURNAL_DONE, leases
from fleet.store.tables import journal_entries as entries
from fleet.transactions.journal import Fenced
from units import Address

_NOBODY = {"holder": "", "host": "", "pid": 0, "mark": "", "expires_ms": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What its holder shows at every write. `holder` is the process's random id."""

    name: str
    account: Address
    holder: str
    epoch: int

    @property
    def namespace(self) -> str:
        """Whose journal it is."""
        return f"{self.name}:{self.account}"


class LeaseTaken(StartRefusedError):  # noqa: N818 - named after what happened
    """Somebody else works with this key, or under this name; one line that says who.

    `free_in_s`: when it is free if its holder gives no further sign. None: waiting cures nothing.
    """

    def __init__(self, line: str, *, free_in_s: float | None) -> None:
        super().__init__(line)
        self.free_in_s = free_in_s


async def acquire(
    database: Database, *, name: str, account: Address, process: Process, ttl_s: float
) -> Lease:
    """Makes `process` the one holder, for `ttl_s` from now by the database's clock.

    Whoever held name or account before is shut out of the journal from here on.

    Raises:
        LeaseTaken: another lease on the name or on the account lives, or another workload's
            journal holds unfinished transactions of the account.
    """
    lease = Lease(name=name, account=account, holder=process.id, epoch=1)
    concerned = (
        select(leases)
        .where(or_(leases.c.name == name, leases.c.account == account))
        .order_by(leases.c.name)
        .with_for_update()  # nobody renews while it is decided that nobody did
    )
    async with database.writing() as connection:
        now = int(await connection.scalar(select(database_ms())) or 0)
        rows = (await connection.execute(concerned)).all()
        _refuse_second(lease, rows, now)
        await _refuse_other_journal(connection, lease)
        return await _take(connection, lease, process, now + int(ttl_s * 1_000))


async def renew(database: Database, lease: Lease, *, ttl_s: float) -> None:
    """Holds on for `ttl_s` from now by the database's clock.

    A lease that ran out and that nobody took meanwhile goes on: nothing happened in between.

    Raises:
        Fenced: somebody else took it.
    """
    until = database_ms() + int(ttl_s * 1_000)

    def work(connection: Connection) -> None:
        if not connection.execute(_own(lease).values(expires_ms=until)).rowcount:
            fence(connection, lease)

    await database.write(work)


async def release(database: Database, lease: Lease) -> None:
    """Lets the next one have it at once; nothing when somebody took it already."""
    async with database.writing() as connection:
        await connection.execute(_own(lease).values(_NOBODY))


def is_held(lease: Lease) -> ColumnElement[bool]:
    """The condition of every write of its journal: nobody has taken it since.

    Part of the writing statement itself: a question before it would make each a third longer. No
    takeover passes in between: SQLite has one writer, and a server locks the row for the rest of
    the transaction, so that writes of one lease also wait for each other.
    """
    held = select(leases.c.epoch).where(leases.c.name == lease.name, *_by(lease))
    return exists(held.with_for_update())


def await_writes(connection: Connection, lease: Lease) -> None:
    """Until every write of this lease that has begun is done or undone.

    One whose process gave up on it, or died, may still be under way at a server. Where there is one
    writer, whoever may write has waited already.
    """
    row = select(leases.c.epoch).where(leases.c.name == lease.name)
    connection.execute(row.with_for_update())


def fence(connection: Connection, lease: Lease) -> None:
    """Raises Fenced when the lease is another's by now; for what wrote nothing."""
    wanted = select(leases).where(leases.c.name == lease.name)
    row = connection.execute(wanted).one_or_none()
    if row is None or (row.holder, row.epoch) != (lease.holder, lease.epoch):
        raise Fenced(f"{_since(lease, row)}: this process sends nothing more")


def _since(lease: Lease, row: Row[Any] | None) -> str:
    if row is None or not row.holder:
        return f"the lease of key {lease.account} for {lease.name} is no longer this process's"
    return f"key {row.account} for {lease.name} was taken over by {_who(row)}"


def _refuse_second(lease: Lease, rows: Sequence[Row[Any]], now: int) -> None:
    for row in rows:
        if row.expires_ms <= now or is_gone(row.mark):
            continue
        until = f"{datetime.fromtimestamp(row.expires_ms / 1_000, UTC):%H:%M:%S} UTC"
        held = f"key {row.account} is held for {row.name} by {_who(row)} until {until} or longer"
        if row.name == lease.name:
            raise LeaseTaken(held, free_in_s=(row.expires_ms - now) / 1_000)
        raise LeaseTaken(f"{held}: give {lease.name} a key of its own", free_in_s=None)


async def _refuse_other_journal(connection: AsyncConnection, lease: Lease) -> None:
    """Two journals of one key would give its nonces out twice."""
    wanted = select(entries.c.namespace).where(
        entries.c.namespace.endswith(f":{lease.account}"),
        entries.c.namespace != lease.namespace,
        entries.c.state.not_in(JOURNAL_DONE),
    )
    other = await connection.scalar(wanted.limit(1))
    if other is not None:
        name = other.partition(":")[0]
        raise LeaseTaken(
            f"key {lease.account} has unfinished transactions in the journal of {name}:"
            f" run {name} until they are final, or give {lease.name} a key of its own",
            free_in_s=None,
        )


async def _take(
    connection: AsyncConnection, lease: Lease, process: Process, expires_ms: int
) -> Lease:
    """Writes the holder; who held the account under another name is shut out as well."""
    columns = {
        "account": lease.account,
        "holder": process.id,
        "host": process.host,
        "pid": process.pid,
        "mark": process.mark,
        "expires_ms": expires_ms,
    }
    others = update(leases).where(leases.c.account == lease.account, leases.c.name != lease.name)
    await connection.execute(others.values(_NOBODY | {"epoch": leases.c.epoch + 1}))
    own = update(leases).where(leases.c.name == lease.name)
    taken = own.values(columns | {"epoch": leases.c.epoch + 1}).returning(leases.c.epoch)
    epoch = await connection.scalar(taken)
    if epoch is None:
        await connection.execute(insert(leases).values(columns | {"name": lease.name, "epoch": 1}))
    return replace(lease, epoch=epoch or 1)


def _own(lease: Lease) -> Update:
    return update(leases).where(leases.c.name == lease.name, *_by(lease))


def _by(lease: Lease) -> tuple[ColumnElement[bool], ...]:
    return leases.c.holder == lease.holder, leases.c.epoch == lease.epoch


def _who(row: Row[Any]) -> str:
    return f"process {row.pid} on {row.host}"

"""One holder a piece of work: a row a workload, with an epoch that each new holder counts up.

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
class Claim:
    """What one process alone is to do: a workload with its key, or without one where none is used.

    `name`: the workload, which holds for the store's chain and exchange.
    """

    name: str
    account: Address | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What its holder shows at every write. `holder` is the process's random id."""

    name: str
    account: Address | None
    holder: str
    epoch: int

    @property
    def namespace(self) -> str:
        """Whose journal it is."""
        return f"{self.name}:{self.account}"

    def __str__(self) -> str:
        return _subject(self.name, self.account)


class LeaseTaken(StartRefusedError):  # noqa: N818 - named after what happened
    """Somebody else works with this key, or under this name; one line that says who.

    `free_in_s`: when it is free if its holder gives no further sign. None: waiting cures nothing.
    """

    def __init__(self, line: str, *, free_in_s: float | None) -> None:
        super().__init__(line)
        self.free_in_s = free_in_s


async def acquire(
    database: Database, *claims: Claim, process: Process, ttl_s: float
) -> tuple[Lease, ...]:
    """Makes `process` the one holder of all of them, for `ttl_s` from now by the database's clock.

    Whoever held a name or an account before is shut out of the journal from here on.

    Raises:
        LeaseTaken: another lease on a name or on an account lives, or another workload's journal
            holds unfinished transactions of an account. Then none is taken.
    """
    async with database.writing() as connection:
        now = int(await connection.scalar(select(database_ms())) or 0)
        until = now + int(ttl_s * 1_000)
        wanted = sorted(claims, key=lambda claim: claim.name)  # locks are taken in one order
        taken = [await _acquire(connection, claim, process, now, until) for claim in wanted]
    by_name = {lease.name: lease for lease in taken}
    return tuple(by_name[claim.name] for claim in claims)


async def renew(database: Database, *held: Lease, ttl_s: float) -> None:
    """Holds on for `ttl_s` from now by the database's clock.

    A lease that ran out and that nobody took meanwhile goes on: nothing happened in between.

    Raises:
        Fenced: somebody else took one of them.
    """
    until = database_ms() + int(ttl_s * 1_000)

    def work(connection: Connection) -> None:
        for lease in sorted(held, key=lambda lease: lease.name):
            if not connection.execute(_own(lease).values(expires_ms=until)).rowcount:
                fence(connection, lease)

    await database.write(work)


async def release(database: Database, *held: Lease) -> None:
    """Lets the next one have them at once; leaves alone what somebody took already."""

    def work(connection: Connection) -> None:
        for lease in sorted(held, key=lambda lease: lease.name):
            connection.execute(_own(lease).values(_NOBODY))

    await database.write(work)


def is_held(lease: Lease) -> ColumnElement[bool]:
    """The condition of every write of its journal: nobody has taken it since.

    Part of the writing statement itself: a question before it would make each a third longer. No
    takeover passes in between: SQLite has one writer, and a server locks the row for the rest of
    the transaction, so that writes of one lease also wait for each other.
    """
    held = select(leases.c.epoch).where(leases.c.name == lease.name, *_by(lease))
    return exists(held.with_for_update())


def hold(connection: Connection, lease: Lease) -> None:
    """For a write of several statements: until its end nobody takes the lease.

    Raises:
        Fenced: somebody has.
    """
    if not connection.scalar(select(is_held(lease))):
        fence(connection, lease)


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
        raise Fenced(f"{_since(lease, row)}: this process does nothing more")


def _subject(name: str, account: str | None) -> str:
    return f"key {account} for {name}" if account else f"the workload {name}"


def _since(lease: Lease, row: Row[Any] | None) -> str:
    if row is None or not row.holder:
        return f"{lease} is no longer this process's"
    return f"{_subject(row.name, row.account)} was taken over by {_who(row)}"


async def _acquire(
    connection: AsyncConnection, claim: Claim, process: Process, now: int, until: int
) -> Lease:
    lease = Lease(name=claim.name, account=claim.account, holder=process.id, epoch=1)
    concerned = (
        select(leases)
        .where(_stands_in_the_way(claim))
        .order_by(leases.c.name)
        .with_for_update()  # nobody renews while it is decided that nobody did
    )
    rows = (await connection.execute(concerned)).all()
    _refuse_second(lease, rows, now)
    if claim.account is not None:
        await _refuse_other_journal(connection, lease)
    return await _take(connection, lease, process, until)


def _stands_in_the_way(claim: Claim) -> ColumnElement[bool]:
    same_name = leases.c.name == claim.name
    return same_name if claim.account is None else or_(same_name, leases.c.account == claim.account)


def _refuse_second(lease: Lease, rows: Sequence[Row[Any]], now: int) -> None:
    for row in rows:
        if row.expires_ms <= now or row.holder == lease.holder or is_gone(row.mark):
            continue
        until = f"{datetime.fromtimestamp(row.expires_ms / 1_000, UTC):%H:%M:%S} UTC"
        what = f"key {row.account} is held for {row.name}" if row.account else f"{row.name} is held"
        held = f"{what} by {_who(row)} until {until} or longer"
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
        "account": lease.account or "",
        "holder": process.id,
        "host": process.host,
        "pid": process.pid,
        "mark": process.mark,
        "expires_ms": expires_ms,
    }
    if lease.account is not None:
        same_key = leases.c.account == lease.account
        others = update(leases).where(same_key, leases.c.name != lease.name)
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

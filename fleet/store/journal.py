"""Keeps the sender's journal. Implements `fleet.transactions.journal.Journal`.

Every write has its lease's holder and epoch as a condition: the journal is the fence.
Below that the database itself holds the two rules that a second sender would break: one holder a
nonce, one flight an idempotency key. Decides nothing.
"""

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.dml import ReturningInsert

from fleet.store.decisions import (
    DELETED_AT_ONCE,
    decision_of,
    drop_decision,
    keep_decision,
    keep_report,
)
from fleet.store.engine import Database
from fleet.store.journal_rows import (
    STATE,
    attempt_columns,
    attempts_of,
    entry_of,
    request_columns,
    state_columns,
)
from fleet.store.lease import Lease, await_writes, fence, is_held
from fleet.store.prepared import Prepared
from fleet.store.spending import book, pay, put_stop, read_account
from fleet.store.tables import JOURNAL_DONE, decisions
from fleet.store.tables import journal_attempts as attempts
from fleet.store.tables import journal_entries as entries
from fleet.transactions.attempt import Entry, State
from fleet.transactions.journal import JournalConflict
from fleet.transactions.request import Lane
from fleet.transactions.spending import Account, Spend
from units import Timestamp

_OF_ENTRY = attempts.c.entry_id == bindparam("entry")
_NEW_ATTEMPT = Prepared(insert(attempts))
_KNOWN_ATTEMPTS = Prepared(select(func.count()).where(_OF_ENTRY))
_DROPPED_ATTEMPTS = Prepared(delete(attempts).where(_OF_ENTRY))


class StoredJournal:
    """The journal of one lease."""

    def __init__(self, database: Database, lease: Lease) -> None:
        self._database = database
        self.lease = lease
        self._namespace = lease.namespace
        self._insertion = Prepared(_insertion(lease))
        own = and_(entries.c.id == bindparam("entry"), is_held(lease))
        self._change = Prepared(update(entries).where(own), columns=STATE)
        self._withdrawal = Prepared(delete(entries).where(own))

    async def enter(self, entry: Entry) -> Entry:
        """Writes a new entry, its attempts and its record; raises JournalConflict, see the port."""
        row = {"namespace": self._namespace, "nonce": entry.nonce} | state_columns(entry)
        row |= request_columns(entry.request)
        decision = decision_of(entry.request)

        def work(connection: Connection) -> Entry:
            written = self._insertion.rows(connection, row)
            if not written:
                fence(connection, self.lease)
            entered = replace(entry, id=written[0][0])
            _insert_attempts(connection, entered, known=0)
            if decision is not None:
                keep_decision(connection, entered, decision)
            return entered

        try:
            return await self._database.write(work)
        except IntegrityError as error:
            key = entry.request.idempotency_key
            raise JournalConflict(
                f"nonce {entry.nonce} or work {key} is another entry's"
            ) from error

    async def save(self, entry: Entry) -> None:
        """Writes the entry's present state, with attempts it did not have before."""
        await self._database.write(lambda connection: self._write(connection, entry))

    async def withdraw(self, entry: Entry) -> None:
        """Deletes an entry whose bytes never left, its attempts and its decision."""

        def work(connection: Connection) -> None:
            drop_decision(connection, entry)
            _DROPPED_ATTEMPTS.run(connection, {"entry": entry.id})
            if not self._withdrawal.run(connection, {"entry": entry.id}):
                fence(connection, self.lease)

        await self._database.write(work)

    async def conclude(self, entry: Entry, spend: Spend, stop: str | None) -> None:
        """Writes the entry's last state, what it cost, and a stop if there is one."""

        def work(connection: Connection) -> None:
            self._write(connection, entry)
            book(connection, self._namespace, spend, stop)
            pay(connection, self._namespace, entry, spend)

        await self._database.write(work)

    async def stop(self, lane: Lane, reason: str, since: Timestamp) -> None:
        """Writes that a lane is stopped from now on; nothing when it is already."""

        def work(connection: Connection) -> None:
            await_writes(connection, self.lease)
            fence(connection, self.lease)
            put_stop(connection, self._namespace, lane, reason, since)

        await self._database.write(work)

    async def account(self) -> Account:
        """What was spent in the hours that are kept, and which lanes are stopped."""
        return await read_account(self._database, self._namespace)

    async def unfinished(self) -> tuple[Entry, ...]:
        """Entries that are neither final nor released, in the order of their nonces."""
        wanted = and_(entries.c.namespace == self._namespace, entries.c.state.not_in(JOURNAL_DONE))

        def work(connection: Connection) -> tuple[Entry, ...]:
            await_writes(connection, self.lease)
            rows = connection.execute(select(entries).where(wanted).order_by(entries.c.nonce)).all()
            found = attempts_of(connection, [row.id for row in rows])
            return tuple(entry_of(row, found[row.id]) for row in rows)

        return await self._database.write(work)

    async def next_nonce(self) -> int:
        """One above the highest nonce that was not released; 0 in an empty journal."""
        held = and_(entries.c.namespace == self._namespace, entries.c.state != State.RELEASED.value)

        def work(connection: Connection) -> int:
            await_writes(connection, self.lease)
            highest = connection.scalar(select(func.max(entries.c.nonce)).where(held))
            return 0 if highest is None else highest + 1

        return await self._database.write(work)

    def _write(self, connection: Connection, entry: Entry) -> None:
        if not self._change.run(connection, {"entry": entry.id} | state_columns(entry)):
            fence(connection, self.lease)
        _add_attempts(connection, entry)
        keep_report(connection, entry)


def _insertion(lease: Lease) -> ReturningInsert[Any]:
    """Of one row, or of none once the lease is another's; returns its id."""
    columns = [column for column in entries.c if column is not entries.c.id]
    row = select(*(bindparam(column.name, type_=column.type) for column in columns))
    new = insert(entries).from_select(columns, row.where(is_held(lease)), include_defaults=False)
    return new.returning(entries.c.id)


async def prune_journal(database: Database, *, keep: int) -> int:
    """Forgets what is done with in every namespace, but for its `keep` highest nonces.

    The highest nonce that was not given back is never forgotten: `next_nonce` counts from it. What
    came of a decision that is still kept is kept as well.

    Returns:
        How many entries were forgotten.
    """
    forgotten, some = 0, DELETED_AT_ONCE
    while some == DELETED_AT_ONCE:
        some = await _forget(database, max(keep, 1))
        forgotten += some
    return forgotten


async def _forget(database: Database, keep: int) -> int:
    highest = (
        select(entries.c.namespace, func.max(entries.c.nonce).label("nonce"))
        .where(entries.c.state != State.RELEASED.value)
        .group_by(entries.c.namespace)
        .subquery()
    )
    old = (
        select(entries.c.id)
        .join(highest, highest.c.namespace == entries.c.namespace)
        .where(entries.c.state.in_(JOURNAL_DONE), entries.c.nonce <= highest.c.nonce - keep)
        .where(entries.c.id.not_in(select(decisions.c.entry_id)))
        .limit(DELETED_AT_ONCE)
    )
    async with database.writing() as connection:
        chosen = list(await connection.scalars(old))
        await connection.execute(delete(attempts).where(attempts.c.entry_id.in_(chosen)))
        await connection.execute(delete(entries).where(entries.c.id.in_(chosen)))
    return len(chosen)


def _add_attempts(connection: Connection, entry: Entry) -> None:
    ((known,),) = _KNOWN_ATTEMPTS.rows(connection, {"entry": entry.id})
    _insert_attempts(connection, entry, known=known)


def _insert_attempts(connection: Connection, entry: Entry, *, known: int) -> None:
    new = [
        attempt_columns(entry.id, ordinal, attempt)
        for ordinal, attempt in enumerate(entry.attempts)
        if ordinal >= known
    ]
    _NEW_ATTEMPT.run_all(connection, new)

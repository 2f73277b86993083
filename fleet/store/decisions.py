"""Keeps what liquidations were decided on beside the journal's entries, and what became of them.

A decision is written in the transaction that writes its first signed bytes, so there is one for
everything that ever left, and none for what did not. Texts are the callers'; read by nobody here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from fleet.store.engine import Database
from fleet.store.journal_rows import read_entries
from fleet.store.prepared import Prepared
from fleet.store.tables import JOURNAL_DONE, decisions, payments
from fleet.store.tables import decision_subjects as subjects
from fleet.store.tables import journal_attempts as attempts
from fleet.store.tables import journal_entries as entries
from fleet.transactions.attempt import Entry
from fleet.transactions.request import TransactionRequest
from units import Seconds, Timestamp, TxHash

DELETED_AT_ONCE = 500
"""Rows in one transaction: a sender that waits for its turn to write must not wait long."""

Decision = dict[str, Any]
"""What a request was decided on, by the names of columns."""

_OF_ENTRY = decisions.c.entry_id == bindparam("entry")
_NEW_DECISION = Prepared(insert(decisions), columns=("entry_id", "time", "record"))
_NEW_SUBJECT = Prepared(insert(subjects))
_DROPPED_DECISION = Prepared(delete(decisions).where(_OF_ENTRY))
_DROPPED_SUBJECTS = Prepared(delete(subjects).where(subjects.c.entry_id == bindparam("entry")))
_REPORT = Prepared(update(decisions).where(_OF_ENTRY), columns=("report",))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDecision:
    """One decision with the journal entry that came of it; `report` is None until that is final."""

    namespace: str
    time: Timestamp
    record: str
    report: str | None
    entry: Entry


def decision_of(request: TransactionRequest) -> Decision | None:
    """What a request was decided on, if it says, as it will be kept: long ones take a while."""
    record = request.record
    return None if record is None else {"time": record.time, "record": record.write()}


def keep_decision(connection: Connection, entry: Entry, decision: Decision) -> None:
    """Writes what the entry's request was decided on."""
    _NEW_DECISION.run(connection, {"entry_id": entry.id} | decision)
    named = [{"subject": each, "entry_id": entry.id} for each in entry.request.subjects]
    _NEW_SUBJECT.run_all(connection, named)


def drop_decision(connection: Connection, entry: Entry) -> None:
    """Forgets what an entry was decided on that never left."""
    _DROPPED_SUBJECTS.run(connection, {"entry": entry.id})
    _DROPPED_DECISION.run(connection, {"entry": entry.id})


def keep_report(connection: Connection, entry: Entry) -> None:
    """Writes what became of the entry, if that is known and it was decided on record."""
    if entry.report is not None:
        _REPORT.run(connection, {"entry": entry.id, "report": entry.report})


class StoredDecisions:
    """Decisions of every namespace, as they are looked up by people."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def about(self, subject: str, limit: int) -> tuple[StoredDecision, ...]:
        """Those on one subject, the newest first."""
        wanted = select(subjects.c.entry_id).where(subjects.c.subject == subject)
        return await self._found(wanted, limit)

    async def behind(self, tx_hash: TxHash) -> tuple[StoredDecision, ...]:
        """The one that a transaction was signed for, if it was one."""
        wanted = select(attempts.c.entry_id).where(attempts.c.tx_hash == tx_hash)
        return await self._found(wanted, 1)

    async def _found(self, wanted: Select[tuple[int]], limit: int) -> tuple[StoredDecision, ...]:
        chosen = (
            select(decisions, entries.c.namespace)
            .join(entries, entries.c.id == decisions.c.entry_id)
            .where(decisions.c.entry_id.in_(wanted))
            .order_by(decisions.c.entry_id.desc())
            .limit(limit)
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(chosen)).all()
            ids = [row.entry_id for row in rows]
            found = await connection.run_sync(lambda plain: read_entries(plain, ids))
        return tuple(
            StoredDecision(
                namespace=row.namespace,
                time=Timestamp(row.time),
                record=row.record,
                report=row.report,
                entry=found[row.entry_id],
            )
            for row in rows
        )


async def prune_decisions(database: Database, kept: Seconds) -> int:
    """Forgets decisions on what is done with, when they are older than `kept`.

    By chain time: against the newest time that the store knows, so that no wall clock, right or
    wrong, decides what is forgotten.

    Returns:
        How many were forgotten.
    """
    async with database.reading() as connection:
        newest = await _newest(connection)
    forgotten = 0
    while newest is not None:
        some = await _forget(database, Timestamp(newest - kept))
        forgotten += some
        if some < DELETED_AT_ONCE:
            break
    return forgotten


async def _newest(connection: AsyncConnection) -> int | None:
    known: Sequence[int | None] = [
        await connection.scalar(select(func.max(table.c.time))) for table in (decisions, payments)
    ]
    return max((each for each in known if each is not None), default=None)


async def _forget(database: Database, before: Timestamp) -> int:
    old = (
        select(decisions.c.entry_id)
        .join(entries, entries.c.id == decisions.c.entry_id)
        .where(decisions.c.time < before, entries.c.state.in_(JOURNAL_DONE))
        .limit(DELETED_AT_ONCE)
    )
    async with database.writing() as connection:
        chosen = list(await connection.scalars(old))
        await connection.execute(delete(subjects).where(subjects.c.entry_id.in_(chosen)))
        await connection.execute(delete(decisions).where(decisions.c.entry_id.in_(chosen)))
    return len(chosen)

"""What the journal writes with statements made once is what SQLAlchemy writes by itself."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from fleet.store.engine import Database, open_database
from fleet.store.journal import StoredJournal
from fleet.store.prepared import Prepared, Row
from fleet.store.tables import (
    decision_subjects,
    decisions,
    journal_attempts,
    journal_entries,
    payments,
    spend_hours,
    spend_stops,
)
from fleet.transactions.attempt import Ending, Entry, Inclusion, State, reserved
from fleet.transactions.request import Lane, Record
from fleet.transactions.spending import HOUR_S, WINDOW_HOURS, Spend
from tests.unit.fleet.store.test_journal import attempt, journal_of, request
from units import BlockHash, BlockNumber, Timestamp, Wei

WRITTEN = (
    journal_entries,
    journal_attempts,
    decisions,
    decision_subjects,
    payments,
    spend_hours,
    spend_stops,
)
HOURS = (5, 5, 6, 5 + WINDOW_HOURS)
"""In which transactions become final: two in one, the next, and one when the first is forgotten."""


def by_sqlalchemy(monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(self: Prepared, connection: Connection, row: Row) -> Any:
        return connection.execute(self._statement, row).all()

    def run(self: Prepared, connection: Connection, row: Row) -> int:
        return connection.execute(self._statement, row).rowcount

    def run_all(self: Prepared, connection: Connection, rows: list[Row]) -> None:
        if rows:
            connection.execute(self._statement, rows)

    for name, way in {"rows": rows, "run": run, "run_all": run_all}.items():
        monkeypatch.setattr(Prepared, name, way)


async def lives(journal: StoredJournal) -> None:
    """Several transactions, each with a replacement, and with a record but for the last."""
    for nonce, hour in enumerate(HOURS):
        seen = await _sent(journal, nonce)
        spend = Spend(
            nonce=nonce,
            lane=seen.request.lane,
            fee=Wei(2**70 + nonce),
            time=Timestamp(hour * HOUR_S),
            had_effect=nonce != 1,
        )
        await journal.conclude(_ended(seen), spend, "too much" if nonce > 1 else None)
    left = await _sent(journal, 50)
    await journal.stop(Lane.FUNDING, "by hand", Timestamp(7))
    await journal.stop(Lane.FUNDING, "once more", Timestamp(8))
    await journal.save(replace(left, state=State.BROADCAST))
    await journal.withdraw(await _sent(journal, 51))


async def _sent(journal: StoredJournal, nonce: int) -> Entry:
    record = Record(time=Timestamp(nonce), write=lambda: f"it's of {nonce} €")
    wanted = replace(request(f"work {nonce}", spend=2**80), decided_at=BlockNumber(4))
    if nonce != len(HOURS) - 1:
        wanted = replace(wanted, subjects=(f"a{nonce}", "b"), record=record)
    entry = replace(reserved(wanted, nonce), state=State.SIGNED, attempts=(attempt(0),))
    entered = await journal.enter(entry)
    again = replace(entered, attempts=(attempt(0), attempt(1, tip=2**65)))
    await journal.save(again)
    await journal.save(replace(again, state=State.SEEN))
    return replace(again, state=State.SEEN)


def _ended(entry: Entry) -> Entry:
    mined = Inclusion(
        tx_hash=entry.newest.tx_hash, block=BlockNumber(9), block_hash=BlockHash("0x" + "cd" * 32)
    )
    how = Ending.SUCCEEDED if entry.nonce else Ending.REVERTED
    return replace(entry, state=State.FINAL, ending=how, inclusion=mined, report="gone")


async def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    async with database.reading() as connection:
        found = {each.name: (await connection.execute(select(each))).all() for each in WRITTEN}
    return {name: sorted(map(tuple, rows)) for name, rows in found.items()}


async def test_journal__whole_lives__leave_what_sqlalchemys_own_statements_leave(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lives(await journal_of(database))
    plain = await open_database(f"sqlite+aiosqlite:///{tmp_path}/plain.db")
    with monkeypatch.context() as patched:
        by_sqlalchemy(patched)
        await lives(await journal_of(plain))
    ours, theirs = await everything(database), await everything(plain)
    await plain.close()
    assert ours == theirs
    assert {name: len(rows) for name, rows in ours.items()} == {
        "journal_entries": 5,
        "journal_attempts": 10,
        "decisions": 4,
        "decision_subjects": 8,
        "payments": 4,
        "spend_hours": 2,
        "spend_stops": 2,
    }

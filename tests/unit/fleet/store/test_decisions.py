"""What was decided is in the store exactly when the bytes that came of it are."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from fleet.store import decisions as kept
from fleet.store.decisions import StoredDecisions, prune_decisions
from fleet.store.engine import Database
from fleet.store.journal import StoredJournal, prune_journal
from fleet.store.tables import decision_subjects, payments
from fleet.transactions.attempt import Ending, Entry, Inclusion, State, reserved
from fleet.transactions.journal import JournalConflict
from fleet.transactions.request import Lane, Record, TransactionRequest
from fleet.transactions.spending import Spend
from tests.unit.fleet.store.test_journal import attempt, journal_of, request
from units import BlockHash, BlockNumber, Seconds, Timestamp, Wei

DAY = 24 * 3_600


@pytest.fixture
async def journal(database: Database) -> StoredJournal:
    return await journal_of(database)


@pytest.fixture
def decisions(database: Database) -> StoredDecisions:
    return StoredDecisions(database)


def liquidating(*subjects: str, at: int = 0, key: str = "push:1") -> TransactionRequest:
    record = Record(time=Timestamp(at), write=lambda: f"grounds of {key}")
    return replace(request(key), subjects=subjects, record=record)


async def entered(journal: StoredJournal, wanted: TransactionRequest, nonce: int = 0) -> Entry:
    entry = replace(reserved(wanted, nonce), state=State.SIGNED, attempts=(attempt(nonce),))
    return await journal.enter(entry)


async def concluded(
    journal: StoredJournal, wanted: TransactionRequest, nonce: int = 0, *, at: int = 0
) -> Entry:
    entry = await entered(journal, wanted, nonce)
    mined = Inclusion(
        tx_hash=entry.newest.tx_hash, block=BlockNumber(9), block_hash=BlockHash("0x" + "cd" * 32)
    )
    done = replace(
        entry, state=State.FINAL, ending=Ending.SUCCEEDED, inclusion=mined, report="all done"
    )
    spend = Spend(nonce=nonce, lane=Lane.PRICE, fee=Wei(2**70), time=Timestamp(at), had_effect=True)
    await journal.conclude(done, spend, None)
    return done


async def test_enter__a_request_with_a_record__is_found_by_subject_and_by_every_hash(
    journal: StoredJournal, decisions: StoredDecisions
) -> None:
    entry = await entered(journal, liquidating("aa", "bb", at=7))
    bumped = replace(entry, attempts=(attempt(0), attempt(1)))
    await journal.save(bumped)
    (found,) = await decisions.about("aa", 10)
    assert (found.namespace, found.time, found.report) == ("feeder:0xabc", 7, None)
    assert found.record == "grounds of push:1"
    assert found.entry.attempts == bumped.attempts
    assert await decisions.about("bb", 10) == (found,)
    assert await decisions.behind(attempt(1).tx_hash) == (found,)
    assert await decisions.about("cc", 10) == ()
    assert await decisions.behind(attempt(2).tx_hash) == ()


async def test_enter__refused_by_the_journal__leaves_no_decision(
    journal: StoredJournal, decisions: StoredDecisions
) -> None:
    await entered(journal, liquidating("aa", key="push:1"))
    with pytest.raises(JournalConflict):
        await entered(journal, liquidating("bb", key="push:2"))
    assert await decisions.about("bb", 10) == ()


async def test_enter__a_record_that_cannot_be_kept__keeps_the_bytes_out_as_well(
    journal: StoredJournal, decisions: StoredDecisions
) -> None:
    with pytest.raises(JournalConflict):
        await entered(journal, liquidating("aa", "aa"))
    assert await journal.unfinished() == ()
    assert await journal.next_nonce() == 0
    assert await decisions.behind(attempt(0).tx_hash) == ()


async def test_enter__without_a_record__is_no_decision(
    journal: StoredJournal, decisions: StoredDecisions
) -> None:
    await entered(journal, replace(request(), subjects=("aa",)))
    assert await decisions.about("aa", 10) == ()


async def test_withdraw__bytes_that_never_left__leave_nothing(
    database: Database, journal: StoredJournal, decisions: StoredDecisions
) -> None:
    before = await entered(journal, liquidating("aa", key="push:1"))
    await journal.withdraw(await entered(journal, liquidating("aa", "bb", key="push:2"), 1))
    assert await decisions.about("bb", 10) == ()
    assert [each.entry.id for each in await decisions.about("aa", 10)] == [before.id]
    assert await decisions.behind(attempt(1).tx_hash) == ()
    assert await journal.next_nonce() == 1
    again = await entered(journal, liquidating("aa", "bb", key="push:2"), 1)
    assert len(await decisions.about("aa", 10)) == len({before.id, again.id})


async def test_conclude__with_a_report__is_told_beside_the_decision_and_paid_for_ever(
    database: Database, journal: StoredJournal, decisions: StoredDecisions
) -> None:
    done = await concluded(journal, liquidating("aa"), 3)
    (found,) = await decisions.about("aa", 10)
    assert (found.report, found.entry) == (
        "all done",
        replace(done, report=None, request=found.entry.request),
    )
    assert found.entry.request.record is None
    async with database.reading() as connection:
        (paid,) = (await connection.execute(select(payments))).all()
    assert (paid.nonce, paid.fee, paid.tx_hash) == (3, str(2**70), attempt(3).tx_hash)
    assert (paid.lane, paid.had_effect) == (Lane.PRICE.value, True)


async def test_about__several__has_the_newest_first_up_to_the_limit(
    journal: StoredJournal, decisions: StoredDecisions
) -> None:
    for nonce in range(3):
        await entered(journal, liquidating("aa", key=f"push:{nonce}"), nonce)
    found = await decisions.about("aa", 2)
    assert [each.entry.nonce for each in found] == [2, 1]


async def test_prune__older_than_kept_by_chain_time__goes_unless_it_is_in_flight(
    database: Database, journal: StoredJournal, decisions: StoredDecisions
) -> None:
    await concluded(journal, liquidating("old", key="a", at=0), 0)
    await entered(journal, liquidating("in flight", key="b", at=0), 1)
    await concluded(journal, liquidating("young", key="c", at=DAY), 2)
    assert await prune_decisions(database, Seconds(DAY)) == 0
    await concluded(journal, request("a price alone"), 3, at=DAY + 1)
    assert await prune_decisions(database, Seconds(DAY)) == 1
    left = [bool(await decisions.about(each, 1)) for each in ("old", "in flight", "young")]
    assert left == [False, True, True]
    async with database.reading() as connection:
        assert await connection.scalar(select(func.count()).select_from(decision_subjects)) == 2
        assert await connection.scalar(select(func.count()).select_from(payments)) == 3


async def test_prune__more_than_are_deleted_at_once__all_of_them(
    database: Database, journal: StoredJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "DELETED_AT_ONCE", 3)
    for nonce in range(8):
        await concluded(journal, liquidating("aa", key=f"work {nonce}", at=nonce), nonce)
    assert await prune_decisions(database, Seconds(0)) == 7  # the newest is not older
    assert await prune_decisions(database, Seconds(0)) == 0


async def test_prune_journal__entries_of_kept_decisions__stay_with_their_bytes(
    database: Database, journal: StoredJournal, decisions: StoredDecisions
) -> None:
    await concluded(journal, liquidating("aa", key="a"), 0)
    await concluded(journal, request("b"), 1)
    await concluded(journal, request("c"), 2, at=DAY)
    assert await prune_journal(database, keep=1) == 1
    (found,) = await decisions.about("aa", 1)
    assert found.entry.attempts == (attempt(0),)
    assert await prune_decisions(database, Seconds(1)) == 1
    assert await prune_journal(database, keep=1) == 1

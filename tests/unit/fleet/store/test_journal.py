"""The journal across restarts: what was saved is what is read, and the database keeps its rules."""

from dataclasses import replace

import pytest

from fleet.store.engine import Database, open_database
from fleet.store.journal import StoredJournal, prune_journal
from fleet.transactions.attempt import Attempt, Ending, Entry, Inclusion, Kind, State, reserved
from fleet.transactions.fees import Fee
from fleet.transactions.journal import JournalConflict
from fleet.transactions.request import Lane, TransactionRequest
from tests.unit.fleet.store.inheritance import inherit
from units import Address, BlockHash, BlockNumber, TxHash, Wei


def request(key: str = "push:1", *, spend: int | None = None) -> TransactionRequest:
    return TransactionRequest(
        to=Address("0x" + "11" * 20),
        data=b"\x00\xff" * 40,
        gas_limit=300_000,
        lane=Lane.PRICE,
        idempotency_key=key,
        valid_until=BlockNumber(5_000_025),
        purpose="push 1 price",
        value=Wei(10**30),
        spend_limit=None if spend is None else Wei(spend),
    )


def attempt(number: int = 0, *, tip: int | None = None) -> Attempt:
    return Attempt(
        tx_hash=TxHash("0x" + f"{number:064x}"),
        raw=b"\x02" + bytes([number]) * 100,
        fee=Fee(max_fee=2**70 + number, tip=tip),
        kind=Kind.PAYLOAD if number == 0 else Kind.NOTHING,
        block=BlockNumber(5_000_000 + number),
    )


async def reopened(url: str, database: Database | None = None) -> Database:
    if database is not None:
        await database.close()
    return await open_database(url)


async def journal_of(
    database: Database, name: str = "feeder", account: str = "0xabc"
) -> StoredJournal:
    return await inherit(database, name, Address(account))


async def test_entry__saved_at_every_stage__is_read_back_the_same_after_a_restart(
    store_url: str,
) -> None:
    database = await reopened(store_url)
    entry = await (await journal_of(database)).enter(reserved(request(spend=2**80), 7))
    stages: list[Entry] = [entry]
    signed = replace(entry, state=State.SIGNED, attempts=(attempt(0),))
    again = replace(signed, state=State.SEEN, attempts=(attempt(0), attempt(1, tip=2**65)))
    mined = replace(
        again,
        state=State.MINED,
        ending=Ending.REVERTED,
        inclusion=Inclusion(
            tx_hash=attempt(1).tx_hash, block=BlockNumber(9), block_hash=BlockHash("0x" + "ab" * 32)
        ),
    )
    stages += [signed, again, mined]
    for stage in stages:
        await (await journal_of(database)).save(stage)
        database = await reopened(store_url, database)
        assert await (await journal_of(database)).unfinished() == (stage,)
    await database.close()


async def test_entry__undone_by_a_reorganisation__forgets_where_it_was(store_url: str) -> None:
    database = await reopened(store_url)
    journal = await journal_of(database)
    entry = await journal.enter(reserved(request(), 0))
    inclusion = Inclusion(
        tx_hash=attempt().tx_hash, block=BlockNumber(9), block_hash=BlockHash("0x" + "cd" * 32)
    )
    signed = replace(entry, state=State.SIGNED, attempts=(attempt(),))
    await journal.save(replace(signed, state=State.MINED, inclusion=inclusion))
    back = replace(signed, state=State.BROADCAST, inclusion=None)
    await journal.save(back)
    assert await journal.unfinished() == (back,)
    await database.close()


async def test_reserve__nonce_or_work_of_another_entry__is_refused(store_url: str) -> None:
    database = await reopened(store_url)
    journal = await journal_of(database)
    await journal.enter(reserved(request("a"), 3))
    with pytest.raises(JournalConflict, match="nonce 3"):
        await journal.enter(reserved(request("b"), 3))
    with pytest.raises(JournalConflict, match="work a"):
        await journal.enter(reserved(request("a"), 4))
    other = await journal_of(database, "funding", "0xdef")
    assert (await other.enter(reserved(request("a"), 3))).nonce == 3
    await database.close()


async def test_reserve__after_the_work_ended_or_the_nonce_was_given_back__is_allowed(
    store_url: str,
) -> None:
    database = await reopened(store_url)
    journal = await journal_of(database)
    ended = await journal.enter(reserved(request("a"), 0))
    await journal.save(replace(ended, state=State.FINAL, ending=Ending.EXPIRED))
    released = await journal.enter(reserved(request("a"), 1))
    await journal.save(replace(released, state=State.RELEASED))
    assert await journal.next_nonce() == 1
    assert (await journal.enter(reserved(request("a"), 1))).nonce == 1
    assert await journal.next_nonce() == 2
    await database.close()


async def test_next_nonce__empty_or_only_released__is_zero(store_url: str) -> None:
    database = await reopened(store_url)
    journal = await journal_of(database)
    assert await journal.next_nonce() == 0
    entry = await journal.enter(reserved(request(), 0))
    await journal.save(replace(entry, state=State.RELEASED))
    assert await journal.next_nonce() == 0
    assert await journal.unfinished() == ()
    await database.close()


async def test_prune__old_final_entries__go_with_their_bytes_and_the_nonce_count_stays(
    store_url: str,
) -> None:
    database = await reopened(store_url)
    journal = await journal_of(database)
    for nonce in range(10):
        entry = await journal.enter(reserved(request(f"work {nonce}"), nonce))
        state = State.SEEN if nonce == 2 else State.FINAL
        ending = None if nonce == 2 else Ending.SUCCEEDED
        await journal.save(replace(entry, state=state, ending=ending, attempts=(attempt(nonce),)))
    assert await prune_journal(database, keep=3) == 6  # 0, 1, 3, 4, 5, 6; 2 is still in flight
    assert await journal.next_nonce() == 10
    assert [entry.nonce for entry in await journal.unfinished()] == [2]
    assert await prune_journal(database, keep=0) == 2
    assert await journal.next_nonce() == 10
    await database.close()


async def test_prune__the_newest_nonces_were_given_back__the_count_stays_that_of_what_was_sent(
    store_url: str,
) -> None:
    database = await reopened(store_url)
    journal = await journal_of(database)
    for nonce in range(6):
        entry = await journal.enter(reserved(request(f"work {nonce}"), nonce))
        is_given_back = nonce > 2
        ending = None if is_given_back else Ending.SUCCEEDED
        state = State.RELEASED if is_given_back else State.FINAL
        await journal.save(replace(entry, state=state, ending=ending, attempts=(attempt(nonce),)))
    assert await prune_journal(database, keep=1) == 2  # 0 and 1
    assert await journal.next_nonce() == 3
    await database.close()

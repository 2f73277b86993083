"""Spending is written with the journal's entries, and survives everything but a reset."""

from dataclasses import replace

import pytest

from fleet.store.engine import Database
from fleet.store.journal import StoredJournal
from fleet.store.spending import reset, stopped_lanes
from fleet.transactions.attempt import Ending, State, reserved
from fleet.transactions.request import Lane
from fleet.transactions.spending import HOUR_S, WINDOW_HOURS, Spend, Spent
from tests.unit.fleet.store.test_journal import attempt, journal_of, request
from units import Timestamp, Wei

NAME = "feeder:0xabc"


@pytest.fixture
async def journal(database: Database) -> StoredJournal:
    return await journal_of(database)


def spend(fee: int, *, hour: int = 0, had_effect: bool = True, nonce: int = 0) -> Spend:
    return Spend(
        nonce=nonce,
        lane=Lane.PRICE,
        fee=Wei(fee),
        time=Timestamp(hour * HOUR_S),
        had_effect=had_effect,
    )


async def conclude(
    journal: StoredJournal, nonce: int, cost: Spend, stop: str | None = None
) -> None:
    entry = await journal.enter(reserved(request(f"work {nonce}"), nonce))
    done = replace(entry, state=State.FINAL, ending=Ending.SUCCEEDED, attempts=(attempt(),))
    await journal.conclude(done, cost, stop)


async def test_conclude__several__entries_end_and_their_cost_is_summed_by_hour(
    journal: StoredJournal,
) -> None:
    await conclude(journal, 0, spend(2**70))
    await conclude(journal, 1, spend(5, had_effect=False))
    await conclude(journal, 2, spend(7, hour=1))
    assert await journal.unfinished() == ()
    assert (await journal.account()).hours == {
        (Lane.PRICE, 0): Spent(with_effect=2**70, without_effect=5),
        (Lane.PRICE, 1): Spent(with_effect=7),
    }


async def test_conclude__a_day_later__old_hours_are_forgotten(journal: StoredJournal) -> None:
    await conclude(journal, 0, spend(1))
    await conclude(journal, 1, spend(2, hour=WINDOW_HOURS))
    assert list((await journal.account()).hours) == [(Lane.PRICE, WINDOW_HOURS)]


async def test_reset__stopped_lane__goes_on_with_a_clean_slate_and_others_keep_theirs(
    database: Database, journal: StoredJournal
) -> None:
    other = await journal_of(database, "liquidator", "0xdef")
    await conclude(journal, 0, spend(9, had_effect=False), "too much")
    await conclude(other, 0, spend(9, had_effect=False), "too much as well")
    assert (await journal.account()).stopped == {Lane.PRICE: "too much"}
    assert await stopped_lanes(database) == {
        NAME: {Lane.PRICE: "too much"},
        "liquidator:0xdef": {Lane.PRICE: "too much as well"},
    }
    await reset(database, NAME, Lane.PRICE)
    account = await journal.account()
    assert (account.hours, account.stopped) == ({}, {})
    assert list(await stopped_lanes(database)) == ["liquidator:0xdef"]


async def test_reset__some_of_it_is_not_final_yet__does_not_count_when_it_is(
    database: Database, journal: StoredJournal
) -> None:
    waiting = await journal.enter(reserved(request("waiting"), 0))
    await journal.stop(Lane.PRICE, "too much, not final yet", Timestamp(0))
    await journal.stop(Lane.PRICE, "found once more", Timestamp(1))
    assert await stopped_lanes(database) == {NAME: {Lane.PRICE: "too much, not final yet"}}
    await reset(database, NAME, Lane.PRICE)
    assert (await journal.account()).forgiven == {Lane.PRICE: 1}
    done = replace(waiting, state=State.FINAL, ending=Ending.REVERTED, attempts=(attempt(),))
    await journal.conclude(done, spend(9, had_effect=False, nonce=0), None)
    assert (await journal.account()).hours == {}
    await conclude(journal, 1, spend(3, had_effect=False, nonce=1))
    assert (await journal.account()).hours == {(Lane.PRICE, 0): Spent(without_effect=3)}
    await reset(database, NAME, Lane.PRICE)
    assert (await journal.account()).forgiven == {Lane.PRICE: 2}


async def test_reset__the_newest_nonce_was_given_back__whatever_gets_it_then_counts(
    database: Database, journal: StoredJournal
) -> None:
    released = await journal.enter(reserved(request("refused"), 0))
    await journal.save(replace(released, state=State.RELEASED))
    await reset(database, NAME, Lane.PRICE)
    await conclude(journal, 0, spend(9, had_effect=False, nonce=0))
    assert (await journal.account()).hours == {(Lane.PRICE, 0): Spent(without_effect=9)}


async def test_reset__nothing_was_ever_sent__forgives_nothing(
    database: Database, journal: StoredJournal
) -> None:
    await reset(database, NAME, Lane.PRICE)
    assert (await journal.account()).forgiven == {Lane.PRICE: 0}

"""One row a watch: a reading that is given up is gone on with, and never mixes two moments."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import update

from fleet.store.engine import Database
from fleet.store.tables import warning_watches
from fleet.store.warnings import StoredWarnings
from fleet.store.watches import watch_of, words_of
from keepers.warnings.tiers import Watch
from tests.unit.fleet.store.test_warnings import NOTHING, WATCH, key

ALL = {key(number): WATCH for number in range(1, 10)}


async def give_up(store: StoredWarnings, after: int) -> None:
    """Begins to load, and is cancelled when so many watches are read."""
    left = after

    def read(words: str) -> Watch:
        nonlocal left
        left -= 1
        if not left:
            loading.cancel()
        return watch_of(words)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fleet.store.watches.watch_of", read)
        async with asyncio.TaskGroup() as group:
            loading = group.create_task(store.load())
    assert loading.cancelled()


@pytest.fixture
async def store(database: Database, monkeypatch: pytest.MonkeyPatch) -> StoredWarnings:
    monkeypatch.setattr("fleet.store.watches._ROWS_A_TURN", 2)
    stored = StoredWarnings(database)
    await stored.commit(replace(NOTHING, watches=ALL))
    return stored


def test_words__of_a_watch__are_short_and_say_all() -> None:
    assert words_of(WATCH) == "3500s2 2500r1f 2000a1@7"
    assert watch_of(words_of(WATCH)) == WATCH
    assert watch_of(words_of(WATCH)) is watch_of("3500s2 2500r1f 2000a1@7")


@pytest.mark.parametrize("words", ["3500x1", "3500a", "3500a1 2500", "a1", "3500a1@"])
def test_watch__words_that_nobody_writes__are_refused(words: str) -> None:
    with pytest.raises(ValueError, match="the store's warnings say"):
        watch_of(words)


async def test_load__given_up__goes_on_where_it_was(
    database: Database, store: StoredWarnings
) -> None:
    await give_up(store, after=4)
    unnoticed = update(warning_watches).values(tiers=words_of(WATCH[:1]))
    async with database.writing() as connection:  # no commit of the warnings: nobody counts it
        await connection.execute(unnoticed)

    found = (await store.load()).watches

    assert list(found) == list(ALL)
    assert list(found.values())[:4] == [WATCH] * 4, "they were not read again"
    assert found[key(9)] == WATCH[:1]


async def test_load__given_up_and_somebody_wrote__begins_anew(
    database: Database, store: StoredWarnings
) -> None:
    await give_up(store, after=4)
    moved = {key(1): WATCH[:1], key(8): WATCH[:1]}
    await StoredWarnings(database).commit(replace(NOTHING, watches=moved, gone=frozenset({key(2)})))

    expected = {name: watch for name, watch in (ALL | moved).items() if name != key(2)}
    assert (await store.load()).watches == expected


async def test_load__twice__is_not_the_same_dictionary(store: StoredWarnings) -> None:
    first = await store.load()
    first.watches.clear()  # whoever asked has taken it over
    assert (await store.load()).watches == ALL

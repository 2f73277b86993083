"""People hear of a book that was not the chain's, once for each time."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from fleet.chain.failures import NodeUnavailable
from fleet.store.engine import open_database
from fleet.wiring.book_watch import BookWatch
from keepers.liquidation.rebuilds import FollowerCounts, RebuildReason
from tests.unit.fleet.wiring.test_feed_watch import Store
from tests.unit.oracle.simulated import head


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await open_database(f"sqlite+aiosqlite:///{tmp_path}/store.db")
    yield Store(opened)
    await opened.close()


class Past:
    """What a follower went through, as a test says."""

    def __init__(self) -> None:
        self.counts = FollowerCounts()

    def mismatch(self) -> None:
        count = self.counts.mismatches + 1
        self.counts = replace(self.counts, mismatches=count, last_mismatch="market 8: book 1")


def watch_of(past: Past, store: Store) -> BookWatch:
    return BookWatch("liquidator", past, store.opened)


async def test_look__book_differed__is_told_once_each_time(store: Store) -> None:
    past = Past()
    watch = watch_of(past, store)
    past.counts = FollowerCounts(rebuilds={RebuildReason.START: 1})
    await watch.look(head(100))
    assert await store.told() == []
    past.mismatch()
    await watch.look(head(101))
    await watch.look(head(102))
    assert await store.told() == [("page", "book-mismatch-liquidator-101")]
    past.mismatch()
    await watch.look(head(110))
    assert len(await store.told()) == 2


async def test_look__nothing_to_tell__asks_for_no_store(store: Store) -> None:
    store.failure = AssertionError("nobody needs it")
    await watch_of(Past(), store).look(head(100))
    store.failure = None
    assert await store.told() == []


async def test_look__store_is_away__is_told_when_it_is_back(store: Store) -> None:
    past = Past()
    watch = watch_of(past, store)
    past.mismatch()
    store.failure = NodeUnavailable("away")
    await watch.look(head(101))
    store.failure = None
    await watch.look(head(102))
    assert await store.told() == [("page", "book-mismatch-liquidator-101")]

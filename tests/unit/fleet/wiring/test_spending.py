"""What people hear of what a lane spends."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from fleet.store.engine import Database, open_database
from fleet.store.server import StoreAway
from fleet.transactions.request import Lane
from fleet.transactions.sender import SenderStatus
from fleet.transactions.spending import Spent
from fleet.wiring.spending import SpendWatch
from tests.unit.fleet.runtime.streams import head

CALM = SenderStatus(
    in_flight={},
    unsettled={},
    next_nonce=0,
    is_held=False,
    stopped={},
    half_spent=frozenset(),
    day={lane: Spent(with_effect=7) for lane in Lane},
    oldest=None,
    problem=None,
)
STOPPED = replace(CALM, stopped={Lane.LIQUIDATION: "7.000 TAO without effect in a day"})


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await open_database(f"sqlite+aiosqlite:///{tmp_path}/store.db")
    yield opened
    await opened.close()


@pytest.fixture
def watch(database: Database) -> SpendWatch:
    async def opened() -> Database:
        return database

    return SpendWatch(name="feeder", opened=opened)


async def told(database: Database) -> list[tuple[str, str]]:
    async with database.reading() as connection:
        rows = await connection.exec_driver_sql("SELECT severity, title FROM outbox")
        return [(row.severity, row.title) for row in rows]


async def test_look__nothing_to_tell__tells_nothing(watch: SpendWatch, database: Database) -> None:
    await watch.look(None, head(1))
    await watch.look(CALM, head(2))
    assert await told(database) == []


async def test_look__a_lane_is_stopped__pages_once_with_what_to_do(
    watch: SpendWatch, database: Database
) -> None:
    for number in range(1, 5):
        await watch.look(STOPPED, head(number))
    assert await told(database) == [("page", "feeder: lane liquidation is stopped")]
    async with database.reading() as connection:
        body = (await connection.exec_driver_sql("SELECT body FROM outbox")).scalar_one()
    assert "7.000 TAO without effect" in body
    assert "keepers spend reset feeder liquidation" in body


async def test_look__stopped_again_after_a_reset__pages_again(
    watch: SpendWatch, database: Database
) -> None:
    await watch.look(STOPPED, head(1))
    await watch.look(CALM, head(2))
    await watch.look(STOPPED, head(1_000))
    assert len(await told(database)) == 2


async def test_look__half_of_the_ceiling__pages_and_says_that_it_goes_on(
    watch: SpendWatch, database: Database
) -> None:
    await watch.look(replace(CALM, half_spent=frozenset({Lane.PRICE})), head(1))
    assert await told(database) == [("page", "feeder: lane price has spent half of its ceiling")]


async def test_look__the_store_is_away__costs_nothing_and_is_told_by_the_next_one(
    database: Database,
) -> None:
    is_away = True

    async def opened() -> Database:
        if is_away:
            raise StoreAway("the store does not answer")
        return database

    watch = SpendWatch(name="feeder", opened=opened)
    await watch.look(STOPPED, head(1))
    assert await told(database) == []
    is_away = False
    await watch.look(STOPPED, head(2))
    assert await told(database) == [("page", "feeder: lane liquidation is stopped")]

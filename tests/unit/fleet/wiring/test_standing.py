"""What a process says of itself: to its work, and of its store."""

import asyncio
import math
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from fleet.runtime.clock import SystemClock
from fleet.store.engine import Database, open_database
from fleet.store.lease import Claim
from fleet.store.server import StoreAway
from fleet.telemetry.store_metrics import StoreMetrics
from fleet.wiring.standing import Standing, measuring
from fleet.wiring.tenure import Tenure
from tests.unit.fleet.wiring.simulated import KEY, Wall
from tests.unit.oracle.sources.node import until


class Store:
    """A database that answers, or does not."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.is_away = False

    async def opened(self) -> Database:
        if self.is_away:
            raise StoreAway("the store does not answer")
        return self._database


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    database = await open_database(f"sqlite+aiosqlite:///{tmp_path / 'store.sqlite3'}")
    yield Store(database)
    await database.close()


def standing(tenure: Tenure | None) -> Standing:
    return Standing(version="1", network="devnet", account=KEY, tenure=tenure)


async def test_standing__before_and_while_it_leads__says_which_and_with_which_epoch(
    store: Store,
) -> None:
    claims = [Claim(name="all", account=KEY), Claim(name="warnings", account=None)]
    tenure = Tenure(opened=store.opened, claims=claims, ttl_s=15, clock=SystemClock())
    before = standing(tenure)()
    assert (before["role"], before["may_decide"], before["epochs"]) == ("standby", False, {})
    assert before["workloads"] == ["all", "warnings"]
    async with tenure.kept():
        await tenure.lead()
        leading = standing(tenure)()
        assert (leading["role"], leading["may_decide"]) == ("leader", True)
        assert leading["epochs"] == {"all": 1, "warnings": 1}
        assert leading["store_silent_s"] == pytest.approx(0, abs=5)


def test_standing__of_a_process_that_does_nothing_alone__is_an_onlookers() -> None:
    assert standing(None)()["role"] == "onlooker"


async def test_measuring__store_answers_or_not__is_its_size_or_unknown(
    store: Store, wall: Wall
) -> None:
    registry = CollectorRegistry()

    def size() -> float:
        return registry.get_sample_value("megatao_store_bytes") or 0.0

    async with asyncio.TaskGroup() as group:
        measure = measuring(store.opened, StoreMetrics(registry), wall)
        task = group.create_task(measure())
        await until(lambda: size() > 0)
        store.is_away = True
        await wall.pass_(60)
        await until(lambda: math.isnan(size()))
        store.is_away = False
        await wall.pass_(60)
        await until(lambda: size() > 0)
        task.cancel()

"""A process and its key: waiting for it, keeping it, losing it and giving it back."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from fleet.chain.failures import NodeUnavailable
from fleet.runtime.clock import SystemClock
from fleet.runtime.health import Health
from fleet.store.engine import Database, open_database
from fleet.store.lease import Claim, LeaseTaken
from fleet.store.tables import leases
from fleet.transactions.journal import Fenced
from fleet.wiring.tenure import LEASE, Role, Tenure
from tests.unit.fleet.store.inheritance import inherit
from tests.unit.fleet.wiring.simulated import KEY, Wall
from tests.unit.oracle.sources.node import until

TTL_S = 15
AWAY = OperationalError("BEGIN IMMEDIATE", {}, Exception("database is locked"))


class Store:
    """A database that answers, or is away; every asking of it is counted."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.outage: Exception | None = None
        self.is_inherited = False
        self.asked = 0

    async def opened(self) -> Database:
        self.asked += 1
        if self.outage is not None:
            raise self.outage
        return self.database

    async def trouble(self) -> None:
        """What happens to the holder: the database goes away, or somebody comes."""
        if self.is_inherited:
            await inherit(self.database, "all", KEY)
        else:
            self.outage = AWAY

    async def expires_ms(self) -> int:
        async with self.database.reading() as connection:
            return int(await connection.scalar(select(leases.c.expires_ms)) or 0)

    async def expire(self) -> None:
        async with self.database.writing() as connection:
            await connection.execute(update(leases).values(expires_ms=1))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    database = await open_database(f"sqlite+aiosqlite:///{tmp_path / 'store.sqlite3'}")
    yield Store(database)
    await database.close()


def tenure(store: Store, wall: Wall | SystemClock, name: str = "all") -> Tenure:
    claims = [Claim(name=name, account=KEY)]
    return Tenure(opened=store.opened, claims=claims, ttl_s=TTL_S, clock=wall)


async def settle_down(wall: Wall, seconds: int) -> None:
    """Lets time pass; every second whoever keeps the lease has its answer and sleeps again."""
    for _ in range(seconds):
        await wall.pass_(1)
        await until(lambda: any(not sleeper.done() for _, _, sleeper in wall._sleepers))


async def keep(mine: Tenure, store: Store, wall: Wall, *, seconds: int) -> None:
    """Leads, and goes on for so long after something happens to the store."""
    async with mine.kept():
        await mine.lease()
        await store.trouble()
        await settle_down(wall, seconds)


async def test_lease__wanted_twice__is_taken_once_and_given_back_at_the_end(
    store: Store, wall: Wall
) -> None:
    mine, yours = tenure(store, wall), tenure(store, wall)
    async with mine.kept():
        assert not mine.is_leading
        assert await mine.lease() is await mine.lease()
        assert mine.is_leading
        with pytest.raises(LeaseTaken):
            await yours.lease()
    assert not mine.is_leading
    assert (await yours.lease()).epoch == 2


async def test_kept__nothing_was_wanted__asks_nobody(store: Store, wall: Wall) -> None:
    async with tenure(store, wall).kept():
        pass
    assert store.asked == 0


async def test_kept__as_long_as_the_block_runs__is_renewed_ten_times_in_its_time(
    store: Store, wall: Wall
) -> None:
    mine = tenure(store, wall)
    async with mine.kept():
        await mine.lease()
        await store.expire()
        asked = store.asked
        await settle_down(wall, 1)
        assert (store.asked, await store.expires_ms()) == (asked, 1)
        await settle_down(wall, 1)
        assert store.asked == asked + 1
        assert await store.expires_ms() > 1
        await settle_down(wall, TTL_S)
        assert store.asked == asked + 8  # this wall's clock knows whole seconds


async def test_kept__somebody_took_it__ends_the_block_and_never_has_it_again(
    store: Store, wall: Wall
) -> None:
    mine = tenure(store, wall)
    store.is_inherited = True
    with pytest.raises(ExceptionGroup) as ended:
        await keep(mine, store, wall, seconds=6)
    assert ended.group_contains(Fenced, match="taken over by process")
    assert not mine.is_leading
    await store.expire()
    with pytest.raises(Fenced):
        await mine.lease()


async def test_gate__store_is_silent_for_a_quarter_of_its_time__closes_and_opens_with_an_answer(
    store: Store, wall: Wall
) -> None:
    mine = tenure(store, wall)
    assert not mine.is_open, "it does not lead"
    async with mine.kept(), asyncio.TaskGroup() as group:
        await mine.lease()
        assert mine.is_open
        await store.trouble()
        await settle_down(wall, TTL_S // 4)
        assert mine.is_open
        await settle_down(wall, 1)
        assert not mine.is_open
        waiting = group.create_task(mine.opened())
        await settle_down(wall, 3 * TTL_S)
        assert not waiting.done()
        store.outage = None
        await settle_down(wall, 2)
        await until(waiting.done)
        assert mine.is_open


async def test_kept__database_away_for_longer_than_its_time_and_nobody_came__goes_on(
    store: Store, wall: Wall
) -> None:
    mine = tenure(store, wall)
    health = Health(clock=wall, age_s_max=180)
    mine.watched_by(health)
    with capture_logs() as said:
        async with mine.kept():
            lease = await mine.lease()
            await store.trouble()
            await settle_down(wall, 4 * TTL_S)
            assert (mine.role, mine.is_open) == (Role.LEADER, False)
            assert not health.ready().is_well
            store.outage = None
            await settle_down(wall, 2)
            assert (await mine.lease(), mine.is_open) == (lease, True)
            assert health.ready().is_well
    events = [entry["event"] for entry in said]
    assert events == [
        *("leading", "store_away", "store_away", "store_answers_again", "lease_given_back")
    ]


async def test_lead__store_is_migrated_for_longer_than_a_loop_may_sleep__process_is_left_alive(
    store: Store, wall: Wall
) -> None:
    migrated = asyncio.Event()

    async def opened() -> Database:
        await migrated.wait()
        return store.database

    mine = Tenure(opened=opened, claims=[Claim(name="all", account=KEY)], ttl_s=TTL_S, clock=wall)
    health = Health(clock=wall, age_s_max=180, head_age_s=lambda: 0.0)
    mine.watched_by(health)
    async with asyncio.TaskGroup() as group:
        group.create_task(mine.lead())
        for _ in range(90):  # a probe every ten seconds, for as long as a migration may take
            await wall.pass_(10)
            assert health.alive().is_well
            assert not health.ready().is_well
        migrated.set()
    assert health.ready().is_well


async def test_kept__database_away_and_somebody_came_meanwhile__is_lost_when_it_is_back(
    store: Store, wall: Wall
) -> None:
    mine = tenure(store, wall)

    async def away_and_back() -> None:
        async with mine.kept():
            await mine.lease()
            await store.trouble()
            await settle_down(wall, 2 * TTL_S)
            await inherit(store.database, "all", KEY)
            store.outage = None
            await settle_down(wall, 3)

    with pytest.raises(ExceptionGroup) as ended:
        await away_and_back()
    assert ended.group_contains(Fenced, match="taken over by process")
    assert mine.role is Role.LOST


async def test_lease__of_several__all_or_none(store: Store, wall: Wall) -> None:
    both = [Claim(name="all", account=KEY), Claim(name="warnings", account=None)]
    mine = Tenure(opened=store.opened, claims=both, ttl_s=TTL_S, clock=wall)
    teller = Tenure(opened=store.opened, claims=both[1:], ttl_s=TTL_S, clock=wall)
    async with teller.kept():
        assert (await teller.lease()).name == "warnings"
        with pytest.raises(LeaseTaken, match="warnings is held by process"):
            await mine.lease()
        assert (await tenure(store, wall).lease()).epoch == 1
        await store.expire()
        assert ((await mine.lease()).name, (await mine.lease("warnings")).epoch) == ("all", 2)
        assert mine.epochs == {"all": 2, "warnings": 2}


async def test_kept__database_away_at_the_end__is_no_error(store: Store, wall: Wall) -> None:
    mine = tenure(store, wall)
    with capture_logs() as said:
        async with mine.kept():
            await mine.lease()
            store.outage = AWAY
    assert said[-1]["event"] == "lease_not_given_back"


async def test_lead__held_by_another__stands_by_with_one_line_and_follows_at_once(
    store: Store,
) -> None:
    first, second = (tenure(store, SystemClock()) for _ in range(2))
    with capture_logs() as said:
        async with asyncio.TaskGroup() as group:
            async with first.kept():
                await first.lead()
                waiting = group.create_task(second.lead())
                await until(lambda: store.asked > 4)
                assert not waiting.done()
                assert not second.is_leading
            async with asyncio.timeout(60):
                await waiting
    events = [entry["event"] for entry in said]
    assert events == ["leading", "standing_by", "lease_given_back", "leading"]
    assert f"key {KEY} is held for all by process" in said[1]["reason"]
    assert second.is_leading


async def test_lead__held_by_nobody_who_gives_a_sign__follows_when_its_time_is_up(
    store: Store,
) -> None:
    await inherit(store.database, "all", KEY)
    async with store.database.writing() as connection:
        found = await connection.scalar(select(leases.c.expires_ms)) or 0
        assert found
        ends_ms = found - 3_600_000 + 2_000
        await connection.execute(update(leases).values(expires_ms=ends_ms))
    clock = SystemClock()
    async with asyncio.timeout(60):
        await tenure(store, clock).lead()
    assert clock.now() >= ends_ms // 1_000


async def test_lead__key_in_use_for_another_workload__refuses_at_once(
    store: Store, wall: Wall
) -> None:
    await inherit(store.database, "feeder", KEY)
    with pytest.raises(LeaseTaken, match="give all a key of its own"):
        await tenure(store, wall).lead()


@pytest.mark.parametrize("outage", [AWAY, NodeUnavailable("anvil: down")])
async def test_lead__database_out_of_reach__waits_and_says_so_to_health(
    store: Store, outage: Exception
) -> None:
    health = Health(clock=SystemClock(), age_s_max=180)
    store.outage = outage
    mine = tenure(store, SystemClock())
    mine.watched_by(health)
    async with asyncio.TaskGroup() as group:
        group.create_task(mine.lead())
        await until(lambda: "no success yet" in health.ready().bots[LEASE])
        assert not health.ready().is_well
        store.outage = None
    assert health.ready().bots == {LEASE: "working"}

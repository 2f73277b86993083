"""What the warnings knew in the tables of version 8 they know in those of 9, on both databases."""

from collections.abc import Sequence
from random import Random

from sqlalchemy import inspect

from fleet.store.engine import Database, open_database
from fleet.store.warnings import StoredWarnings
from keepers.liquidation.positions import PositionKey
from keepers.warnings.keeper import WarningsKeeper, WarningsOutcome
from keepers.warnings.tiers import Stage, TierWatch, Watch
from tests.unit.fleet.store.test_migrations import WORLD, differences, version
from tests.unit.fleet.store.test_warnings import key
from tests.unit.fleet.store.version_8 import write_version_8
from tests.unit.keepers.warnings.scripted import POLICY, Disk, World, head, keeper, risk
from units import BlockNumber, Bps

POSITIONS = 2_400  # some 4,800 rows, more than one piece
TIERS = ([3_500, 2_500, 2_000], [3_500, 2_500], [4_000])


async def upgraded(url: str, held: dict[PositionKey, Watch]) -> Database:
    await write_version_8(url, WORLD, held)
    return await open_database(url)


def random_watch(random: Random) -> Watch:
    return tuple(
        TierWatch(
            tier_bps=Bps(tier),
            stage=random.choice(list(Stage)),
            episode=random.randint(1, 40),
            below_since=random.choice([None, BlockNumber(random.randint(0, 10**9))]),
            is_found=random.random() < 0.5,
        )
        for tier in random.choice(TIERS)
    )


async def test_open__of_version_8__has_every_watch_in_the_tables_of_9(store_url: str) -> None:
    random = Random(8)
    names = [key(number, sequence) for number in range(POSITIONS // 2) for sequence in (1, 7)]
    held = {name: random_watch(random) for name in names}
    database = await upgraded(store_url, held)
    assert (await StoredWarnings(database).load()).watches == held
    assert await version(database) == "9"
    async with database.reading() as connection:
        assert await connection.run_sync(differences) == []
        assert not await connection.run_sync(lambda sync: inspect(sync).has_table("warning_tiers"))
    await database.close()


async def test_open__of_version_8_that_remembers_nobody__remembers_nobody(store_url: str) -> None:
    database = await upgraded(store_url, {})
    assert (await StoredWarnings(database).load()).watches == {}
    await database.close()


async def test_open__again_after_the_first_commit__keeps_what_was_stored_since(
    store_url: str,
) -> None:
    first = await upgraded(store_url, {key(1): random_watch(Random(1))})
    world = World(risks={2: [risk(1, 2_400), risk(2, 2_400)]})
    await warnings_of(world, first).step(head(2))
    stored = (await StoredWarnings(first).load()).watches
    await first.close()
    again = await open_database(store_url)
    assert (await StoredWarnings(again).load()).watches == stored
    await again.close()


async def test_step__after_the_upgrade__tells_what_the_old_store_would_have_told(
    store_url: str,
) -> None:
    """Who was told of is not told of again, and who was not is, as if nothing had changed."""
    random = Random(9)
    ratios = [3_900, 3_600, 3_400, 2_700, 2_450, 2_100, 1_950, 1_500]
    history = [[risk(n, random.choice(ratios)) for n in range(60)] for _ in range(8)]
    world, disk = World(risks=dict(enumerate(history, 1))), Disk()
    before = [await keeper(world, disk).step(head(block)) for block in range(1, 5)]
    database = await upgraded(store_url, dict(disk.state.watches))
    old, new = keeper(world, disk), warnings_of(world, database)
    expected = [await old.step(head(block)) for block in range(5, 9)]
    found = [await new.step(head(block)) for block in range(5, 9)]
    assert ids(found) == ids(expected)
    assert ids(found)
    assert not set(ids(found)) & set(ids(before)), "told once"
    await database.close()


def warnings_of(world: World, database: Database) -> WarningsKeeper:
    store = StoredWarnings(database)
    return WarningsKeeper(risks=world, log=world, store=store, policy=POLICY)


def ids(outcomes: Sequence[WarningsOutcome]) -> list[str]:
    raised = [alert for each in outcomes for alert in (*each.alerts, *each.collected)]
    return [alert.id for alert in raised if alert.key is not None]

"""What people hear of the sources: who lies or is away, too few that agree, clocks apart."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from fleet.store.engine import Database, open_database
from fleet.wiring.silence import Silence
from fleet.wiring.source_watch import SourceWatch
from oracle.feed import SuspensionReason
from oracle.feeder import FeedOutcome
from oracle.freshness import FreshnessPolicy
from oracle.plan import FeedPlan, MarketPlan
from oracle.publication import Suspend
from oracle.quotes import NoPrice, NoPriceReason, Quote, SourceBlock, Standing
from tests.unit.fleet.wiring.outcomes import HELD, SOURCE
from tests.unit.fleet.wiring.simulated import Wall
from tests.unit.oracle.simulated import head
from units import BlockNumber, Timestamp


@dataclass
class Sources:
    """Endpoints whose worth a test says."""

    quotes: tuple[Quote, ...] = ()
    latest: SourceBlock | None = None
    age: float | None = None

    def age_s(self) -> float | None:
        return self.age

    def stand(self, **standings: Standing) -> None:
        self.quotes = tuple(
            Quote(endpoint=name, operator=name, standing=standing, detail="as it is")
            for name, standing in standings.items()
        )


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await open_database(f"sqlite+aiosqlite:///{tmp_path}/store.db")
    yield opened
    await opened.close()


@pytest.fixture
def sources() -> Sources:
    return Sources()


@pytest.fixture
def watch(sources: Sources, database: Database) -> SourceWatch:
    async def opened() -> Database:
        return database

    return SourceWatch(source=sources, opened=opened)


async def told(database: Database) -> list[tuple[str, str]]:
    async with database.reading() as connection:
        rows = await connection.exec_driver_sql("SELECT severity, id FROM outbox ORDER BY 2")
        return [(row.severity, row.id) for row in rows]


def outcome(number: int, *markets: MarketPlan, unchecked: str = "") -> FeedOutcome:
    plan = FeedPlan(source=SOURCE, head=head(number), markets=markets, unchecked=unchecked)
    return FeedOutcome(plan=plan)


def without_price(reason: NoPriceReason) -> MarketPlan:
    suspend = Suspend(reason=SuspensionReason.NO_PRICE, detail=reason.value)
    return replace(HELD, known=NoPrice(netuid=HELD.netuid, reason=reason), decision=suspend)


async def test_look__all_agree__tells_nothing(
    watch: SourceWatch, sources: Sources, database: Database
) -> None:
    sources.stand(a=Standing.AGREES, b=Standing.AGREES)
    await watch.look(outcome(1, HELD))
    assert await told(database) == []


@pytest.mark.parametrize(
    ("standing", "name"),
    [(Standing.DISAGREES, "disagrees"), (Standing.WRONG_CHAIN, "wrong-chain")],
)
async def test_look__one_lies_or_is_another_chain__is_named_at_once_and_once(
    watch: SourceWatch, sources: Sources, database: Database, standing: Standing, name: str
) -> None:
    sources.stand(a=Standing.AGREES, b=standing)
    for number in (5, 6, 7):
        await watch.look(outcome(number, HELD))
    assert await told(database) == [("notify", f"source-{name}-b-5")]
    sources.stand(a=Standing.AGREES, b=Standing.AGREES)
    await watch.look(outcome(8, HELD))
    sources.stand(a=Standing.AGREES, b=standing)
    await watch.look(outcome(9, HELD))
    assert len(await told(database)) == 2


@pytest.mark.parametrize(
    ("standing", "blocks"),
    [(Standing.UNREACHABLE, 5), (Standing.LAGGING, 5), (Standing.MALFORMED, 2)],
)
async def test_look__one_is_away__is_told_when_it_lasts(
    watch: SourceWatch, sources: Sources, database: Database, standing: Standing, blocks: int
) -> None:
    sources.stand(a=standing)
    for number in range(10, 10 + blocks):
        await watch.look(outcome(number, HELD))
    assert await told(database) == []
    await watch.look(outcome(10 + blocks, HELD))
    assert await told(database) == [("notify", f"source-{standing.value}-a-10")]


@pytest.mark.parametrize(
    ("reason", "name"),
    [
        (NoPriceReason.NO_QUORUM, "source-no-quorum-3"),
        (NoPriceReason.NO_PRICE_API, f"source-no-price-api-{SOURCE.spec_version}"),
    ],
)
async def test_look__no_market_has_a_price__pages_once(
    watch: SourceWatch, database: Database, reason: NoPriceReason, name: str
) -> None:
    for number in (3, 4, 5):
        await watch.look(outcome(number, without_price(reason)))
    assert await told(database) == [("page", name)]


async def test_look__identities_stay_unread__is_told_after_the_time_of_a_decoding(
    watch: SourceWatch, database: Database
) -> None:
    for number in (3, 4, 5):
        await watch.look(outcome(number, HELD, unchecked="runtime 9 has no X"))
    assert await told(database) == []
    await watch.look(outcome(6, HELD, unchecked="runtime 9 has no X"))
    assert await told(database) == [("notify", f"source-unchecked-{SOURCE.spec_version}")]


async def test_silence__nothing_comes_for_five_blocks__pages_until_something_does(
    sources: Sources, database: Database, wall: Wall
) -> None:
    async def opened() -> Database:
        return database

    silence = Silence(source=sources, opened=opened, clock=wall, policy=FreshnessPolicy())
    await wall.pass_(59)
    await silence.look()
    assert await told(database) == []
    await wall.pass_(1)
    await silence.look()
    await wall.pass_(1)
    await silence.look()
    (page,) = await told(database)
    assert page[0] == "page"
    assert page[1].startswith("source-stands-")
    sources.age, sources.latest = 2.0, at(wall.now() - 24)
    await silence.look()
    sources.age = 61.0
    await silence.look()
    assert len(await told(database)) == 2


@pytest.mark.parametrize(("seconds", "name"), [(600, "source-old-"), (-600, "source-ahead-")])
async def test_silence__this_machine_s_clock_is_ten_minutes_off__pages(
    sources: Sources, database: Database, wall: Wall, seconds: int, name: str
) -> None:
    async def opened() -> Database:
        return database

    sources.age, sources.latest = 2.0, at(wall.now() - 24 - seconds)
    silence = Silence(source=sources, opened=opened, clock=wall, policy=FreshnessPolicy())
    await silence.look()
    (page,) = await told(database)
    assert page[1].startswith(name)
    sources.latest = at(wall.now() - 24)
    await silence.look()
    assert len(await told(database)) == 1


def at(time: int) -> SourceBlock:
    return replace(SOURCE, number=BlockNumber(7), time=Timestamp(time))

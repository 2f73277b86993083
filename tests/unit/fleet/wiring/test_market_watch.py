"""A thin pool is told of once while it lasts, and louder when somebody has to act."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from fleet.store.engine import Database, open_database
from fleet.wiring.market_watch import MarketWatch
from oracle.feeder import FeedOutcome
from oracle.plan import FeedPlan, MarketPlan
from oracle.quotes import NoPrice, NoPriceReason
from tests.unit.fleet.wiring.outcomes import HELD, SOURCE
from tests.unit.oracle.simulated import head

DEEP = HELD
WIDENED = replace(HELD, is_thin=True)
CLOSED = replace(WIDENED, known=NoPrice(netuid=HELD.netuid, reason=NoPriceReason.THIN))
BY_HAND = replace(
    WIDENED, known=NoPrice(netuid=HELD.netuid, reason=NoPriceReason.THIN_UNTIL_RESUMED)
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await open_database(f"sqlite+aiosqlite:///{tmp_path}/store.db")
    yield opened
    await opened.close()


async def told(store: Database, *steps: MarketPlan | None) -> list[tuple[str, str, str]]:
    """What is in the outbox after a step a block from 100 on; None: nothing was read."""

    async def opened() -> Database:
        return store

    watch = MarketWatch(opened=opened)
    for number, market in enumerate(steps, 100):
        source = SOURCE if market is not None else None
        markets = () if market is None else (market,)
        plan = FeedPlan(source=source, head=head(number), markets=markets)
        await watch.look(FeedOutcome(plan=plan))
    async with store.reading() as connection:
        rows = await connection.exec_driver_sql("SELECT severity, id, body FROM outbox ORDER BY 2")
        return [(row.severity, row.id, row.body) for row in rows]


async def test_market_watch__thin_for_many_blocks__told_once(store: Database) -> None:
    ((severity, name, body),) = await told(store, DEEP, CLOSED, CLOSED, None, CLOSED)
    assert (severity, name) == ("notify", f"feed-thin-{HELD.netuid}-101")
    assert "until its pool is deep again" in body


async def test_market_watch__thin_again__told_again(store: Database) -> None:
    found = await told(store, CLOSED, DEEP, CLOSED)
    assert [name for _, name, _ in found] == [
        f"feed-thin-{HELD.netuid}-100",
        f"feed-thin-{HELD.netuid}-102",
    ]


async def test_market_watch__somebody_has_to_resume_it__pages(store: Database) -> None:
    ((severity, _, body),) = await told(store, BY_HAND)
    assert severity == "page"
    assert "until you resume it" in body


async def test_market_watch__contradicted_by_the_chain__pages_once(store: Database) -> None:
    known = NoPrice(netuid=HELD.netuid, reason=NoPriceReason.CONTRADICTED)
    doubted = replace(HELD, known=known)
    ((severity, name, _),) = await told(store, DEEP, doubted, doubted)
    assert (severity, name) == ("page", f"feed-contradicted-{HELD.netuid}-101")


async def test_market_watch__a_wider_band__says_so(store: Database) -> None:
    ((_, _, body),) = await told(store, WIDENED)
    assert "wider band" in body

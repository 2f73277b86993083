"""What people hear of a feed that the feeder can't mend."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from fleet.chain.failures import NodeUnavailable
from fleet.store.engine import Database, open_database
from fleet.wiring.feed_watch import FeedWatch
from oracle.feed import SuspensionReason
from oracle.feeder import FeedOutcome
from oracle.plan import FeedPlan, MarketPlan, NotPlanned
from oracle.publication import Hold, HoldReason, Stalled, Suspend
from tests.unit.fleet.wiring.outcomes import GONE, HELD, MOVED, PUBLISHED, SOURCE
from tests.unit.oracle.simulated import head
from units import BlockNumber, Netuid

PINS = {Netuid(8): BlockNumber(5), Netuid(64): BlockNumber(7)}
GUARDED = replace(HELD, decision=Hold(reason=HoldReason.GUARDIAN))
BY_HAND = replace(HELD, decision=Hold(reason=HoldReason.OPERATOR))
FOREIGN = replace(
    HELD, decision=Suspend(reason=SuspensionReason.IDENTITY, detail="the subnet does not exist")
)
LOCKED = replace(HELD, decision=Hold(reason=HoldReason.IDENTITY))


class Store:
    """The way to the database; `failure` stands in it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.failure: Exception | None = None

    async def opened(self) -> Database:
        if self.failure is not None:
            raise self.failure
        return self.database

    def watch(self) -> FeedWatch:
        return FeedWatch(pins=PINS, opened=self.opened)

    async def told(self) -> list[tuple[str, str]]:
        async with self.database.reading() as connection:
            rows = await connection.exec_driver_sql("SELECT severity, id FROM outbox ORDER BY 2")
            return [(row.severity, row.id) for row in rows]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await open_database(f"sqlite+aiosqlite:///{tmp_path}/store.db")
    yield Store(opened)
    await opened.close()


def suspended(market: MarketPlan, at: int) -> MarketPlan:
    return replace(market, row=replace(PUBLISHED, suspended_at=BlockNumber(at)))


def outcome(number: int, *markets: MarketPlan, alerts: tuple[str, ...] = ()) -> FeedOutcome:
    return FeedOutcome(
        plan=FeedPlan(source=SOURCE, head=head(number), markets=markets, alerts=alerts)
    )


async def test_look__all_is_as_usual__tells_nothing(store: Store) -> None:
    await store.watch().look(outcome(1, HELD, MOVED, alerts=("identities unread",)))
    await store.watch().look(FeedOutcome(plan=NotPlanned(reason="the node is down")))
    assert await store.told() == []


async def test_look__one_market_has_no_price__is_told_once_each_time(store: Store) -> None:
    watch = store.watch()
    for number in (1, 2):
        await watch.look(outcome(number, HELD, GONE))
    await watch.look(outcome(3, HELD))
    await watch.look(outcome(4, GONE))
    assert await store.told() == [
        ("notify", f"feed-no-price-{GONE.netuid}-1"),
        ("notify", f"feed-no-price-{GONE.netuid}-4"),
    ]


async def test_look__another_subnet__pages_once_from_the_decision_to_long_after_a_start(
    store: Store,
) -> None:
    watch = store.watch()
    for number in (1, 2):
        await watch.look(outcome(number, FOREIGN))
    await watch.look(outcome(3, suspended(LOCKED, at=2)))
    await store.watch().look(outcome(9_000, suspended(LOCKED, at=2)))
    assert await store.told() == [("page", "feed-identity-8-5")]
    async with store.database.reading() as connection:
        body = (await connection.exec_driver_sql("SELECT body FROM outbox")).scalar_one()
    assert body.startswith("the subnet does not exist; pinned is the registration at block 5.")


@pytest.mark.parametrize(("market", "who"), [(GUARDED, "guardian"), (BY_HAND, "operator")])
async def test_look__somebody_closed_a_market__notifies_once_each_time(
    store: Store, market: MarketPlan, who: str
) -> None:
    watch = store.watch()
    for number, each in ((3, suspended(market, at=2)), (4, suspended(market, at=2)), (5, HELD)):
        await watch.look(outcome(number, each))
    await store.watch().look(outcome(6, suspended(market, at=2)))
    await watch.look(outcome(7, suspended(market, at=6)))
    assert await store.told() == [("notify", f"feed-{who}-8-{at}") for at in (2, 6)]


async def test_look__the_source_stalls__is_one_page_for_all_markets_until_it_is_read_again(
    store: Store,
) -> None:
    watch = store.watch()
    for number in (110, 111, 112):
        known = Stalled(blocks=number - 100)
        markets = [replace(each, known=known) for each in (HELD, GONE)]
        await watch.look(outcome(number, *markets, alerts=("no endpoint answers",)))
    await watch.look(outcome(113, HELD))
    await watch.look(outcome(130, replace(HELD, known=Stalled(blocks=12))))
    assert await store.told() == [("page", "feed-stall-100"), ("page", "feed-stall-118")]


@pytest.mark.parametrize(
    "failure", [NodeUnavailable("down"), OperationalError("INSERT", {}, OSError("disk full"))]
)
async def test_look__the_store_cannot_be_written__costs_no_step_and_is_told_later(
    store: Store, failure: Exception
) -> None:
    watch = store.watch()
    store.failure = failure
    await watch.look(outcome(1, FOREIGN))
    assert await store.told() == []
    store.failure = None
    await watch.look(outcome(2, FOREIGN))
    assert await store.told() == [("page", "feed-identity-8-5")]

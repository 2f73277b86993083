"""A first look that takes longer than a step may: each step goes on where the last was given up."""

import asyncio
import itertools
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import pytest

from keepers.liquidation.assessment import JudgedAt, PositionRisk, RiskView, risk_of, viewing
from keepers.liquidation.book import UNDO_BLOCKS_MAX, Book
from keepers.liquidation.follower import BookFollower, FollowerPolicy
from keepers.liquidation.positions import Position
from keepers.liquidation.risk import RiskEngine, RiskPolicy
from keepers.warnings.keeper import WarningsKeeper, WarningsOutcome
from keepers.warnings.lookout import Lookout
from keepers.warnings.observation import WarningChange
from keepers.warnings.tiers import WarningPolicy
from keepers.warnings.vigil import Vigil
from tests.unit.keepers.liquidation.simulated import SimulatedExchange
from tests.unit.keepers.liquidation.test_risk import ENTRY, opening, pushing
from tests.unit.keepers.warnings.scripted import Disk

POLICY = WarningPolicy()
POSITIONS = 1_200  # three slices of a look


class Looks:
    """Counts the looks at everybody that were begun, and gives up the task after some slices."""

    def __init__(self) -> None:
        self.begun = 0
        self.slices_left: int | None = None

    def viewing(self, book: Book) -> Generator[None, None, RiskView]:
        self.begun += 1
        work = viewing(book)
        while True:
            try:
                next(work)
            except StopIteration as done:
                view: RiskView = done.value
                return view
            self._tire()
            yield

    def _tire(self) -> None:
        if self.slices_left is None:
            return
        self.slices_left -= 1
        if not self.slices_left:
            self.slices_left = None
            give_up()


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    counted = Looks()
    monkeypatch.setattr("keepers.warnings.lookout.viewing", counted.viewing)
    return counted


@dataclass
class SlowDisk(Disk):
    """Gives up the task after a commit of this number, once."""

    tires_after: int = 0

    async def commit(self, change: WarningChange) -> frozenset[str]:
        told = await super().commit(change)
        if self.commits == self.tires_after:
            give_up()
            await asyncio.sleep(0)  # told so here: it is stored, and nobody knows
        return told


def give_up() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


@pytest.fixture
def exchange() -> SimulatedExchange:
    made = SimulatedExchange()
    made.grow(*(opening(number) for number in range(1, POSITIONS + 1)))
    return made


def keeper(exchange: SimulatedExchange, disk: Disk) -> WarningsKeeper:
    follower = BookFollower(log=exchange, policy=FollowerPolicy())
    engine = RiskEngine(follower=follower, policy=RiskPolicy(answer_s_max=None))
    risks = Lookout(engine, POLICY)
    return WarningsKeeper(risks=risks, log=exchange, store=disk, policy=POLICY)


async def step(bot: WarningsKeeper, exchange: SimulatedExchange) -> WarningsOutcome | None:
    """None where it was given up."""
    async with asyncio.TaskGroup() as group:
        stepping = group.create_task(bot.step(exchange.tip.head))
    return None if stepping.cancelled() else stepping.result()


async def undisturbed(exchange: SimulatedExchange) -> Disk:
    """What is remembered and told by who has looked at the block before and at this one."""
    disk = Disk()
    bot = keeper(exchange, disk)
    await bot.step(exchange.blocks[exchange.tip.head.parent_hash].head)
    await bot.step(exchange.tip.head)
    return disk


async def test_step__look_given_up__the_next_goes_on_with_it_and_then_catches_up(
    looks: Looks, exchange: SimulatedExchange
) -> None:
    disk = Disk()
    bot, began = keeper(exchange, disk), exchange.tip.head
    looks.slices_left = 2
    assert await step(bot, exchange) is None
    assert disk.commits == 0
    exchange.grow(pushing(ENTRY * 9 // 10))

    late = await step(bot, exchange)
    assert late is not None
    assert (late.head, late.alerts) == (began, ())
    assert looks.begun == 1

    now = await step(bot, exchange)
    assert now is not None
    assert now.head == exchange.tip.head
    assert len(now.alerts) == POSITIONS
    expected = await undisturbed(exchange)
    assert disk.outbox.keys() == expected.outbox.keys()
    assert disk.state.watches == expected.state.watches


async def test_step__given_up_while_storing__what_is_stored_is_not_looked_at_for_it_again(
    looks: Looks, exchange: SimulatedExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keepers.warnings.portions.PORTION", 400)
    disk = SlowDisk(tires_after=2)
    bot = keeper(exchange, disk)
    assert await step(bot, exchange) is None
    assert len(disk.state.watches) == 800
    exchange.grow(pushing(ENTRY * 9 // 10))

    assert await step(bot, exchange) is not None
    assert (disk.commits, len(disk.state.watches)) == (3, POSITIONS)
    assert looks.begun == 1

    await step(bot, exchange)
    expected = await undisturbed(exchange)
    assert disk.outbox.keys() == expected.outbox.keys()
    assert disk.state.watches == expected.state.watches


async def test_step__look_given_up_and_logs_unread_since__is_not_held_for_ever(
    looks: Looks, exchange: SimulatedExchange
) -> None:
    bot = keeper(exchange, Disk())
    looks.slices_left = 2
    assert await step(bot, exchange) is None
    exchange.down = {"events"}
    for _ in range(UNDO_BLOCKS_MAX + 1):
        exchange.grow()
        await step(bot, exchange)
    exchange.down = set()

    outcome = await step(bot, exchange)
    assert outcome is not None
    assert outcome.head == exchange.tip.head
    assert looks.begun == 2


async def test_step__look_given_up_and_its_block_replaced__begins_anew(
    looks: Looks, exchange: SimulatedExchange
) -> None:
    disk, parent = Disk(), exchange.blocks[exchange.tip.head.parent_hash]
    bot = keeper(exchange, disk)
    looks.slices_left = 2
    assert await step(bot, exchange) is None
    replaced = (opening(number) for number in range(1, POSITIONS))
    exchange.grow(*replaced, on=parent, salt="another")

    outcome = await step(bot, exchange)
    assert outcome is not None
    assert outcome.head == exchange.tip.head
    assert (looks.begun, len(disk.state.watches)) == (2, POSITIONS - 1)


async def test_step__many_who_fell_given_up__goes_on_as_a_look_at_everybody(
    looks: Looks, exchange: SimulatedExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, tired = Disk(), iter(range(POSITIONS))
    bot = keeper(exchange, disk)
    await step(bot, exchange)

    def judged(position: Position, at: JudgedAt) -> PositionRisk:
        if next(tired) == POSITIONS // 2:
            give_up()
        return risk_of(position, at)

    exchange.grow(pushing(ENTRY * 9 // 10))
    with monkeypatch.context() as patch:
        patch.setattr("keepers.warnings.vigil.risk_of", judged)
        assert await step(bot, exchange) is None
    assert looks.begun == 1

    assert await step(bot, exchange) is not None
    assert looks.begun == 2
    expected = await undisturbed(exchange)
    assert disk.outbox.keys() == expected.outbox.keys()
    assert disk.state.watches == expected.state.watches


async def test_step__the_look_was_settled_beyond__what_it_saw_is_not_gone_back_to(
    exchange: SimulatedExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stored twice and settled by neither, then begun anew: nobody is told a second time."""
    disk = Disk()
    bot = keeper(exchange, disk)
    take = Vigil._take

    async def given_up_in(name: str, call: Callable[..., Any]) -> None:
        calls = itertools.count(1)

        def tiring(*args: Any) -> Any:
            if next(calls) == 300:
                give_up()
            return call(*args)

        with monkeypatch.context() as patch:
            patch.setattr(name, tiring)
            assert await step(bot, exchange) is None

    await given_up_in("keepers.warnings.vigil.Vigil._take", take)
    exchange.grow(pushing(ENTRY * 9 // 10))
    await given_up_in("keepers.warnings.vigil.Vigil._take", take)
    told, stored = dict(disk.outbox), disk.state.head
    assert len(told) == POSITIONS
    exchange.grow()
    await given_up_in("keepers.warnings.vigil.risk_of", risk_of)
    for _ in range(2):
        exchange.grow()
        outcome = await step(bot, exchange)
        assert outcome is not None
        assert stored is not None
        assert outcome.head.number > stored.number
    assert disk.outbox.keys() == told.keys()

"""Every kind of downtime: the first push travels alone, the next one takes who fell at it.

One world for all: prices stand until `BACK`, the feeder is down for one of the reasons and comes
back to a price that has moved, by less than the guard holds, at which positions fall.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from oracle.feed import SuspensionReason
from oracle.quotes import Reading, Trouble, Unavailable
from tests.unit.oracle.prices import stepping
from tests.unit.oracle.simulated import (
    FINALITY_LAG,
    SN,
    TAO,
    SimulatedSubtensor,
    World,
    restarted,
    world,
)
from tests.unit.oracle.test_continuity import silence, taken
from tests.unit.oracle.test_feeder_acting import FALLING
from units import BlockNumber, PriceWei, Rao

DOWN, BACK = 110, 126
"""Chain 964's height after which it is down, and at which it works again."""

MOVED = Rao(TAO * 99 // 100)
MOVED_ON = Rao(TAO * 98 // 100)

Downtime = Callable[[World], Awaitable[None]]


class Ailing(SimulatedSubtensor):
    """Answers what a test makes of a reading."""

    made: Callable[[Reading], Reading | Unavailable] = staticmethod(lambda said: said)

    async def read(self, number: BlockNumber) -> Reading | Unavailable:
        said = await super().read(number)
        return self.made(said) if isinstance(said, Reading) else said


def no_quorum(said: Reading) -> Unavailable:
    return Unavailable(detail=f"block {said.block.number}", trouble=Trouble.NO_QUORUM)


def no_answer(said: Reading) -> Unavailable:
    return Unavailable(detail=f"block {said.block.number}")


def no_price_api(said: Reading) -> Reading:
    return replace(said, prices=None)


async def restart(down: World) -> None:
    down.feed.advance_to(BACK - 1)
    down.feeder = restarted(down.source, down.feed, down.risk)


async def stood_still(down: World) -> None:
    down.feed.advance_to(BACK - 1)


async def no_node(down: World) -> None:
    down.feed.is_unreadable = True
    await down.run(to=BACK - 1)
    down.feed.is_unreadable = False


async def lost_finality(down: World) -> None:
    await silence(down, to=BACK - 1)


def lost(made: Callable[[Reading], Reading | Unavailable]) -> Downtime:
    async def through(down: World) -> None:
        assert isinstance(down.source, Ailing)
        down.source.made = made
        await down.run(to=BACK - 1)
        down.source.made = lambda said: said

    return through


def suspended_by(reason: SuspensionReason) -> Downtime:
    async def through(down: World) -> None:
        down.feed.land_suspension([SN], reason)
        await down.run(to=BACK - 1)
        down.feed.clear_suspension(SN)

    return through


CAUSES = {
    "restart": restart,
    "a process that stood still": stood_still,
    "every node of chain 964": no_node,
    "finality": lost_finality,
    "quorum": lost(no_quorum),
    "price API": lost(no_price_api),
    "every endpoint": lost(no_answer),
    "suspended by the operator": suspended_by(SuspensionReason.OPERATOR),
    "suspended by the guardian": suspended_by(SuspensionReason.GUARDIAN),
    "suspended for identity": suspended_by(SuspensionReason.IDENTITY),
}


async def back(cause: Downtime, *, then: Rao) -> World:
    """A world that has just gone through that, with people who fall; `then` is the next price."""
    first = BACK - FINALITY_LAG
    price_at = stepping((first, MOVED), (first + 1, then))
    made = world(price_at)
    made.source = Ailing(price_at=price_at)
    made.feeder = restarted(made.source, made.feed, made.risk)
    await made.run(to=DOWN)
    await cause(made)
    assert all(each.head.number < BACK for each in made.feed.publications)
    made.risk.falling = FALLING
    return made


@pytest.mark.parametrize("cause", CAUSES.values(), ids=list(CAUSES))
async def test_step__after_downtime__first_push_alone_and_the_liquidations_late_by_one(
    cause: Downtime,
) -> None:
    again = await back(cause, then=MOVED)
    await again.run(to=BACK + 4)
    assert [each for each in taken(again.feed) if each[0] >= BACK] == [
        (BACK, False),
        (BACK + 1, True),
    ]


@pytest.mark.parametrize("cause", CAUSES.values(), ids=list(CAUSES))
async def test_step__after_downtime_the_next_block_shows_them_sound__nobody_is_taken(
    cause: Downtime,
) -> None:
    again = await back(cause, then=MOVED_ON)
    again.risk.only_at = PriceWei(MOVED * 10**9)
    await again.run(to=BACK + 4)
    late = [each for each in taken(again.feed) if each[0] >= BACK]
    assert late == [(BACK, False), (BACK + 1, False)]


@pytest.mark.parametrize("cause", CAUSES.values(), ids=list(CAUSES))
async def test_unconfirmed__after_downtime__the_liquidator_is_told_until_the_second_price_stands(
    cause: Downtime,
) -> None:
    again = await back(cause, then=MOVED)
    told = []
    for number in range(BACK, BACK + 4):
        await again.run(to=number)
        told.append(set(again.feeder.unconfirmed))
    assert told == [{SN}, {SN}, set(), set()]

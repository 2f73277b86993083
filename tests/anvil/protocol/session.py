"""One of everything that can happen on the exchange, block by block."""

from collections.abc import Iterator

from tests.contracts.deployment import FIRST_PRICE
from tests.contracts.world import (
    ADMIN,
    ALICE,
    BOB,
    CAROL,
    DAVE,
    GUARDIAN,
    GWEI,
    HOUR,
    KEEPER,
    OPERATOR,
    REPORTER,
    TAO,
    Parameters,
    World,
    market,
    position_id,
    role,
)
from units import Netuid

JUMP = 4
FLEET = (Netuid(8), Netuid(64), Netuid(200))
"""The fleet's markets; the last of them is listed only at the end."""


def session(world: World) -> Iterator[str]:
    """Says what has just happened; the world's last block is the one it happened in."""
    yield from trading(world)
    yield from doubting(world)
    yield from crashing(world)
    yield from administering(world)


def trading(world: World) -> Iterator[str]:
    world.open(ALICE, 8)
    yield "a long opened"
    world.open(BOB, 8, is_long=False, margin=2 * TAO, leverage=2 * TAO)
    yield "a short opened"
    world.open(CAROL, 64)
    world.open(DAVE, 51, margin=5 * TAO)
    yield "others opened"
    world.close(ALICE, 8, TAO)
    yield "a long closed in part"
    world.elapse(9 * HOUR)
    world.send(KEEPER, "exchange", "accrueFunding", [market(8), market(64), market(1_000)])
    yield "funding accrued, also for a market that is not listed"
    world.price(8, FIRST_PRICE * 11 // 10)
    yield "the price rose"
    world.close(BOB, 8)
    yield "a short closed"
    world.send(ALICE, "exchange", "withdraw", 3 * GWEI)
    yield "money withdrawn"


def doubting(world: World) -> Iterator[str]:
    world.send(REPORTER, "feed", "suspend", [64, 51], JUMP)
    world.send(GUARDIAN, "feed", "suspend", [3], 0)
    yield "markets suspended"
    world.send(ADMIN, "feed", "resume", [3])
    yield "one resumed by hand"
    world.price(64, FIRST_PRICE * 9 // 10)
    yield "one resumed by a price"
    world.send(REPORTER, "feed", "push", [(64, 1, 1, 1)])
    yield "a price came too late"


def crashing(world: World) -> Iterator[str]:
    world.price(8, FIRST_PRICE * 6 // 10)
    world.price(64, FIRST_PRICE * 8 // 10)
    yield "prices crashed"
    traders = ((ALICE, 8), (BOB, 8), (CAROL, 64), (DAVE, 51))
    world.liquidate(*(position_id(trader, netuid) for trader, netuid in traders))
    yield "some were liquidated, one left bad debt, others were skipped"
    world.open(ALICE, 8, is_long=False)
    yield "one came back under the same id"


def administering(world: World) -> Iterator[str]:
    rules = Parameters(maintenance=2_100, penalty=600, keeper_share=1_900, funding_cap=30 * HOUR)
    world.send(ADMIN, "exchange", "setMarketParameters", 8, rules)
    yield "parameters changed"
    for netuid in (8, 64):
        world.send(ADMIN, "exchange", "setWarningTiers", netuid, [3_600, 2_600])
    yield "warning tiers changed"
    world.send(ADMIN, "exchange", "listMarket", 200, Parameters())
    yield "a market was listed"
    world.send(GUARDIAN, "exchange", "pauseOpening")
    yield "opening paused"
    world.send(ADMIN, "exchange", "revokeRole", role("KEEPER_ROLE"), world.addresses["router"])
    update = (8, FIRST_PRICE // 2, world.block, world.time)
    world.send(OPERATOR, "router", "pushAndLiquidate", [update], [position_id(ALICE, 8)])
    yield "a push went through although the router may not liquidate"

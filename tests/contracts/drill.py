"""A random walk of exchange and reference side by side; the same seed is the same walk.

Reserves are thin and limits wide, so winners outrun the vault: claims are booked and funded,
insurance runs dry, the breaker trips. What the walk reached is counted in `reached`.
"""

from collections import Counter
from collections.abc import Callable
from random import Random

from tests.contracts.deployment import FIRST_PRICE
from tests.contracts.reference import Feed, Market, Reference
from tests.contracts.reference_trading import close_position, liquidate, open_position
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
    REPORTER,
    TAO,
    Limits,
    Parameters,
    Receipt,
    World,
    market,
    position_id,
)

TRADERS = (ALICE, BOB, CAROL, DAVE)
NETUIDS = (64, 51)
RESERVES = 6 * TAO
INSURANCE = TAO // 5
LIMITS = Limits(utilisation_max=60_000, breaker=80_000, bad_debt_pause=200_000)
PARAMETERS = Parameters(exposure_max=50_000)


def prepare(world: World) -> None:
    """What the walk starts from, on top of a deployment with these reserves and insurance."""
    world.send(ADMIN, "exchange", "setLimits", LIMITS)
    for netuid in NETUIDS:
        world.send(ADMIN, "exchange", "setMarketParameters", netuid, PARAMETERS)


class Drill:
    def __init__(self, world: World, seed: int) -> None:
        self.world, self.random = world, Random(seed)
        self.reached: Counter[str] = Counter()
        self.reference = Reference(limits=LIMITS, reserves=RESERVES, insurance=INSURANCE)
        for netuid in NETUIDS:
            seen = world.market(netuid)
            self.reference.feeds[netuid] = Feed(
                price=FIRST_PRICE, time=seen["sourceTime"], chain_price=FIRST_PRICE
            )
            self.reference.markets[netuid] = Market(parameters=PARAMETERS, last=seen["lastAccrual"])

    def step(self) -> None:
        actions: dict[Callable[[], None], int] = {
            self.open: 10,
            self.close: 5,
            self.move_price: 7,
            self.liquidate: 4,
            self.deposit: 5,
            self.withdraw: 2,
            self.claim: 2,
            self.accrue: 1,
            self.suspend: 2,
            self.draw_vault: 2,
            self.fund_vault: 1,
            self.set_maintenance: 1,
            self.switch_opening: 1,
        }
        (action,) = self.random.choices([*actions], [*actions.values()])
        action()

    def do(
        self,
        expected: Callable[[Reference], object],
        sender: str,
        function: str,
        *arguments: object,
        value: int = 0,
    ) -> Receipt:
        """Both do it; both must succeed, or refuse by the same name."""
        self.reference.now = self.world.time + self.world.elapsing
        self.reference.block = self.world.block + 1
        refusal = self.reference.attempt(expected)
        sent = self.world.attempt(sender, "exchange", function, *arguments, value=value)
        refused = "" if sent.succeeded else self.world.revert_reason("exchange", sent)
        assert (refusal or "") == refused.split("(")[0], function
        self.reached.update(event.name for event in sent.events)
        self.reached[f"{function}: {refusal or 'done'}"] += 1
        return sent

    # Traders

    def deposit(self) -> None:
        trader, amount = self.trader(), self.random.randrange(1, 12 * 10**9) * GWEI
        amount += self.random.random() < 0.1
        self.do(lambda r: r.deposit(trader, amount), trader, "deposit", amount, value=amount)

    def withdraw(self) -> None:
        trader = self.trader()
        amount = int(self.reference.free[trader] * self.random.choice((0.1, 0.3, 1, 1.01)))
        amount = amount if self.random.random() < 0.1 else amount // GWEI * GWEI
        self.do(lambda r: r.withdraw(trader, amount), trader, "withdraw", amount)

    def claim(self) -> None:
        trader = self.trader()
        self.do(lambda r: r.claim(trader), trader, "claim")

    def open(self) -> None:
        trader, netuid, is_long = self.trader(), self.netuid(), self.random.random() < 0.6
        if not self.tradable(netuid) and self.random.random() < 0.8:
            self.refresh(netuid, 100)
        margin = int(self.reference.free[trader] * self.random.uniform(0.1, 1)) + TAO // 25
        leverage = self.random.choice((3, 3, 3, 2, 1)) * TAO + self.random.choice((0, 0, 0, 1))
        slippage = self.random.choice((10_000, 10_000, 500, 5))
        self.do(
            lambda r: open_position(
                r,
                trader,
                netuid,
                is_long=is_long,
                margin=margin,
                leverage=leverage,
                slippage=slippage,
            ),
            trader,
            "openMarketPosition",
            (market(netuid), is_long, margin, leverage, slippage),
        )

    def close(self) -> None:
        held = sorted(self.reference.positions) or [(self.trader(), self.netuid())]
        trader, netuid = self.random.choice(held)
        if not self.tradable(netuid) and self.random.random() < 0.8:
            self.refresh(netuid, 100)
        position = self.reference.positions.get((trader, netuid))
        part = self.random.choice((0, 0, 0.1, 0.5, 0.97, 1, 1.1))
        size = int(position.size * part) if position else 0
        self.do(
            lambda r: close_position(r, trader, netuid, size),
            trader,
            "closePosition",
            position_id(trader, netuid),
            size,
        )

    # Prices and time

    def move_price(self) -> None:
        percents = (50, 85, 88, 92, 95, 100, 103, 106, 110, 130, 170, 200)
        self.world.elapse(self.random.choice((12, 12, 12, 1_000, HOUR, 8 * HOUR, 40 * HOUR)))
        self.world.mine()
        self.refresh(self.netuid(), self.random.choice(percents))

    def refresh(self, netuid: int, percent: int) -> None:
        feed = self.reference.feeds[netuid]
        feed.price = max(feed.price * percent // 100, TAO // 1_000) + 1
        feed.chain_price = feed.price * self.random.choice((97, 100, 100, 103)) // 100
        (feed.time, feed.suspended) = (self.world.time, False)
        self.world.set_chain_price(netuid, feed.chain_price)
        self.world.push((netuid, feed.price))

    def suspend(self) -> None:
        netuid = self.netuid()
        self.world.send(REPORTER, "feed", "suspend", [netuid], 3)
        self.reference.feeds[netuid].suspended = True

    # Keepers

    def liquidate(self) -> None:
        keys = [*sorted(self.reference.positions), (self.trader(), self.netuid())]
        outcomes: list[int] = []
        receipt = self.do(
            lambda r: outcomes.extend(liquidate(r, *key, KEEPER) for key in keys),
            KEEPER,
            "liquidate",
            [position_id(*key) for key in keys],
            KEEPER,
        )
        assert self.world.outcomes(receipt) == outcomes
        self.reached.update(f"outcome {outcome}" for outcome in outcomes)

    def accrue(self) -> None:
        netuid = self.netuid()
        self.do(lambda r: r.accrue(netuid), KEEPER, "accrueFunding", [market(netuid)])

    # Administration

    def fund_vault(self) -> None:
        amount = self.random.randrange(10**9) * GWEI
        self.do(lambda r: r.receive(amount), ADMIN, "fundVault", value=amount)

    def draw_vault(self) -> None:
        amount = int(self.reference.reserves * self.random.choice((0.1, 0.3, 0.39, 0.5)))
        amount = amount // GWEI * GWEI
        self.do(lambda r: r.withdraw_vault(amount), ADMIN, "withdrawVault", amount)

    def set_maintenance(self) -> None:
        netuid, maintenance = self.netuid(), self.random.choice((1_000, 2_000, 3_000))
        parameters = PARAMETERS._replace(maintenance=maintenance)

        def expected(reference: Reference) -> None:
            reference.accrue(netuid)
            reference.markets[netuid].parameters = parameters

        self.do(expected, ADMIN, "setMarketParameters", netuid, parameters)

    def switch_opening(self) -> None:
        self.reference.paused = self.random.random() < 0.1
        if self.reference.paused:
            self.world.send(GUARDIAN, "exchange", "pauseOpening")
        else:
            self.world.send(ADMIN, "exchange", "unpauseOpening")

    def trader(self) -> str:
        return self.random.choice(TRADERS)

    def netuid(self) -> int:
        return self.random.choice(NETUIDS)

    def tradable(self, netuid: int) -> bool:
        feed = self.reference.feeds[netuid]
        return not feed.suspended and self.world.time - feed.time < 800

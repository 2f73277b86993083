"""The exchange in process and the reference of the contract tests, walked side by side."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from random import Random
from typing import TypeVar

from devnet.parameters import Beta, MarketTerms, VaultLimits
from keepers.liquidation.outcomes import LiquidationSkipped, SkipReason
from keepers.liquidation.positions import PositionLiquidated
from oracle.feed import SuspensionReason, Update
from replay.exchange import Exchange, Moment, opened_exchange
from replay.exchange.accounts import claim, deposit, withdraw
from replay.exchange.feed import PushOutcome, push, resume, suspend
from replay.exchange.liquidation import accrue, liquidate
from replay.exchange.refusals import Refusal
from replay.exchange.trading import (
    Order,
    close_position,
    open_position,
    position_id,
    quote_closing,
    quote_opening,
)
from tests.contracts.reference import Feed, Market, Reference
from tests.contracts.reference_trading import close_position as reference_close
from tests.contracts.reference_trading import liquidate as reference_liquidate
from tests.contracts.reference_trading import open_position as reference_open
from tests.contracts.world import GWEI, TAO, Limits, Parameters
from units import BlockNumber, Netuid, PriceWei, Timestamp, Wei

NETUIDS = (Netuid(64), Netuid(51))
TRADERS = {name: name.encode().ljust(20, b"\0") for name in ("alice", "bob", "carol", "dave")}
PRICE = 2 * 10**17
LIMITS = Limits(utilisation_max=60_000, breaker=80_000, bad_debt_pause=200_000)
PARAMETERS = Parameters(exposure_max=50_000)
OUTCOMES = {
    SkipReason.HEALTHY: 1,
    SkipReason.CLOSED: 2,
    SkipReason.STALE: 3,
    SkipReason.SUSPENDED: 4,
}
Made = TypeVar("Made", MarketTerms, VaultLimits)


def as_terms(kind: type[Made], words: Sequence[int]) -> Made:
    """Both list the contract's fields in its order."""
    return kind(**dict(zip((field.name for field in fields(kind)), words, strict=True)))


class Walk:
    """Exchange and reference side by side; the same seed is the same walk."""

    def __init__(self, seed: int) -> None:
        self.random, self.reached = Random(seed), Counter[str]()
        beta = Beta(
            market=as_terms(MarketTerms, PARAMETERS),
            limits=as_terms(VaultLimits, LIMITS),
            reserves=Wei(6 * TAO),
            insurance=Wei(TAO // 5),
        )
        self.at = Moment(number=BlockNumber(1_000), time=Timestamp(1_700_000_000))
        self.exchange = opened_exchange(beta, NETUIDS, self.at.time)
        self.exchange.chain_prices = {netuid: PriceWei(PRICE) for netuid in NETUIDS}
        self.reference = Reference(limits=LIMITS, reserves=6 * TAO, insurance=TAO // 5)
        for netuid in NETUIDS:
            self.reference.feeds[netuid] = Feed(price=0, time=0, chain_price=PRICE)
            self.reference.markets[netuid] = Market(parameters=PARAMETERS, last=self.at.time)

    def step(self) -> None:
        if self.random.random() < 0.75:
            self.next_block()
        actions: dict[Callable[[], None], int] = {
            self.open: 12,
            self.close: 5,
            self.price: 8,
            self.liquidate: 4,
            self.deposit: 5,
            self.withdraw: 2,
            self.claim: 2,
            self.accrue: 1,
            self.suspend: 1,
        }
        (action,) = self.random.choices([*actions], [*actions.values()])
        action()

    def next_block(self) -> None:
        blocks = self.random.choices((1, 10, 80, 400, 15_000), (20, 10, 3, 1, 1))[0]
        number, time = self.at.number + blocks, self.at.time + 12 * blocks
        self.at = Moment(number=BlockNumber(number), time=Timestamp(time))
        self.reference.now, self.reference.block = time, number

    def both(self, ours: object, theirs: Callable[[Reference], object]) -> None:
        """Both do it, or refuse it by the same name."""
        refusal = self.reference.attempt(theirs)
        assert (ours.reason.value if isinstance(ours, Refusal) else None) == refusal
        self.reached[refusal or "done"] += 1

    def deposit(self) -> None:
        name, amount = self.trader(), self.random.randrange(1, 12 * 10**9) * GWEI
        amount += self.random.random() < 0.1
        done = deposit(self.exchange, TRADERS[name], amount)
        self.both(done, lambda r: r.deposit(name, amount))

    def withdraw(self) -> None:
        name = self.trader()
        amount = int(self.reference.free[name] * self.random.choice((0.1, 0.3, 1, 1.01)))
        amount = amount if self.random.random() < 0.1 else amount // GWEI * GWEI
        done = withdraw(self.exchange, TRADERS[name], amount)
        self.both(done, lambda r: r.withdraw(name, amount))

    def claim(self) -> None:
        name = self.trader()
        paid = claim(self.exchange, TRADERS[name])
        self.both(paid, lambda r: r.claim(name))
        self.reached["claim paid"] += paid > 0

    def open(self) -> None:
        name, netuid = self.trader(), self.netuid()
        if self.random.random() < 0.7:
            self.push(netuid, 100)
        margin = int(self.reference.free[name] * self.random.uniform(0.1, 1)) + TAO // 25
        leverage = self.random.choice((3, 3, 3, 2, 1)) * TAO + self.random.choice((0, 0, 0, 1))
        slippage = self.random.choice((10_000, 10_000, 500, 5))
        is_long = self.random.random() < 0.6
        order = Order(
            trader=TRADERS[name],
            netuid=netuid,
            is_long=is_long,
            margin=Wei(margin),
            leverage=leverage,
            slippage_bps_max=slippage,
        )
        before = state(self.exchange)
        quoted = quote_opening(self.exchange, order, self.at)
        assert state(self.exchange) == before, "a quote changes nothing"
        done = open_position(self.exchange, order, self.at)
        assert done == quoted
        self.both(
            done,
            lambda r: reference_open(
                r,
                name,
                netuid,
                is_long=is_long,
                margin=margin,
                leverage=leverage,
                slippage=slippage,
            ),
        )

    def close(self) -> None:
        held = sorted(self.reference.positions) or [(self.trader(), self.netuid())]
        name, netuid = self.random.choice(held)
        if self.random.random() < 0.8:
            self.push(netuid, 100)
        position = self.reference.positions.get((name, netuid))
        whole = position.size if position else TAO
        size = self.random.choice((0, 0, whole // 2, whole // 3, whole - 5, whole + 1))
        before = state(self.exchange)
        quoted = quote_closing(self.exchange, TRADERS[name], Netuid(netuid), size, self.at)
        assert state(self.exchange) == before, "a quote changes nothing"
        done = close_position(self.exchange, TRADERS[name], Netuid(netuid), size, self.at)
        assert done == quoted
        self.both(done, lambda r: reference_close(r, name, netuid, size))
        self.reached["changed"] += not isinstance(done, Refusal) and size not in {0, whole}

    def price(self) -> None:
        self.push(self.netuid(), self.random.choice((100, 500, 3_000, 8_000)))

    def push(self, netuid: int, bps_max: int) -> None:
        feed = self.reference.feeds[netuid]
        moved = (feed.price or PRICE) * (10_000 + self.random.randint(-bps_max, bps_max)) // 10_000
        price = max(moved, 10**12)
        update = Update(
            netuid=Netuid(netuid),
            price=PriceWei(price),
            source_block=self.at.number,
            source_time=self.at.time,
        )
        (outcome,) = push(self.exchange, [update], self.at)
        row = self.exchange.markets[Netuid(netuid)].feed
        if outcome is PushOutcome.ACCEPTED:
            feed.price, feed.time, feed.suspended = price, self.at.time, False
        assert (row.price, bool(row.suspension)) == (feed.price, feed.suspended)
        distance = self.random.choice((0, 20, 300))
        feed.chain_price = (feed.price * (10_000 + distance) // 10_000) // GWEI * GWEI
        prices = {n: PriceWei(self.reference.feeds[n].chain_price) for n in NETUIDS}
        self.exchange.chain_prices = prices

    def suspend(self) -> None:
        netuid = self.netuid()
        is_resumed = self.reference.feeds[netuid].suspended
        if is_resumed:
            resume(self.exchange, [netuid])
        else:
            suspend(self.exchange, [netuid], SuspensionReason.JUMP, self.at)
        self.reference.feeds[netuid].suspended = not is_resumed

    def liquidate(self) -> None:
        for name, trader in TRADERS.items():
            netuid = self.netuid()
            (said,) = liquidate(self.exchange, [position_id(trader, netuid)], self.at)
            expected = reference_liquidate(self.reference, name, netuid, "keeper")
            if isinstance(said, LiquidationSkipped):
                assert OUTCOMES[said.reason] == expected
                self.reached[said.reason] += 1
            else:
                assert isinstance(said, PositionLiquidated)
                assert expected == 0
                self.reached["liquidated"] += 1
                self.reached["bad debt"] += said.bad_debt > 0

    def accrue(self) -> None:
        netuid = self.netuid()
        accrue(self.exchange, [netuid], self.at)
        self.reference.accrue(netuid)

    def trader(self) -> str:
        return self.random.choice([*TRADERS])

    def netuid(self) -> Netuid:
        return self.random.choice(NETUIDS)


def state(exchange: Exchange) -> object:
    vault = exchange.vault
    accounts = {trader: replace(account) for trader, account in exchange.accounts.items()}
    counted = {trader: each for trader, each in accounts.items() if each.free or each.positions}
    return (
        dict(exchange.markets),
        dict(exchange.positions),
        counted,
        (vault.reserves, vault.insurance, vault.funding, vault.bad_debt, vault.claims_booked),
        (exchange.free, exchange.margins, exchange.exposure, len(exchange.events)),
    )

"""The exchange once more, in Python and from the specification: what the contract must come to.

Exact fractions, rounded where the specification says; nothing is shared with the Solidity or with
the keepers' arithmetic. An action either changes the state or raises RefusedError with the name of
the contract's error, in the contract's order of checks.
"""

from collections import defaultdict
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor

from tests.contracts.world import GWEI, TAO, Limits, Parameters

BPS = 10_000


class RefusedError(Exception):
    """The contract must revert with this error."""


@dataclass(kw_only=True)
class Feed:
    """What the feed and the chain say of a market."""

    price: int
    time: int
    chain_price: int
    suspended: bool = False


@dataclass(kw_only=True)
class Market:
    parameters: Parameters
    last: int
    long: int = 0
    short: int = 0
    index: int = 0

    @property
    def exposure(self) -> int:
        return abs(self.long - self.short)

    def step(self, elapsed: int) -> int:
        total = self.long + self.short
        if total == 0:
            return 0
        p = self.parameters
        counted = Fraction(min(elapsed, p.funding_cap), p.funding_interval)
        return floor(Fraction(self.long - self.short, total) * p.funding_rate_max * counted)


@dataclass(kw_only=True)
class Position:
    is_long: bool
    margin: int
    size: int
    entry: int
    index: int
    block: int

    def pnl(self, size: int, price: int) -> int:
        sign = 1 if self.is_long else -1
        return floor(Fraction(sign * size * (price - self.entry), self.entry))

    def funding(self, size: int, index: int) -> int:
        sign = 1 if self.is_long else -1
        return ceil(Fraction(sign * size * (index - self.index), TAO))


Key = tuple[str, int]


@dataclass(kw_only=True)
class Reference:
    limits: Limits
    now: int = 0
    block: int = 0
    reserves: int = 0
    insurance: int = 0
    bad_debt: int = 0
    uncovered: int = 0
    funding_ledger: int = 0
    funding_debits: int = 0
    funding_credits: int = 0
    paused: bool = False
    free: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    rewards: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    claims: list[tuple[str, int]] = field(default_factory=list)  # unfunded, oldest first
    claimable: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    feeds: dict[int, Feed] = field(default_factory=dict)
    markets: dict[int, Market] = field(default_factory=dict)
    positions: dict[Key, Position] = field(default_factory=dict)

    def attempt(self, action: Callable[["Reference"], object]) -> str | None:
        """Does it, or undoes it and says why it was refused."""
        before = deepcopy(vars(self))
        try:
            action(self)
        except RefusedError as refused:
            vars(self).update(before)
            return str(refused)
        return None

    # What the contract holds

    def tao(self) -> int:
        margins = sum(position.margin for position in self.positions.values())
        held = (self.free, self.rewards, self.claimable)
        return self.reserves + self.insurance + margins + sum(sum(x.values()) for x in held)

    def owed(self, trader: str) -> int:
        unfunded = sum(amount for whose, amount in self.claims if whose == trader)
        return self.claimable[trader] + unfunded

    def exposure(self) -> int:
        return sum(market.exposure for market in self.markets.values())

    def reaches(self, bps: int) -> bool:
        return self.exposure() * BPS >= self.reserves * bps

    # Accounts

    def deposit(self, trader: str, amount: int) -> None:
        _whole_gwei(amount)
        margins = {key: p.margin for key, p in self.positions.items()}
        own = self.free[trader] + sum(m for (who, _), m in margins.items() if who == trader)
        every = sum(self.free.values()) + sum(margins.values())
        _refuse_if(own + amount > self.limits.deposit_cap_account, "DepositCapExceeded")
        _refuse_if(every + amount > self.limits.deposit_cap_global, "DepositCapExceeded")
        self.free[trader] += amount

    def withdraw(self, trader: str, amount: int) -> None:
        _whole_gwei(amount)
        _refuse_if(amount > self.free[trader], "InsufficientBalance")
        self.free[trader] -= amount

    def claim(self, trader: str) -> None:
        self.free[trader] += self.claimable.pop(trader, 0)

    # Vault

    def receive(self, amount: int) -> None:
        while self.claims and amount:
            trader, owed = self.claims.pop(0)
            paid = min(owed, amount)
            amount -= paid
            self.claimable[trader] += paid
            if owed > paid:
                self.claims.insert(0, (trader, owed - paid))
        self.reserves += amount

    def settle(self, trader: str, margin: int, due: int) -> int:
        """Margin is in nobody's account; returns what the trader is paid now."""
        if due < margin:
            self.receive(margin - max(due, 0))
            return max(due, 0)
        funded = min(due - margin, self.reserves)
        self.reserves -= funded
        if due - margin > funded:
            self.claims.append((trader, due - margin - funded))
        return margin + funded

    def book_bad_debt(self, remaining: int) -> None:
        debt = max(0, -remaining)
        covered = min(debt, self.insurance)
        self.insurance -= covered
        self.bad_debt += debt
        self.uncovered += debt - covered
        self.receive(covered)

    def withdraw_vault(self, amount: int) -> None:
        _whole_gwei(amount)
        known = all(
            not self.feeds[netuid].suspended
            for netuid, market in self.markets.items()
            if market.long or market.short
        )
        _refuse_if(not known, "MarketIsSuspended")
        kept = ceil(Fraction(self.reserves * self.limits.withdrawal_reserve, BPS))
        _refuse_if(amount > self.reserves - kept, "WithdrawalReserve")
        left = self.reserves - amount
        too_used = self.exposure() * BPS > left * self.limits.utilisation_max
        _refuse_if(too_used, "UtilisationExceeded")
        self.reserves = left

    # Markets

    def accrue(self, netuid: int) -> bool:
        market = self.markets[netuid]
        elapsed = self.now - market.last
        market.index += market.step(elapsed)
        market.last = self.now
        return elapsed > 0

    def trading_price(self, netuid: int) -> int:
        feed = self.feeds[netuid]
        _refuse_if(feed.suspended, "MarketIsSuspended")
        too_old = self.now - feed.time > self.markets[netuid].parameters.trading_age_max
        _refuse_if(feed.price == 0 or too_old, "StalePrice")
        return feed.price

    def fill(self, netuid: int, *, buying: bool, feed: int) -> int:
        chain = self.feeds[netuid].chain_price
        _refuse_if(chain == 0, "NoChainPrice")
        chain -= chain % GWEI
        _refuse_if(chain == 0, "NoChainPrice")
        step = self.limits.slippage_low
        if self.reaches(self.limits.utilisation_medium):
            step = self.limits.slippage_medium
        if self.reaches(self.limits.utilisation_high):
            step = self.limits.slippage_high
        if buying:
            return ceil(Fraction(max(feed, chain) * (BPS + step), BPS))
        return floor(Fraction(min(feed, chain) * (BPS - step), BPS))


def _refuse_if(refused: bool, error: str) -> None:
    if refused:
        raise RefusedError(error)


def _whole_gwei(amount: int) -> None:
    _refuse_if(amount % GWEI != 0, "NotMultipleOfGwei")

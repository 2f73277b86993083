"""The crowd on the exchange in process: every trader's wishes, tried first and then done.

Imitates `devnet/traders.py` step by step: a wish is preflighted at the end of a block, and done in
the next one in the order of the traders.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import assert_never

from devnet.trader import SLIPPAGE_BPS_MAX, Close, Deposit, Mind, Open, Wish, Withdraw
from devnet.traders import TradeCounts
from replay.exchange import Exchange, Moment
from replay.exchange.accounts import deposit, refused_deposit, refused_withdrawal, withdraw
from replay.exchange.refusals import NO_PRICE, Refusal
from replay.exchange.trading import (
    Order,
    close_position,
    open_position,
    position_id,
    quote_closing,
    quote_opening,
)
from units import BlockNumber, Wei

_GWEI = 10**9


@dataclass(slots=True, kw_only=True)
class ModelTrader:
    """A mind with an account: the 20 bytes of its address."""

    holder: bytes
    mind: Mind


class ModelTraders:
    """Everybody who trades. `start` is the block from which their plans count."""

    def __init__(self, traders: Sequence[ModelTrader], start: BlockNumber) -> None:
        self.counts = TradeCounts()
        self.traders = tuple(traders)
        self._start = start
        self._pending: list[tuple[int, Wish, Wei]] = []
        self._wakes: list[tuple[int, int]] = []
        self._wakes_at: dict[int, int] = {}
        for index in range(len(self.traders)):
            self._schedule(index, -1)

    def trade(self, exchange: Exchange, at: Moment) -> None:
        """Does in block `at` what was wished for at the one before."""
        now = at.number - self._start
        for index, wish, amount in self._pending:
            refused = self._do(exchange, index, wish, amount, at)
            mind, name = self.traders[index].mind, type(wish).__name__.lower()
            if refused is None:
                self.counts.succeeded[name] += 1
                mind.done(wish, now)
                self._hold(exchange, index)
            else:
                self.counts.reverted[name] += 1
                mind.refused(now)
            self._schedule(index, now)
        self._pending = []

    def lost(self, holder_index: int, number: BlockNumber) -> None:
        """A trader's position was liquidated in that block."""
        now = number - self._start
        self.traders[holder_index].mind.lost(now)
        self._schedule(holder_index, now)

    def wish(self, exchange: Exchange, at: Moment) -> None:
        """At the end of block `at`: what everybody wishes, as far as it would be granted."""
        now = at.number - self._start
        due: set[int] = set()
        while self._wakes and self._wakes[0][0] <= now:
            wakes, index = heappop(self._wakes)
            if self._wakes_at.get(index) == wakes:
                due.add(index)
        for index in sorted(due):
            self._ask(exchange, index, at, now)

    def _ask(self, exchange: Exchange, index: int, at: Moment, now: int) -> None:
        trader = self.traders[index]
        wish = trader.mind.wish(now)
        if wish is None:
            self._schedule(index, now + 1)
            return
        amount = self._amount(exchange, trader, wish)
        refused = self._preflight(exchange, trader, wish, amount, at)
        if refused is None:
            self.counts.sent[type(wish).__name__.lower()] += 1
            self._wakes_at.pop(index, None)
            self._pending.append((index, wish, amount))
            return
        self.counts.declined[refused.reason.value] += 1
        if refused.reason in NO_PRICE:
            trader.mind.waits(now)
        else:
            trader.mind.refused(now)
        self._schedule(index, now + 1)

    def _schedule(self, index: int, now: int) -> None:
        wakes = self.traders[index].mind.wakes(now)
        if wakes is None:
            self._wakes_at.pop(index, None)
        elif self._wakes_at.get(index) != wakes:
            self._wakes_at[index] = wakes
            heappush(self._wakes, (wakes, index))

    def _hold(self, exchange: Exchange, index: int) -> None:
        trader = self.traders[index]
        position = exchange.positions.get(position_id(trader.holder, trader.mind.plan.netuid))
        if position is not None:
            trader.mind.hold(position.key.id, position.size)

    def _amount(self, exchange: Exchange, trader: ModelTrader, wish: Wish) -> Wei:
        if isinstance(wish, Withdraw):
            return Wei(exchange.accounts[trader.holder].free // _GWEI * _GWEI)
        return wish.amount if isinstance(wish, Deposit) else Wei(0)

    def _preflight(
        self, exchange: Exchange, trader: ModelTrader, wish: Wish, amount: Wei, at: Moment
    ) -> Refusal | None:
        holder, netuid = trader.holder, trader.mind.plan.netuid
        match wish:
            case Deposit():
                return refused_deposit(exchange, holder, amount)
            case Withdraw():
                return refused_withdrawal(exchange, holder, amount)
            case Open():
                return _refusal(quote_opening(exchange, _order(holder, wish), at))
            case Close(size=size):
                return _refusal(quote_closing(exchange, holder, netuid, size, at))
            case never:
                assert_never(never)

    def _do(
        self, exchange: Exchange, index: int, wish: Wish, amount: Wei, at: Moment
    ) -> Refusal | None:
        trader = self.traders[index]
        match wish:
            case Deposit():
                return deposit(exchange, trader.holder, amount)
            case Withdraw():
                return withdraw(exchange, trader.holder, amount)
            case Open():
                return _refusal(open_position(exchange, _order(trader.holder, wish), at))
            case Close(size=size):
                netuid = trader.mind.plan.netuid
                return _refusal(close_position(exchange, trader.holder, netuid, size, at))
            case never:
                assert_never(never)


def _order(holder: bytes, wish: Open) -> Order:
    plan = wish.plan
    return Order(
        trader=holder,
        netuid=plan.netuid,
        is_long=plan.is_long,
        margin=plan.margin,
        leverage=plan.leverage,
        slippage_bps_max=SLIPPAGE_BPS_MAX,
    )


def _refusal(answer: object) -> Refusal | None:
    return answer if isinstance(answer, Refusal) else None

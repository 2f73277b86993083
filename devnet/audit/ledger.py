"""The referee's own books of the exchange, kept from logs alone.

Knows the events' names and arguments; nothing of blocks to come, the tape or the fleet. A log that
contradicts the books is a breach: it is noted, never passed over.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from devnet.audit.margin import Holding, HoldingKey, Terms, funding_owed, index_after
from devnet.contract import EventRead
from units import (
    BlockNumber,
    FundingIndex,
    Netuid,
    PositionId,
    PriceWei,
    Sequence,
    Timestamp,
    Wei,
)

NO_BLOCK = BlockNumber(0)
NO_INDEX = FundingIndex(0)
NO_PRICE = PriceWei(0)
NO_TIME = Timestamp(0)
NO_WEI = Wei(0)
_JUMP = 4
"""The feed's reason for a suspension in which the guard waits: no downtime."""


@dataclass(slots=True, kw_only=True)
class MarketBooks:
    """One market as the logs say. `price` 0 = never pushed, `suspended_at` 0 = not suspended.

    `was_broken`: the last suspension was, for a while at least, for something else than a jump.
    """

    netuid: Netuid
    terms: Terms
    last_accrual: Timestamp
    index: FundingIndex = NO_INDEX
    long: Wei = NO_WEI
    short: Wei = NO_WEI
    price: PriceWei = NO_PRICE
    source_block: BlockNumber = NO_BLOCK
    source_time: Timestamp = NO_TIME
    pushed_in: BlockNumber = NO_BLOCK
    suspended_at: BlockNumber = NO_BLOCK
    resumed_in: BlockNumber = NO_BLOCK
    was_broken: bool = False
    pushes: int = 0
    accruals: int = 0
    suspensions: int = 0

    def index_at(self, now: Timestamp) -> FundingIndex:
        """The index as any reader of the exchange would see it at `now`."""
        return index_after(
            index=self.index,
            since=self.last_accrual,
            now=now,
            long=self.long,
            short=self.short,
            terms=self.terms,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A liquidation as it happened: the holding, and the market and index it was judged by.

    `price`, `source_block` and `index` are the referee's own; `event` is what the exchange said.
    """

    holding: Holding
    opened_in: BlockNumber
    block: BlockNumber
    price: PriceWei
    source_block: BlockNumber
    pushed_in: BlockNumber
    index: FundingIndex
    terms: Terms
    event: dict[str, Any]


@dataclass(slots=True)
class Ledger:
    """Books of every market and holding. Feed it every block's events in order.

    `opened_in` keeps every position there ever was; `terms_changed` asks whoever feeds the ledger
    to read the markets' terms anew.
    """

    markets: dict[Netuid, MarketBooks]
    holdings: dict[HoldingKey, Holding] = field(default_factory=dict)
    opened_in: dict[HoldingKey, BlockNumber] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)
    funding_debits: int = 0
    funding_credits: int = 0
    bad_debt: int = 0
    terms_changed: bool = False

    @property
    def funding_paid(self) -> int:
        """What positions have paid the vault so far, less what it paid them."""
        return self.funding_debits - self.funding_credits

    def apply(self, event: EventRead, *, block: BlockNumber, time: Timestamp) -> Taken | None:
        """Folds one event; returns a liquidation for judging.

        An event about a market or position that the books do not know is a breach.
        """
        netuid = _netuid(event.arguments)
        if netuid is None:
            if event.name == "BadDebtBooked":
                self.bad_debt += event.arguments["amount"]
            return None
        market = self.markets.get(netuid)
        if market is None:
            self._breach(block, f"{event.name} of market {netuid}, which is not listed")
            return None
        if event.name == "PositionLiquidated":
            return self._liquidated(market, event.arguments, block=block, time=time)
        self._fold(market, event, block=block, time=time)
        return None

    def _fold(
        self, market: MarketBooks, event: EventRead, *, block: BlockNumber, time: Timestamp
    ) -> None:
        match event.name:
            case "PricePushed":
                self._pushed(market, event.arguments, block)
            case "MarketSuspended":
                _suspend(market, block, event.arguments["reason"])
            case "MarketResumed":
                market.suspended_at, market.resumed_in = NO_BLOCK, block
            case "FundingAccrued":
                self._accrued(market, event.arguments, block=block, time=time)
            case "PositionOpened":
                self._opened(market, event.arguments, block)
            case "PositionChanged" | "PositionClosed":
                self._closed(market, event.arguments, time=time)
            case "ParametersChanged":
                self.terms_changed = True
            case _:  # the rest is of accounts, the vault and the admin
                pass

    def _pushed(self, market: MarketBooks, arguments: dict[str, Any], block: BlockNumber) -> None:
        source_block = BlockNumber(arguments["sourceBlock"])
        if not market.source_block < source_block <= block:
            self._breach(block, f"market {market.netuid} took a price of block {source_block}")
        market.price = PriceWei(arguments["price"])
        market.source_block, market.pushed_in = source_block, block
        market.source_time = Timestamp(arguments["sourceTime"])
        market.pushes += 1

    def _accrued(
        self,
        market: MarketBooks,
        arguments: dict[str, Any],
        *,
        block: BlockNumber,
        time: Timestamp,
    ) -> None:
        found, expected = (arguments["index"], arguments["until"]), (market.index_at(time), time)
        if found != expected:
            self._breach(
                block,
                f"market {market.netuid} accrued to (index, time) {found}, expected {expected}",
            )
        market.index, market.last_accrual = FundingIndex(arguments["index"]), time
        market.accruals += 1

    def _opened(self, market: MarketBooks, arguments: dict[str, Any], block: BlockNumber) -> None:
        holding = Holding(
            key=key_of(arguments),
            trader=arguments["trader"],
            netuid=market.netuid,
            is_long=arguments["isLong"],
            margin=Wei(arguments["margin"]),
            size=Wei(arguments["size"]),
            entry_price=PriceWei(arguments["entryPrice"]),
            entry_index=FundingIndex(arguments["entryIndex"]),
        )
        if holding.key in self.holdings:
            self.breaches.append(f"position {name_of(holding.key)} was opened twice")
        self.holdings[holding.key] = holding
        _move_interest(market, holding, holding.size)
        self.opened_in[holding.key] = block

    def _closed(self, market: MarketBooks, arguments: dict[str, Any], *, time: Timestamp) -> None:
        """A close, whole or partial: a whole one names neither margin nor size left."""
        holding = self._take(arguments)
        if holding is None:
            return
        left = Wei(arguments.get("size", 0))
        closed = holding.size - left
        owed = funding_owed(holding, market.index_at(time), closed)
        if owed != arguments["fundingOwed"]:
            found = arguments["fundingOwed"]
            self.breaches.append(
                f"position {name_of(holding.key)} settled funding of {found}, expected {owed}"
            )
        self._settle(arguments["fundingOwed"])
        _move_interest(market, holding, -closed)
        if left > 0:
            margin = Wei(arguments["margin"])
            self.holdings[holding.key] = replace(holding, margin=margin, size=left)

    def _liquidated(
        self,
        market: MarketBooks,
        arguments: dict[str, Any],
        *,
        block: BlockNumber,
        time: Timestamp,
    ) -> Taken | None:
        holding = self._take(arguments)
        if holding is None:
            return None
        index = market.index_at(time)
        self._settle(funding_owed(holding, index))
        _move_interest(market, holding, -holding.size)
        return Taken(
            holding=holding,
            opened_in=self.opened_in[holding.key],
            block=block,
            price=market.price,
            source_block=market.source_block,
            pushed_in=market.pushed_in,
            index=index,
            terms=market.terms,
            event=arguments,
        )

    def _take(self, arguments: dict[str, Any]) -> Holding | None:
        holding = self.holdings.pop(key_of(arguments), None)
        if holding is None:
            self.breaches.append(
                f"position {name_of(key_of(arguments))} was settled but never opened"
            )
        return holding

    def _settle(self, owed: int) -> None:
        self.funding_debits += max(owed, 0)
        self.funding_credits += max(-owed, 0)

    def _breach(self, block: BlockNumber, what: str) -> None:
        self.breaches.append(f"block {block}: {what}")


def _suspend(market: MarketBooks, block: BlockNumber, reason: int) -> None:
    """Said again for a suspended market it only changes the reason."""
    if market.suspended_at == NO_BLOCK:
        market.suspended_at, market.was_broken = block, False
        market.suspensions += 1
    market.was_broken = market.was_broken or reason != _JUMP


def _move_interest(market: MarketBooks, holding: Holding, size: int) -> None:
    if holding.is_long:
        market.long = Wei(market.long + size)
    else:
        market.short = Wei(market.short + size)


def _netuid(arguments: dict[str, Any]) -> Netuid | None:
    """The market an event speaks of: by netuid in the feed, by address in the exchange."""
    if "netuid" in arguments:
        return Netuid(arguments["netuid"])
    return Netuid(int(arguments["market"], 16)) if "market" in arguments else None


def key_of(arguments: Mapping[str, Any]) -> HoldingKey:
    """The position that an event is about."""
    return HoldingKey(id=PositionId(arguments["id"]), sequence=Sequence(arguments["sequence"]))


def name_of(key: HoldingKey) -> str:
    """A position as people look it up: id and sequence."""
    return f"0x{key.id.hex()}#{key.sequence}"

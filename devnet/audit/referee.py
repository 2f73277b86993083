"""The referee: watches every block of chain 964 beside the tape, and keeps the verdict.

Fed by logs alone, block by block; reads nothing. What only the exchange's views can say is checked
in `devnet/audit/invariants.py`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from devnet.audit.duties import Duty, DutyRecord
from devnet.audit.feed import FeedWatch, Pins, Promise
from devnet.audit.lateness import Below, BelowMaintenance, Capacity
from devnet.audit.ledger import NO_PRICE, Ledger, MarketBooks, Taken, key_of
from devnet.audit.margin import Holding, HoldingKey, is_below, remaining
from devnet.audit.spikes import SourcePrices, price_before_spike
from devnet.audit.told import Stand, TierWatch
from devnet.audit.trades import TRADES, Trades, trade_of
from devnet.audit.verdict import Verdict
from devnet.chain import Log, Receipt, SealedBlock
from devnet.contract import EventRead
from units import (
    BPS_ONE,
    RAO_IN_PRICE_WEI,
    BlockNumber,
    Bps,
    Head,
    Netuid,
    PriceWei,
)


class LogReader(Protocol):
    """The interface of a contract, as far as its logs go."""

    def read_log(self, log: Log) -> EventRead | None:
        """The event behind a log, or None when it is none of this contract's."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RefereePolicy:
    """What the referee measures against.

    Attributes:
        promises: what the operator has configured of each market's feed.
        pins: the registration that each market was listed for.
        tiers: margin ratios to warn below, highest first.
        capacity: how fast liquidations can get in.
        finality_blocks: how far the finalized Subtensor head is behind the best.
        fleet: addresses of the fleet's keys, lower case: an accrual by another is no merit of it.
    """

    promises: Mapping[Netuid, Promise]
    pins: Pins
    tiers: tuple[Bps, ...]
    capacity: Capacity
    finality_blocks: int
    fleet: frozenset[str]


class Referee:
    """Judges blocks in their order.

    Args:
        ledger: the books as of the block before the first one observed.
        tape: the source prices that the world replays.
        contracts: interface by lower-case address, of every contract whose logs count.
        policy: what to measure against.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        tape: SourcePrices,
        contracts: Mapping[str, LogReader],
        policy: RefereePolicy,
    ) -> None:
        self.ledger = ledger
        self.verdict = Verdict()
        self.below = BelowMaintenance(policy.capacity)
        self.duties = DutyRecord()
        self.tiers = TierWatch(policy.tiers)
        self.accruals_by_fleet = dict.fromkeys(ledger.markets, 0)
        self.transactions_by_fleet = 0
        self.feed = FeedWatch(
            tape=tape, pins=policy.pins, promises=policy.promises, record=self.duties
        )
        self.trades = Trades()
        self._lagging: set[Netuid] = set()
        self._tape = tape
        self._contracts = contracts
        self._policy = policy

    def observe(self, block: SealedBlock) -> None:
        """Takes in one sealed block: first what happened in it, then how it ended."""
        self.feed.begin_block(
            self._known(block.head),
            block.head.number,
            partial(self._is_worth_a_push, block),
            lambda netuid: self.ledger.markets[netuid].index_at(block.head.time),
        )
        for receipt in block.receipts:
            self._transaction(receipt, block.head)
        self._measure_gaps(block.head)
        self._measure_funding(block.head)
        self._measure_positions(block.head)

    def _is_worth_a_push(self, block: SealedBlock, netuid: Netuid, price: PriceWei) -> bool:
        """Of those who were there before the block."""
        market, stakes = self.ledger.markets[netuid], self._policy.promises[netuid].stakes
        if market.suspended_at or price == market.price:
            return False
        held, index = self.ledger.holdings.values(), market.index_at(block.head.time)
        at_stake = stakes.at_stake(held, market, price, index)
        return stakes.is_worth(at_stake, block.base_fee)

    def _transaction(self, receipt: Receipt, head: Head) -> None:
        events = [event for log in receipt.logs if (event := self._read(log)) is not None]
        for event in events:
            self._event(event, head)
        if receipt.sender in self._policy.fleet:
            self._credit(receipt, events, head)

    def _event(self, event: EventRead, head: Head) -> None:
        self._judge_trade(event, head)
        pushed = self._pushed_market(event)
        before = pushed.price if pushed is not None else NO_PRICE
        taken = self.ledger.apply(event, block=head.number, time=head.time)
        if pushed is not None:
            self.feed.pushed(pushed, before, head.number)
        if taken is not None:
            self._judge(taken)

    def _judge_trade(self, event: EventRead, head: Head) -> None:
        """Before the books change: what was traded, at which price, and whether it might be."""
        if event.name == "MarketSuspended":
            self.feed.holds.suspended(Netuid(event.arguments["netuid"]), head.number)
        if event.name not in TRADES:
            return
        netuid = Netuid(int(event.arguments["market"], 16))
        holding = self.ledger.holdings.get(key_of(event.arguments))
        trade, market = trade_of(event.name, event.arguments, holding), self.ledger.markets[netuid]
        if trade is not None:
            self.trades.judge(
                trade,
                source=self.feed.source(netuid, head.number),
                band=self._policy.promises[netuid].band,
                is_suspended=market.suspended_at > 0,
            )

    def _pushed_market(self, event: EventRead) -> MarketBooks | None:
        if event.name != "PricePushed":
            return None
        return self.ledger.markets.get(Netuid(event.arguments["netuid"]))

    def _credit(self, receipt: Receipt, events: Sequence[EventRead], head: Head) -> None:
        """What the fleet has done; funding that a liquidation moved along is no merit."""
        self.transactions_by_fleet += 1
        if not receipt.succeeded:
            self.duties.note(
                Duty.TRANSACTIONS_SUCCEED, f"block {head.number}: {receipt.tx_hash} reverted"
            )
        if not _liquidates(events):
            for event in events:
                if event.name == "FundingAccrued":
                    self.accruals_by_fleet[Netuid(int(event.arguments["market"], 16))] += 1

    def _read(self, log: Log) -> EventRead | None:
        contract = self._contracts.get(log.address)
        return contract.read_log(log) if contract is not None else None

    def _judge(self, taken: Taken) -> None:
        netuid = taken.holding.netuid
        limit = self._policy.promises[netuid].guard_limit
        self.verdict.judge(taken, price_before_spike(self._tape, netuid, taken.source_block, limit))
        self.tiers.liquidated.add(taken.holding.key)
        left = remaining(taken.holding, taken.price, taken.index)
        lateness = self.below.taken(self._below_in(taken.block, taken.holding, left), taken.block)
        if lateness.is_later_than_its_rank:
            self.verdict.note_late(taken, lateness.blocks_allowed)
        self.verdict.late_blocks[lateness.blocks] += 1
        self.verdict.late_blocks_unsuspended[lateness.blocks - lateness.blocks_suspended] += 1
        if lateness.source_block is None:
            self.verdict.driven_by_funding += 1
        else:
            self.verdict.source_blocks[taken.block - lateness.source_block] += 1
            first = first_source_below(self._tape, taken)
            self.verdict.first_source_blocks[taken.block - first] += 1
            self.feed.split_bad_debt(self.verdict.bad_debt, taken, first)

    def _measure_positions(self, head: Head) -> None:
        """How everybody's margin stands at the end of a block."""
        markets = self.ledger.markets
        indices = {netuid: market.index_at(head.time) for netuid, market in markets.items()}
        left = {
            key: remaining(one, markets[one.netuid].price, indices[one.netuid])
            for key, one in self.ledger.holdings.items()
        }
        suspended = {netuid for netuid, market in markets.items() if market.suspended_at}
        self.below.end_block(head.number, list(self._below(left, head.number)), suspended)
        usable = {
            netuid
            for netuid, market in markets.items()
            if netuid not in suspended
            and head.time - market.source_time <= market.terms.liquidation_age
        }
        self.tiers.end_block(
            head.number,
            (
                Stand(key=key, left=left[key], size=one.size)
                for key, one in self.ledger.holdings.items()
                if one.netuid in usable
            ),
        )

    def _below(self, left: Mapping[HoldingKey, int], number: BlockNumber) -> Iterator[Below]:
        for key, one in self.ledger.holdings.items():
            market = self.ledger.markets[one.netuid]
            if is_below(left[key], one.size, market.terms):
                yield self._below_in(number, one, left[key])

    def _below_in(self, number: BlockNumber, holding: Holding, left: int) -> Below:
        market, opened_in = self.ledger.markets[holding.netuid], self.ledger.opened_in
        is_back = market.resumed_in == number and market.was_broken
        return Below(
            key=holding.key,
            netuid=holding.netuid,
            left=left,
            size=holding.size,
            source_block=market.source_block if market.pushed_in == number else None,
            may_wait=is_back or opened_in.get(holding.key) == number,
        )

    def _known(self, head: Head) -> BlockNumber:
        """The newest source block that was final before block `head` was sealed."""
        return BlockNumber(head.number - 1 - self._policy.finality_blocks)

    def _measure_gaps(self, head: Head) -> None:
        known = self._known(head)
        if known < self._tape.first_block:
            return
        prices = self._tape.row_at(known).prices
        for netuid, market in self.ledger.markets.items():
            self.feed.end_block(market, head)
            source = prices.get(netuid, 0) * RAO_IN_PRICE_WEI
            if market.price and source:
                gap = -(-abs(market.price - source) * BPS_ONE // source)
                self.verdict.note_gap(netuid, gap, is_suspended=market.suspended_at > 0)

    def _measure_funding(self, head: Head) -> None:
        for netuid, market in self.ledger.markets.items():
            lag = head.time - market.last_accrual - market.terms.funding_interval
            self.verdict.funding_lag_s_max = max(self.verdict.funding_lag_s_max, lag)
            if lag <= 0:
                self._lagging.discard(netuid)
            elif netuid not in self._lagging:
                self._lagging.add(netuid)
                self.duties.note(
                    Duty.FUNDING_IN_TIME,
                    f"block {head.number}: market {netuid} has stood longer than an interval",
                )


def first_source_below(tape: SourcePrices, taken: Taken) -> BlockNumber:
    """Where the unbroken run of source prices begins that put the position below maintenance.

    Up to the price that liquidated it, not before its opening, at the index of the liquidation.
    """
    first = taken.source_block
    while first > max(taken.opened_in, tape.first_block):
        row = tape.row_at(BlockNumber(first - 1))
        price = PriceWei(row.prices.get(taken.holding.netuid, 0) * RAO_IN_PRICE_WEI)
        left = remaining(taken.holding, price, taken.index)
        if not price or not is_below(left, taken.holding.size, taken.terms):
            break
        first = BlockNumber(max(row.block, taken.opened_in))
    return first


def _liquidates(events: Iterable[EventRead]) -> bool:
    return any(event.name == "PositionLiquidated" for event in events)

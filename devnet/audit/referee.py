"""The referee: watches every block of chain 964 beside the tape, and keeps the verdict.

Fed by logs alone, block by block; reads nothing. What only the exchange's views can say is checked
in `devnet/audit/invariants.py`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from devnet.audit.lateness import Below, BelowMaintenance, Capacity
from devnet.audit.ledger import Ledger, MarketBooks, Taken
from devnet.audit.margin import Holding, is_below, remaining
from devnet.audit.spikes import SourcePrices, price_before_spike
from devnet.audit.verdict import Verdict
from devnet.chain import Log, Receipt, SealedBlock
from devnet.contract import EventRead
from units import (
    BPS_ONE,
    RAO_IN_PRICE_WEI,
    BlockNumber,
    Bps,
    FundingIndex,
    Head,
    Netuid,
    PriceWei,
    Timestamp,
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
        guard_limits: the largest move of a market that needs no confirmation.
        capacity: how fast liquidations can get in.
        finality_blocks: how far the finalized Subtensor head is behind the best.
        fleet: addresses of the fleet's keys, lower case: an accrual by another is no merit of it.
    """

    guard_limits: Mapping[Netuid, Bps]
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
        self.accruals_by_fleet = dict.fromkeys(ledger.markets, 0)
        self._tape = tape
        self._contracts = contracts
        self._policy = policy

    def observe(self, block: SealedBlock) -> None:
        """Takes in one sealed block: first what happened in it, then how it ended."""
        for receipt in block.receipts:
            self._transaction(receipt, block.head)
        self._measure_gaps(block.head.number)
        self._measure_funding(block.head.time)
        self.below.end_block(
            block.head.number,
            list(self._below(block.head)),
            {netuid for netuid, market in self.ledger.markets.items() if market.suspended_at},
        )

    def _transaction(self, receipt: Receipt, head: Head) -> None:
        events = [event for log in receipt.logs if (event := self._read(log)) is not None]
        for event in events:
            taken = self.ledger.apply(event, block=head.number, time=head.time)
            if taken is not None:
                self._judge(taken)
        if receipt.sender in self._policy.fleet and not _liquidates(events):
            for event in events:
                if event.name == "FundingAccrued":
                    self.accruals_by_fleet[Netuid(int(event.arguments["market"], 16))] += 1

    def _read(self, log: Log) -> EventRead | None:
        contract = self._contracts.get(log.address)
        return contract.read_log(log) if contract is not None else None

    def _judge(self, taken: Taken) -> None:
        netuid = taken.holding.netuid
        limit = self._policy.guard_limits[netuid]
        self.verdict.judge(taken, price_before_spike(self._tape, netuid, taken.source_block, limit))
        was_pushed = taken.pushed_in == taken.block
        lateness = self.below.taken(
            taken.holding.key, taken.block, pushed=taken.source_block if was_pushed else None
        )
        self.verdict.late_blocks[lateness.blocks] += 1
        self.verdict.late_blocks_unsuspended[lateness.blocks - lateness.blocks_suspended] += 1
        if lateness.source_block is None:
            self.verdict.driven_by_funding += 1
        else:
            self.verdict.source_blocks[taken.block - lateness.source_block] += 1
            first = first_source_below(self._tape, taken)
            self.verdict.first_source_blocks[taken.block - first] += 1

    def _below(self, head: Head) -> Iterable[Below]:
        quoted = {
            netuid: (market, market.index_at(head.time))
            for netuid, market in self.ledger.markets.items()
            if market.price
        }
        for holding in self.ledger.holdings.values():
            market, index = quoted[holding.netuid]
            one = _if_below(holding, market, index, head.number)
            if one is not None:
                yield one

    def _measure_gaps(self, number: BlockNumber) -> None:
        """Against the newest source price that was finalized before this block was sealed."""
        known = BlockNumber(number - 1 - self._policy.finality_blocks)
        if known < self._tape.first_block:
            return
        prices = self._tape.row_at(known).prices
        for netuid, market in self.ledger.markets.items():
            source = prices.get(netuid, 0) * RAO_IN_PRICE_WEI
            if market.price and source:
                gap = -(-abs(market.price - source) * BPS_ONE // source)
                self.verdict.note_gap(netuid, gap, is_suspended=market.suspended_at > 0)

    def _measure_funding(self, time: Timestamp) -> None:
        lag = max(
            time - market.last_accrual - market.terms.funding_interval
            for market in self.ledger.markets.values()
        )
        self.verdict.funding_lag_s_max = max(self.verdict.funding_lag_s_max, lag)


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


def _if_below(
    holding: Holding, market: MarketBooks, index: FundingIndex, number: BlockNumber
) -> Below | None:
    left = remaining(holding, market.price, index)
    if not is_below(left, holding.size, market.terms):
        return None
    return Below(
        key=holding.key,
        netuid=holding.netuid,
        left=left,
        size=holding.size,
        source_block=market.source_block if market.pushed_in == number else None,
    )


def _liquidates(events: Iterable[EventRead]) -> bool:
    return any(event.name == "PositionLiquidated" for event in events)

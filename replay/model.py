"""The model engine: fleet, traders and exchange in one process, block by block.

Block n: what traders and fleet sent at n − 1 is done in that order, and what came of it reported;
then traders wish, and the fleet decides, for n + 1. As `devnet/world.py` does it with a chain.
"""

from collections.abc import Callable
from math import inf
from typing import assert_never

from devnet.base_fee import BASE_FEE_FLOOR
from devnet.world import FINALITY_BLOCKS
from fleet.settings import Settings
from fleet.transactions.fees import Quoted, needed
from fleet.wiring import policies
from keepers.liquidation.outcomes import ReceiptEvent
from keepers.liquidation.positions import BlockEvents, PositionLiquidated, PricePushed
from replay.actions import Accrue, Action, Liquidate, Push, Suspend
from replay.exchange import Exchange, Moment, opened_exchange
from replay.exchange.feed import push, suspend
from replay.exchange.liquidation import accrue, liquidate
from replay.fleet import ModelFleet
from replay.gas import spent
from replay.ports import ModelChain
from replay.quiet import Quiet
from replay.records import BlockRecord, Spent, VaultRecord
from replay.setup import Setup, finalized_at
from replay.source import TapeSource, block_hash
from replay.traders import ModelTrader, ModelTraders
from units import RAO_IN_PRICE_WEI, BlockNumber, Head, PriceWei, Wei


class ModelEngine:
    """One run of one setup."""

    def __init__(self, setup: Setup) -> None:
        tape, start = setup.replay.tape, setup.start
        settings = setup.settings
        markets = [market.netuid for market in settings.markets]
        listed = tape.time_at(BlockNumber(start - FINALITY_BLOCKS))
        self.exchange: Exchange = opened_exchange(setup.beta, markets, listed)
        self._setup, self._tape = setup, tape
        self._chain = ModelChain(
            exchange=self.exchange,
            head=self._head(start),
            sending=policies.sending(settings),
            push_cost=_push_cost(settings),
        )
        source = TapeSource(tape, markets, finalized_at(start))
        self._fleet = ModelFleet(
            settings=settings,
            chain=self._chain,
            source=source,
            quiet=Quiet(settings, setup.beta.market),
        )
        made = zip(setup.holders, setup.minds, strict=True)
        self.traders = ModelTraders(
            [ModelTrader(holder=holder, mind=mind) for holder, mind in made], start
        )
        self._index = {trader.holder: at for at, trader in enumerate(self.traders.traders)}
        self._row = BlockNumber(-1)

    async def run(
        self, report: Callable[[BlockRecord], None], lowest: Callable[[], float] = lambda: -inf
    ) -> None:
        """Makes every block and reports it.

        Args:
            report: is given every block before anybody acts on it.
            lowest: then asked for the lowest margin ratio of all positions at its end. Where it is
                far from maintenance, turns in which nothing can be decided are left out.
        """
        start = self._setup.start
        for number in range(start - FINALITY_BLOCKS + 1, start + 1):
            self._open_block(number)
            self.traders.trade(self.exchange, self._moment(number))
            self.traders.wish(self.exchange, self._moment(number))
        self.exchange.take_events()
        await self._fleet.feed(finalized_at(start))
        for number in range(start + 1, start + self._setup.blocks + 1):
            record = self._sealed(BlockNumber(number))
            report(record)
            self.traders.wish(self.exchange, self._moment(number))
            await self._fleet.turn(record.head, finalized_at(number), lowest())

    def vault(self) -> VaultRecord:
        """The exchange's books now."""
        exchange, vault = self.exchange, self.exchange.vault
        return VaultRecord(
            reserves=vault.reserves,
            insurance=vault.insurance,
            free_balances=exchange.free,
            margins=exchange.margins,
            claims=vault.claims_booked - vault.claims_paid,
            claims_funded=vault.claims_funded - vault.claims_paid,
            keeper_rewards=exchange.keeper_rewards,
            bad_debt=vault.bad_debt,
            bad_debt_uncovered=vault.bad_debt_uncovered,
            funding_ledger=vault.funding,
        )

    def _sealed(self, number: BlockNumber) -> BlockRecord:
        head, at = self._head(number), self._moment(number)
        self._open_block(number)
        self.traders.trade(self.exchange, at)
        gas = [self._done(action, at) for action in self._chain.outbox]
        events = self.exchange.take_events()
        self._notice(events, at)
        self._chain.seal(BlockEvents(number=number, hash=head.hash, events=events), head)
        return BlockRecord(head=head, events=events, spent=tuple(gas), base_fee=BASE_FEE_FLOOR)

    def _open_block(self, number: int) -> None:
        row = self._tape.row_at(BlockNumber(number))
        if row.block != self._row:
            self._row = row.block
            self.exchange.chain_prices = {
                netuid: PriceWei(rao * RAO_IN_PRICE_WEI)
                for netuid, rao in row.prices.items()
                if netuid in self.exchange.markets
            }

    def _done(self, action: Action, at: Moment) -> Spent:
        said: tuple[ReceiptEvent, ...] = ()
        fresh, before = self._fresh(action), len(self.exchange.events)
        match action:
            case Push(updates=updates, ids=ids):
                push(self.exchange, updates, at)
                said = liquidate(self.exchange, ids, at)
            case Suspend(netuids=netuids, reason=reason):
                suspend(self.exchange, netuids, reason, at)
            case Liquidate(ids=ids, keys=keys):
                said = liquidate(self.exchange, ids, at)
                self._fleet.record(keys, said)
            case Accrue(netuids=netuids):
                accrue(self.exchange, netuids, at)
            case never:
                assert_never(never)
        taken = sum(isinstance(each, PositionLiquidated) for each in said)
        accrued = len(self.exchange.events) - before
        return spent(action, taken=taken, fresh=fresh, accrued=accrued)

    def _fresh(self, action: Action) -> int:
        """How many of the feed's rows an action writes for the first time."""
        match action:
            case Push(updates=updates):
                netuids = [update.netuid for update in updates]
            case Suspend(netuids=several):
                netuids = list(several)
            case _:
                netuids = []
        rows = (self.exchange.markets[netuid].feed for netuid in netuids)
        return sum(not row.price and not row.suspended_at for row in rows)

    def _notice(self, events: tuple[object, ...], at: Moment) -> None:
        """What of a block's events traders and the feed's readers learn."""
        for event in events:
            match event:
                case PricePushed(netuid=netuid):
                    self._chain.landed[netuid] = at.time
                case PositionLiquidated(trader=trader):
                    index = self._index.get(bytes.fromhex(trader[2:]))
                    if index is not None:
                        self.traders.lost(index, at.number)
                case _:
                    pass

    def _moment(self, number: int) -> Moment:
        return Moment(number=BlockNumber(number), time=self._tape.time_at(BlockNumber(number)))

    def _head(self, number: int) -> Head:
        return Head(
            number=BlockNumber(number),
            hash=block_hash(number),
            parent_hash=block_hash(number - 1),
            time=self._tape.time_at(BlockNumber(number)),
        )


def _push_cost(settings: Settings) -> Wei:
    """What the push of one price costs while no block is full."""
    floor = int(BASE_FEE_FLOOR)
    quote = Quoted(gas_price=floor, base_fee=floor, recent_base_fee=floor)
    price = needed(quote, policies.sender(settings).fees)
    return Wei(price * policies.gas(settings).need(ids=0, updates=1))

"""The chain engine: a devnet in lock-step, the real fleet as a child process, every byte real."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devnet.chain import Log, Receipt, SealedBlock
from devnet.demo.child import FleetProcess, fleet_command, running_fleet
from devnet.demo.lead import advance, check_goes_on, end, joined
from devnet.state import FleetOptions, StateFiles, write_state
from devnet.traders import TradeCounts
from devnet.views import ExchangeViews
from devnet.world import World, WorldOptions, running_world
from keepers.liquidation.positions import (
    BookEvent,
    FundingAccrued,
    Market,
    MarketSuspended,
    PositionLiquidated,
    PricePushed,
)
from protocol.events import book_event
from replay.configuration import Configuration
from replay.exchange import opened_exchange
from replay.records import BlockRecord, Spent, VaultRecord, Work
from replay.setup import Setup, finalized_at
from units import BlockNumber, Head, Timestamp

Report = Callable[[BlockRecord], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainEnd:
    """How a run ended: the books, what each trader has free in wei, and what became of wishes."""

    vault: VaultRecord
    free_balances: list[int]
    counts: TradeCounts


class ChainEngine:
    """One run of one setup on a devnet whose files are in `out`."""

    def __init__(self, setup: Setup, configuration: Configuration, out: Path) -> None:
        self._setup = setup
        self._sections = configuration.sections
        self._files = StateFiles(state=out / "devnet.json")
        self._log = out / "fleet.log"
        self._world: World | None = None
        self._views: ExchangeViews | None = None

    async def run(self, report: Report, is_stopped: Callable[[], bool]) -> ChainEnd:
        """Makes every block and reports it; how it stood after the last one.

        Raises:
            FleetDiedError, and whatever a devnet may fail with: see `devnet.failure.one_line`.
        """
        async with self._running() as (world, fleet):
            await joined(world, fleet, is_stopped)
            await world.stand_in.lock_step.wait_finished(finalized_at(world.start))
            for _ in range(self._setup.blocks):
                await advance(world, fleet)
                await report(self._record(world.head, world))
                check_goes_on(world, is_stopped)
            await end(fleet)
            return await self._end(world)

    async def vault(self) -> VaultRecord:
        """The exchange's books at the head."""
        world, views = self._world, self._views
        assert world is not None, "it is asked while it runs"
        assert views is not None, "made with the world"
        return _vault(await views.vault(world.head.head.number))

    async def _end(self, world: World) -> ChainEnd:
        views = ExchangeViews(world.node, world.deployment)
        traders = [trader.account.address for trader in world.traders.traders]
        return ChainEnd(
            vault=await self.vault(),
            free_balances=await views.free_balances(traders, world.head.head.number),
            counts=world.traders.counts,
        )

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[tuple[World, FleetProcess]]:
        setup = self._setup
        options = WorldOptions(
            tape=setup.replay.tape,
            first=setup.replay.first,
            blocks=setup.blocks,
            traders=0,
            seed=setup.seed,
            minds=setup.minds,
            netuids=tuple(market.netuid for market in setup.settings.markets),
            beta=setup.beta,
        )
        self._files.forget()
        async with running_world(options) as world:
            self._world, self._views = world, ExchangeViews(world.node, world.deployment)
            told = FleetOptions(is_in_step=True, log_format="json", sections=self._sections)
            await write_state(world, self._files, told)
            async with running_fleet(fleet_command(self._files.network), self._log) as fleet:
                yield world, fleet

    def _record(self, block: SealedBlock, world: World) -> BlockRecord:
        fleet = {account.address.lower() for account in world.fleet.by_workload.values()}
        events = [_events(receipt, block.head) for receipt in block.receipts]
        spent = [
            _spent(each, receipt.gas_used)
            for receipt, each in zip(block.receipts, events, strict=True)
            if receipt.sender in fleet
        ]
        return BlockRecord(
            head=block.head,
            events=tuple(event for each in events for event in each),
            spent=tuple(spent),
            base_fee=block.base_fee,
        )


def listed_markets(setup: Setup) -> tuple[Market, ...]:
    """The markets as they are deployed."""
    listed = Timestamp(setup.replay.tape.time_at(BlockNumber(finalized_at(setup.start))))
    netuids = [market.netuid for market in setup.settings.markets]
    return tuple(opened_exchange(setup.beta, netuids, listed).markets.values())


def _events(receipt: Receipt, head: Head) -> list[BookEvent]:
    return [event for log in receipt.logs if (event := book_event(_raw(log, head))) is not None]


def _raw(log: Log, head: Head) -> dict[str, Any]:
    """As JSON-RPC gives it, as far as events are read from it."""
    return {
        "address": log.address,
        "topics": list(log.topics),
        "data": "0x" + log.data.hex(),
        "blockNumber": hex(head.number),
        "blockHash": head.hash,
    }


def _spent(events: list[BookEvent], gas: int) -> Spent:
    work = _work(events)
    return Spent(work=work, gas=gas, accrued=len(events) if work is Work.FUNDING else 0)


def _work(events: list[BookEvent]) -> Work:
    """What a transaction was for, by what it did."""
    kinds = {type(event) for event in events}
    if PricePushed in kinds:
        return Work.PRICES
    if MarketSuspended in kinds:
        return Work.SUSPENSIONS
    if kinds == {FundingAccrued}:
        return Work.FUNDING
    return Work.LIQUIDATIONS if PositionLiquidated in kinds else Work.PRICES


def _vault(view: dict[str, Any]) -> VaultRecord:
    return VaultRecord(
        reserves=view["reserves"],
        insurance=view["insurance"],
        free_balances=view["freeBalances"],
        margins=view["margins"],
        claims=view["claims"],
        claims_funded=view["claimsFunded"],
        keeper_rewards=view["keeperRewards"],
        bad_debt=view["badDebt"],
        bad_debt_uncovered=view["badDebtUncovered"],
        funding_ledger=view["fundingLedger"],
    )

"""An exchange that agrees with a ledger, and lies where it is told to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from devnet.audit.invariants import Auditor, accounted_tao
from devnet.audit.lateness import Capacity
from devnet.audit.ledger import Ledger, MarketBooks
from devnet.audit.margin import Holding, HoldingKey, Terms, is_below, remaining
from devnet.audit.referee import Referee, RefereePolicy
from devnet.synthetic_tape import synthetic_tape
from tests.unit.devnet.history import PROMISE
from units import (
    BlockHash,
    BlockNumber,
    Bps,
    FundingIndex,
    Head,
    Netuid,
    PositionId,
    PriceWei,
    Seconds,
    Timestamp,
    Wei,
)
from units import Sequence as Opening

TAO = 10**18
NETUID = Netuid(64)
HEAD = Head(
    number=BlockNumber(100),
    hash=BlockHash("0x"),
    parent_hash=BlockHash("0x"),
    time=Timestamp(1_200),
)
TERMS = Terms(
    maintenance=Bps(2_000),
    penalty=Bps(500),
    keeper_share=Bps(2_000),
    funding_rate_max=75 * 10**14,
    funding_interval=Seconds(28_800),
    funding_cap=Seconds(115_200),
    trading_age=Seconds(900),
    liquidation_age=Seconds(3_600),
)
NOTHING = {"sequence": 0, "remaining": 0, "size": 0, "ratioBps": 0, "liquidatable": False}


def a_long(number: int = 1) -> Holding:
    return Holding(
        key=HoldingKey(id=PositionId(number.to_bytes(16, "big")), sequence=Opening(1)),
        trader="0xA",
        netuid=NETUID,
        is_long=True,
        margin=Wei(TAO),
        size=Wei(3 * TAO),
        entry_price=PriceWei(TAO),
        entry_index=FundingIndex(0),
    )


def ledger_of(*holdings: Holding) -> Ledger:
    market = MarketBooks(netuid=NETUID, terms=TERMS, last_accrual=Timestamp(0))
    market.price = PriceWei(95 * 10**16)
    market.long = Wei(sum(one.size for one in holdings))
    return Ledger(markets={NETUID: market}, holdings={one.key: one for one in holdings})


@dataclass
class FakeExchange:
    """The exchange as it would be if the ledger were right; `vault_lies` and so on bend it."""

    ledger: Ledger
    vault_lies: dict[str, int] = field(default_factory=dict)
    market_lies: dict[str, int] = field(default_factory=dict)
    margin_lies: dict[str, int] = field(default_factory=dict)
    positions_lie: bool = False
    balance_lie: int = 0

    async def vault(self, block: BlockNumber) -> dict[str, Any]:
        return self._vault() | self.vault_lies

    async def balance(self, block: BlockNumber) -> int:
        return accounted_tao(self._vault()) + self.balance_lie

    async def markets(self, block: BlockNumber) -> dict[Netuid, dict[str, Any]]:
        market = self.ledger.markets[NETUID]
        view = {"longOpenInterest": market.long, "shortOpenInterest": market.short}
        return {NETUID: view | self.market_lies}

    async def position_ids(self, block: BlockNumber) -> list[bytes]:
        return [key.id for key in self.ledger.holdings]

    async def positions(self, ids: Sequence[bytes], block: BlockNumber) -> list[dict[str, Any]]:
        shown = self.ledger.holdings.values()
        return [
            {
                "id": one.key.id,
                "sequence": one.key.sequence,
                "trader": one.trader,
                "market": f"0x{one.netuid:040x}",
                "isLong": one.is_long,
                "margin": one.margin + self.positions_lie,
                "size": one.size,
                "entryPrice": one.entry_price,
                "entryIndex": one.entry_index,
            }
            for one in shown
        ]

    async def margins(self, ids: Sequence[bytes], block: BlockNumber) -> list[dict[str, Any]]:
        held = {key.id: one for key, one in self.ledger.holdings.items()}
        return [
            self._margin(held[PositionId(one)]) | self.margin_lies if one in held else NOTHING
            for one in ids
        ]

    async def free_balances(self, traders: Iterable[str], block: BlockNumber) -> list[int]:
        return [5 for _ in traders]

    def _vault(self) -> dict[str, Any]:
        return {
            "freeBalances": 10,
            "margins": sum(one.margin for one in self.ledger.holdings.values()),
            "claimsFunded": 3,
            "reserves": 1_000,
            "insurance": 100,
            "keeperRewards": 7,
            "fundingLedger": 0,
            "badDebt": 0,
        }

    def _margin(self, one: Holding) -> dict[str, Any]:
        market = self.ledger.markets[one.netuid]
        left = remaining(one, market.price, market.index_at(HEAD.time))
        return {
            "sequence": 1,
            "remaining": left,
            "size": one.size,
            "ratioBps": left * 10_000 // one.size,
            "liquidatable": is_below(left, one.size, TERMS),
            "wouldBe": 1,
        }


def auditor_of(exchange: FakeExchange) -> Auditor:
    referee = Referee(
        ledger=exchange.ledger,
        tape=synthetic_tape(1, rows=2),
        contracts={},
        policy=RefereePolicy(
            promises={NETUID: PROMISE},
            pins={NETUID: BlockNumber(1)},
            tiers=(Bps(3_500), Bps(2_500), Bps(2_000)),
            capacity=Capacity(gas_each=1, gas_share=1),
            finality_blocks=2,
            fleet=frozenset(),
        ),
    )
    return Auditor(views=exchange, referee=referee, traders=("0xA", "0xB"))

"""Everything the exchange holds at one moment. Its rules are in the modules beside this one."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from devnet.parameters import Beta, MarketTerms, VaultLimits
from keepers.liquidation.margin import project_index
from keepers.liquidation.positions import (
    BookEvent,
    FeedRow,
    FundingAccrued,
    Market,
    MarketParameters,
    Position,
)
from replay.exchange.vault import Vault
from units import (
    BPS_ONE,
    BlockNumber,
    Bps,
    FundingIndex,
    Netuid,
    PositionId,
    PriceWei,
    Seconds,
    Timestamp,
    Wei,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The block that something is done in."""

    number: BlockNumber
    time: Timestamp


@dataclass(slots=True)
class Account:
    """What a trader has. `margin` is the sum over its open positions."""

    free: int = 0
    margin: int = 0
    positions: int = 0


@dataclass(slots=True, kw_only=True)
class Exchange:
    """The state of all contracts.

    `chain_prices` is what the chain's precompile says in the block being made; a netuid that is
    missing has no price. `openings` counts a position id's openings, `opened_in` names the block
    of the last one. `events` are those since they were taken last. `free`, `margins` and `exposure`
    are the free balances, margins and net open interest of all.
    """

    terms: MarketTerms
    limits: VaultLimits
    vault: Vault
    markets: dict[Netuid, Market]
    positions: dict[PositionId, Position] = field(default_factory=dict)
    openings: dict[PositionId, int] = field(default_factory=lambda: defaultdict(int))
    opened_in: dict[PositionId, BlockNumber] = field(default_factory=dict)
    accounts: dict[bytes, Account] = field(default_factory=lambda: defaultdict(Account))
    chain_prices: Mapping[Netuid, PriceWei] = field(default_factory=dict)
    keeper_rewards: int = 0
    free: int = 0
    margins: int = 0
    exposure: int = 0
    events: list[BookEvent] = field(default_factory=list)

    def take_events(self) -> tuple[BookEvent, ...]:
        """What has happened since the last call."""
        taken = tuple(self.events)
        self.events.clear()
        return taken

    def accrue(self, netuid: Netuid, now: Timestamp) -> None:
        """Moves the stored index to `now`; what has elapsed beyond the cap is forfeited."""
        market = self.markets[netuid]
        if market.last_accrual == now:
            return
        index = project_index(market, now)
        self.markets[netuid] = replace(market, index=index, last_accrual=now)
        self.events.append(FundingAccrued(netuid=netuid, index=index, until=now))

    def move_open_interest(self, netuid: Netuid, change: int, *, is_long: bool) -> None:
        """Moves the open interest of one side by a signed size."""
        market = self.markets[netuid]
        side = "long_open_interest" if is_long else "short_open_interest"
        after = replace(market, **{side: Wei(getattr(market, side) + change)})  # type: ignore[arg-type]
        self.exposure += exposure_of(after) - exposure_of(market)
        self.markets[netuid] = after

    def credit(self, trader: bytes, amount: int) -> None:
        """Adds to a trader's free balance."""
        self.accounts[trader].free += amount
        self.free += amount

    def lock(self, trader: bytes, margin: int) -> None:
        """Adds to (negative: releases) a trader's margin; whoever calls owes the released wei."""
        self.accounts[trader].margin += margin
        self.margins += margin

    def reaches(self, bps: int) -> bool:
        """Whether net open interest reaches this part of the reserves."""
        return self.exposure * BPS_ONE >= self.vault.reserves * bps

    @property
    def tao(self) -> int:
        """Everything that belongs to anybody, in wei: what the contract must hold."""
        vault = self.vault
        ready = vault.claims_funded - vault.claims_paid
        owned = self.free + self.margins + self.keeper_rewards
        return owned + ready + vault.reserves + vault.insurance


def exposure_of(market: Market) -> int:
    """A market's net open interest."""
    return abs(market.long_open_interest - market.short_open_interest)


def opened_exchange(beta: Beta, netuids: Iterable[Netuid], now: Timestamp) -> Exchange:
    """The exchange as it is deployed: markets listed at `now`, no price, no position."""
    parameters = _parameters(beta.market)
    markets = {
        netuid: Market(
            netuid=netuid,
            parameters=parameters,
            feed=_NO_ROW,
            long_open_interest=Wei(0),
            short_open_interest=Wei(0),
            index=FundingIndex(0),
            last_accrual=now,
        )
        for netuid in netuids
    }
    return Exchange(
        terms=beta.market,
        limits=beta.limits,
        vault=Vault(reserves=beta.reserves, insurance=beta.insurance),
        markets=markets,
    )


_NO_ROW = FeedRow(
    price=PriceWei(0),
    source_block=BlockNumber(0),
    source_time=Timestamp(0),
    suspended_at=BlockNumber(0),
    suspension=0,
)


def _parameters(terms: MarketTerms) -> MarketParameters:
    return MarketParameters(
        maintenance=Bps(terms.maintenance_bps),
        liquidation_penalty=Bps(terms.penalty_bps),
        keeper_share=Bps(terms.keeper_share_bps),
        funding_rate_max=terms.funding_rate_max,
        funding_interval=Seconds(terms.funding_interval_s),
        funding_cap=Seconds(terms.funding_cap_s),
        liquidation_price_age_max=Seconds(terms.liquidation_age_s_max),
    )

"""What the devnet's exchange is set to: the beta's parameters, and the twelve markets.

Data in one place. The fleet reads these from chain; nothing here reaches it another way.
"""

from dataclasses import astuple, dataclass

from units import BPS_ONE, ONE, Bps, Netuid, Wei

MARKETS: dict[Netuid, str] = {
    Netuid(64): "CHUTES",
    Netuid(51): "LIUM",
    Netuid(62): "RIDGES",
    Netuid(4): "TARGON",
    Netuid(8): "VANTA",
    Netuid(120): "AFFINE",
    Netuid(3): "TEMPLAR",
    Netuid(44): "SCORE",
    Netuid(9): "IOTA",
    Netuid(56): "GRADIENTS",
    Netuid(75): "HIPPIUS",
    Netuid(34): "BITMIND",
}
"""Symbol by subnet."""

_HOUR = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketTerms:
    """`MarketParameters` of the exchange, in the order of its fields."""

    leverage_max: int = 3 * ONE
    open_fee_bps: int = 10
    close_fee_bps: int = 10
    maintenance_bps: int = 2_000
    penalty_bps: int = 500
    keeper_share_bps: int = 2_000
    funding_rate_max: int = 75 * ONE // BPS_ONE
    funding_interval_s: int = 8 * _HOUR
    funding_cap_s: int = 32 * _HOUR
    notional_min: int = ONE // 10
    trading_age_s_max: int = 900
    liquidation_age_s_max: int = _HOUR
    exposure_max_bps: int = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultLimits:
    """`VaultLimits` of the exchange, in the order of its fields.

    Where the slippage steps begin is not published: 40 % and 65 % lie evenly below the breaker.
    """

    utilisation_max_bps: int = 8_000
    breaker_bps: int = 9_000
    withdrawal_reserve_bps: int = 6_000
    bad_debt_pause_bps: int = 1_000
    slippage_low_bps: int = 10
    slippage_medium_bps: int = 15
    slippage_high_bps: int = 25
    utilisation_medium_bps: int = 4_000
    utilisation_high_bps: int = 6_500
    deposit_cap_global: int = 100_000 * ONE
    deposit_cap_account: int = 1_000 * ONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Beta:
    """Everything the admin decides before the first trade."""

    market: MarketTerms = MarketTerms()
    limits: VaultLimits = VaultLimits()
    warning_tiers_bps: tuple[Bps, ...] = (Bps(3_500), Bps(2_500), Bps(2_000))
    reserves: Wei = Wei(5_000 * ONE)
    insurance: Wei = Wei(200 * ONE)

    @property
    def market_words(self) -> tuple[int, ...]:
        """The market's parameters as the exchange takes them."""
        return astuple(self.market)

    @property
    def limit_words(self) -> tuple[int, ...]:
        """The vault's limits as the exchange takes them."""
        return astuple(self.limits)

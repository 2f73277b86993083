"""Which markets the fleet serves, and what their exchange's admin has set."""

from typing import Annotated, Literal

from pydantic import Field

from fleet.settings.fields import Section
from units import BlockNumber, Bps, Netuid, Seconds


class MarketSettings(Section):
    """One market, named by the subnet whose Alpha it trades."""

    netuid: Annotated[Netuid, Field(ge=1, le=65_535)]
    """The subnet; the market's address on chain is address(uint160(netuid))."""

    symbol: Annotated[str, Field(pattern=r"^[A-Z0-9.]{1,16}$")]
    """What traders and alerts call it."""

    registered_at: Annotated[BlockNumber, Field(gt=0)] | None = None
    """NetworkRegisteredAt of the subnet meant: netuids are reused, this block is not. Absent =
    to be confirmed with `keepers oracle pins`, and no price until then."""

    deviation_bps: Annotated[Bps, Field(gt=0, le=1_000)] | None = None
    """A move of this size against the feed is published; absent = oracle.deviation_bps."""

    heartbeat_s: Annotated[Seconds, Field(gt=0)] | None = None
    """Age at which a price is published unchanged; absent = oracle.heartbeat_s."""

    jump_limit_bps: Annotated[Bps, Field(ge=50, le=10_000)] | None = None
    """A larger move waits for confirmation; absent = oracle.jump_limit_bps."""

    jump_confirm_blocks: Annotated[int, Field(ge=1, le=300)] | None = None
    """Blocks a jump must stand; absent = oracle.jump_confirm_blocks."""

    jump_restart_blocks: Annotated[int, Field(ge=0, le=7_200)] | None = None
    """How long a held price must stand still as well; absent = oracle.jump_restart_blocks."""

    depth_floor_tao: Annotated[int, Field(ge=0)] | None = None
    """TAO in the pool below which the market is thin; absent = oracle.depth_floor_tao."""

    when_thin: Literal["widen", "withhold", "suspend"] | None = None
    """What is done when it is; absent = oracle.when_thin."""

    smoothing_blocks: Annotated[int, Field(ge=0, le=7_200)] | None = None
    """Blocks its published price is the mean of; absent = oracle.smoothing_blocks."""

    is_index: bool = False
    """Its price is no subnet's but the average of the sum of all (oracle.index_span_blocks). Its
    netuid is one that no subnet has; it needs no registered_at."""

    enabled: bool = True
    """False: no price, no funding and no liquidation for it by this fleet."""


class ExchangeSettings(Section):
    """What the exchange's admin has set, repeated so that contradictions show before the start.

    Bots read the real values from chain; `keepers doctor` compares them with these.
    """

    trading_price_age_s_max: Annotated[Seconds, Field(gt=0)] = Seconds(900)
    """Oldest price at which a trade is let in; 15 minutes on the beta."""

    push_age_blocks_max: Annotated[int, Field(gt=0)] = 25
    """Oldest source block the price feed takes; a constant of the contract."""

    open_fee_bps: Annotated[Bps, Field(ge=0)] = Bps(10)
    """Fee on the notional of an opening; 0.1 % on the beta."""

    close_fee_bps: Annotated[Bps, Field(ge=0)] = Bps(10)
    """Fee on the notional of a closing; 0.1 % on the beta."""

    maintenance_bps: Annotated[Bps, Field(gt=0, lt=10_000)] = Bps(2_000)
    """Maintenance margin; 20 % on the beta."""

    funding_interval_s: Annotated[Seconds, Field(gt=0)] = Seconds(28_800)
    """No market may stand longer than this without accrual; 8 hours on the beta."""

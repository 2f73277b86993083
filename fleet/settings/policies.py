"""How the bots decide: bands, limits and times.

Each section becomes a frozen policy of the room that decides; the rooms do not know settings.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from fleet.settings.fields import FromJson, Section
from keepers.liquidation.sharding import read_shard
from units import Bps, Seconds


def _as_shard(text: str) -> str:
    read_shard(text)
    return text


class OracleSettings(Section):
    """When a price is published, held or withdrawn."""

    deviation_bps: Annotated[Bps, Field(gt=0, le=1_000)] = Bps(10)
    """A move of this size against the feed is published. 10: half of a round trip's fee of 20,
    so that trading against the band cannot pay; must stay below that fee."""

    heartbeat_s: Annotated[Seconds, Field(gt=0)] = Seconds(600)
    """A price whose push landed this long ago is published again unchanged, in seconds of chain
    time. 600: with a push up to 25 blocks old it stays inside the exchange's 900 s."""

    in_flight_blocks: Annotated[int, Field(ge=1, le=25)] = 3
    """Blocks for which a sent push or suspension counts as done, so that none is sent twice."""

    stall_blocks: Annotated[int, Field(ge=4, le=25)] = 10
    """Blocks without a finalized reading after which every market is suspended. 10: two minutes,
    when finality normally follows by two to three blocks."""

    quiet_blocks: Annotated[int, Field(ge=4, le=25)] = 5
    """Blocks without a finalized head after which every endpoint is asked at every block: whether
    the chain's finality stands, or too few of them answer, which suspends every market at once.
    5: a minute, twice the usual lag of finality."""

    buried_blocks: Annotated[int, Field(ge=3, le=20)] | None = None
    """While finality stands (oracle.stall_blocks), prices are read so many blocks below the best
    block, with the same agreement, instead of suspending every market. Such a block may still be
    replaced by another. Absent = never: a price that could vanish liquidates nobody."""

    catch_up_blocks_max: Annotated[int, Field(ge=0, le=25)] = 3
    """While a price is held, so many skipped blocks are read as well, so that the hold ends on
    time; three requests each."""

    jump_limit_bps: Annotated[Bps, Field(ge=50, le=10_000)] = Bps(300)
    """A move beyond this from the last accepted price is held until it has stood. 300: above
    nearly all moves of a block, below the smallest listed spike of mainnet that returned (308)."""

    jump_confirm_blocks: Annotated[int, Field(ge=1, le=300)] = 11
    """Blocks a price must stand after a jump before it is believed. 11: outlasts a spike of 10
    blocks, the finest that the mainnet samples can show."""

    jump_restart_blocks: Annotated[int, Field(ge=0, le=7_200)] = 7_200
    """In the first so many blocks of a hold, a move beyond the limit between two held prices starts
    the count of oracle.jump_confirm_blocks anew: the price must have stood still, also one that is
    back. 7200: a day, in effect always. 0: never, the price need only stay beyond the limit on its
    side, and one that is back within it is believed at once."""

    standby_blocks: Annotated[int, Field(ge=0, le=25)] = 0
    """Blocks for which what is due is left to another feeder that has a key of its own. 0: this is
    the first. A second one with 5 publishes what the first has missed for a minute; suspensions
    never wait. oracle.heartbeat_s and this must fit the exchange's trading age as well."""

    smoothing_blocks: Annotated[int, Field(ge=0, le=7_200)] = 0
    """The published price is the mean of so many blocks, each by how long it stood. 0: the newest
    block's, whole. Whoever reads the chain knows how a feed that lags on purpose goes on, so only
    where fills are bounded by the chain's own price. It begins anew after a break and a jump."""

    index_span_blocks: Annotated[int, Field(ge=2, le=1_000_000)] = 50_400
    """Over how many blocks an index market (markets.is_index) is averaged. 50400: seven days."""

    index_price_max_tao: Annotated[int, Field(ge=0)] = 0
    """Subnets at this price or above are left out of the index. 0: none; 1: as in the chain's own
    sum."""

    cross_check_markets_max: Annotated[int, Field(ge=0, le=256)] = 1
    """Markets a block whose price is compared with the chain's own Alpha precompile at the same
    height, one request of the EVM nodes each: those to be pushed first, the others in turn. One
    that differs by more than its band is suspended. 1: what public nodes allow besides; 0: none."""

    depth_floor_tao: Annotated[int, Field(ge=0)] = 0
    """TAO in a subnet's pool below which its market is thin. Moving the price of a pool of T TAO by
    x percent takes about T * x / 200 TAO. 0: no market is; how deep a pool must be depends on what
    is at stake in its market, and `keepers oracle pins` shows how deep each is."""

    when_thin: Literal["widen", "withhold", "suspend"] = "withhold"
    """What is done with a thin market. withhold: it is suspended until its pool is deep again.
    suspend: until an operator resumes it. widen: it is published by oracle.thin_deviation_bps."""

    thin_deviation_bps: Annotated[Bps, Field(gt=0, le=1_000)] = Bps(19)
    """The band of a thin market under "widen". 19: as wide as a round trip's fee of 20 allows."""

    early_percent: Annotated[int, Field(ge=1, le=100)] = 50
    """A price at this share of its deviation or heartbeat goes along when another market's is
    pushed; 100: none goes along. 50: on 55 days of mainnet a third of the pushes, 29 % less gas and
    a feed 15 % closer than with 100 (`keepers oracle study`)."""

    risk_budget_ms: Annotated[int, Field(ge=10, le=5_000)] = 200
    """Longest wait for the list of liquidations that go with a push; then the price goes alone."""

    risk_pushes_hour_max: Annotated[int, Field(ge=0, le=300)] = 6
    """Pushes of one market within an hour of chain time for moves smaller than the band, made
    because the bad debt expected of those who would fall exceeds the cost of the push. 6: doubles
    what the heartbeat pushes of a quiet market. 0 = never."""

    risk_shortfall_ppm: Annotated[int, Field(ge=0, le=1_000_000)] = 20
    """Bad debt expected of a position that falls and is taken one push later, in millionths of
    its notional. 20: measured on 55 days of mainnet prices in ten markets."""


class GasSettings(Section):
    """What a transaction needs of gas, as measured on the reference exchange.

    The limit is 1.3 times it. A deployment with other contracts measures figures of its own.
    """

    intercept: Annotated[int, Field(gt=21_000)] = 45_000
    """Gas of any transaction of the fleet."""

    liquidation_intercept: Annotated[int, Field(ge=0)] = 535_000
    """Gas on top as soon as there are liquidations: the exchange keeps gas in hand before each."""

    id_slope: Annotated[int, Field(gt=0)] = 42_000
    """Gas a position."""

    update_slope: Annotated[int, Field(gt=0)] = 30_000
    """Gas a price update, or a market to accrue or suspend."""


class LiquidationSettings(Section):
    """Which positions are taken, and how many in one transaction."""

    ids_max: Annotated[int, Field(ge=1, le=300)] = 300
    """Positions in one transaction; 300 is the keeper router's limit."""

    block_gas_limit: Annotated[int, Field(ge=1_000_000)] = 75_000_000
    """Gas of a block of chain 964."""

    gas_share_bps: Annotated[Bps, Field(gt=0, le=10_000)] = Bps(5_000)
    """Share of a block's gas that one plan may take. 5000: the other half is for prices and for
    traders who add margin."""

    dust_tao: Annotated[int, Field(ge=0)] = 1
    """Notional in whole TAO below which a position is dust: it is liquidated after all others and
    is no reason for a push. 1: ten times the exchange's minimum."""

    gas: GasSettings = GasSettings()
    """What a liquidation transaction needs of gas."""

    in_flight_blocks: Annotated[int, Field(ge=1, le=50)] = 10
    """Blocks for which what was sent is waited for before it is decided anew. 10: longer than
    the sender needs to offer more for a stuck transaction twice."""

    reconcile_blocks: Annotated[int, Field(ge=5)] = 100
    """At most so many blocks between comparisons of the book with the chain's own views; 100:
    twenty minutes."""

    shard: Annotated[str, AfterValidator(_as_shard)] | None = None
    """Which share of the positions `keepers run liquidator` takes, as i/n with i from 0 to n - 1;
    the other commands take all. None: all. `--shard` says the same."""

    rebuild_gap_blocks: Annotated[int, Field(ge=2)] = 200
    """A book further behind is rebuilt from one-block views instead of logs. 200: below the
    horizon of about 300 blocks at which public nodes answer empty lists."""


class FundingSettings(Section):
    """When funding is accrued."""

    lead_s: Annotated[Seconds, Field(ge=12)] = Seconds(60)
    """Seconds of chain time before the interval ends from which a market is due. 60: five blocks
    to get in."""

    in_flight_blocks: Annotated[int, Field(ge=1)] = 25
    """Blocks for which a sent accrual is waited for before it is sent again. 25: twice what a
    transaction needs that is resent with a higher fee."""

    reread_s: Annotated[Seconds, Field(ge=12)] = Seconds(600)
    """Seconds after which the rows are read again although nothing was due, so that a new market
    or a changed interval is noticed."""

    markets_max: Annotated[int, Field(ge=1, le=256)] = 256
    """Markets in one transaction. 256: more than there are subnets."""


Urgency = Literal["page", "notify", "inform", "digest"]
"""How people are told, most urgent first; digest: with others, every few hours."""

Tiers = tuple[Annotated[Bps, Field(gt=0, le=10_000)], ...]


class WarningsSettings(Section):
    """Which margin ratios raise which alert."""

    tiers_bps: Annotated[Tiers, FromJson, Field(min_length=2)] | None = None
    """Margin ratios, from the highest down, the last being maintenance: the first is collected in
    a digest, the last pages, those between notify. Absent = those set on the exchange."""

    tier_severities: Annotated[tuple[Urgency, ...], FromJson] | None = None
    """How people are told of a fall below each tier, as many as there are and in their order.
    Absent = the first is collected in a digest, the last pages, those between notify."""

    liquidation_severity: Urgency = "inform"
    """How people are told that a position was liquidated."""

    market_unknown_severity: Urgency = "notify"
    """How people are told that the risk of a market is unknown."""

    book_unknown_severity: Urgency = "page"
    """The same of every market. page: the liquidator is likely to be as blind."""

    blocks_missed_severity: Urgency = "notify"
    """How people are told that the liquidations of some blocks could not be read."""

    recovery_bps: Annotated[Bps, Field(gt=0)] = Bps(200)
    """How far above a tier a position must recover before that tier can alert again. 200: many
    deviation bands, so that a price on the line does not ring twice."""

    page_blocks: Annotated[int, Field(ge=1)] = 2
    """Blocks below the last tier that page a human. 2: the fleet has had its chance twice."""

    unknown_blocks: Annotated[int, Field(ge=1)] = 25
    """Blocks of unknown risk before an alert. 25: five minutes."""

    digest_s: Annotated[Seconds, Field(ge=60)] = Seconds(21_600)
    """Seconds of chain time that one digest collects."""

    digest_lines_max: Annotated[int, Field(ge=1)] = 50
    """Positions listed in a digest; the rest is counted."""

    log_blocks_max: Annotated[int, Field(ge=16)] = 200
    """Blocks of logs read after downtime; what is older may come back empty from public nodes."""

    reorg_blocks: Annotated[int, Field(ge=1)] = 16
    """Blocks read again when the chain reorganised. 16: deeper than the lag of finality."""

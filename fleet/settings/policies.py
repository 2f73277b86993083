"""How the bots decide: bands, limits and times.

Each section becomes a frozen policy of the room that decides; the rooms do not know settings.
"""

from typing import Annotated, Literal

from pydantic import Field

from fleet.settings.fields import FromJson, Section
from units import Bps, Seconds


class OracleSettings(Section):
    """When a price is published, held or withdrawn."""

    deviation_bps: Annotated[Bps, Field(gt=0, le=1_000)] = Bps(10)
    """A move of this size against the feed is published. 10: half of a round trip's fee of 20,
    so that trading against the band cannot pay; must stay below that fee."""

    heartbeat_s: Annotated[Seconds, Field(gt=0)] = Seconds(600)
    """A price this old is published again unchanged. 600: with a push that is up to 25 blocks
    old it stays inside the exchange's trading maximum of 900 s."""

    jump_limit_bps: Annotated[Bps, Field(ge=50, le=10_000)] = Bps(1_000)
    """A move beyond this between two readings is held until it is confirmed. 1000: real moves
    of a block are far smaller, one-row spikes on mainnet were +14 % and more."""

    jump_confirm_blocks: Annotated[int, Field(ge=1, le=300)] = 10
    """Blocks a jump must stand before it is believed. 10: spikes seen on mainnet were gone at
    the next sample, 10 blocks later."""

    risk_timeout_ms: Annotated[int, Field(ge=10, le=5_000)] = 200
    """Longest wait for the list of liquidations that go with a push; then the price goes alone."""


class LiquidationSettings(Section):
    """Which positions are taken, and how many in one transaction."""

    ids_max: Annotated[int, Field(ge=1, le=300)] = 300
    """Positions in one transaction; 300 is the keeper router's limit."""

    gas_limit_max: Annotated[int, Field(ge=500_000)] = 20_000_000
    """Gas limit of one transaction. 20M: 300 liquidations needed 13.8M, and several such fit a
    block of 75M."""

    stood_blocks: Annotated[int, Field(ge=0, le=50)] = 1
    """Blocks below maintenance before the liquidator takes a position whose price the feeder
    pushed; 1 leaves the feeder its own block. What funding drove is taken at once."""

    rebuild_gap_blocks: Annotated[int, Field(ge=2)] = 200
    """A book further behind is rebuilt from one-block views instead of logs. 200: below the
    horizon of about 300 blocks at which public nodes answer empty lists."""

    undo_blocks: Annotated[int, Field(ge=2, le=1_000)] = 64
    """Deepest reorganisation that the book rewinds; a deeper one rebuilds it."""

    reconcile_s: Annotated[Seconds, Field(ge=60)] = Seconds(600)
    """Seconds between comparisons of the book with a fresh snapshot of the chain."""


class FundingSettings(Section):
    """When funding is accrued."""

    early_s: Annotated[Seconds, Field(ge=0)] = Seconds(60)
    """Seconds before the interval ends from which a market is due. 60: five blocks to get in."""

    wake_s: Annotated[Seconds, Field(ge=12)] = Seconds(60)
    """Seconds between looks at the calendar besides those of new heads."""


class WarningsSettings(Section):
    """Which margin ratios raise which alert."""

    tiers_bps: Annotated[tuple[Annotated[Bps, Field(gt=0)], ...], FromJson, Field(min_length=1)] = (
        Bps(3_500),
        Bps(2_500),
        Bps(2_000),
    )
    """Margin ratios, from the highest down; 35, 25 and 20 % are the exchange's published ones.
    The last is maintenance."""

    rearm_bps: Annotated[Bps, Field(gt=0)] = Bps(200)
    """How far above a tier a position must recover before that tier can alert again. 200: many
    deviation bands, so that a price on the line does not ring twice."""

    page_blocks: Annotated[int, Field(ge=1)] = 2
    """Blocks below maintenance that page a human. 2: the fleet has had its chance twice."""

    digest_s: Annotated[Seconds, Field(ge=60)] = Seconds(3_600)
    """Seconds between digests of what needs no hurry."""


class TransactionSettings(Section):
    """How transactions are priced, resent and given up."""

    mode: Literal["legacy", "eip1559"] = "legacy"
    """Kind of transaction. Legacy: chain 964 ignores tips, and submission then never depends on
    how the base fee moves."""

    fee_floor_gwei: Annotated[int, Field(gt=0)] = 10
    """Lowest fee per gas offered. 10: the base fee's floor on chain 964; a node that quotes less
    is wrong."""

    fee_ceiling_gwei: Annotated[int, Field(gt=0)] = 200
    """Highest fee per gas ever offered. 200: some 25 full blocks in a row above the floor."""

    stuck_blocks: Annotated[int, Field(ge=1)] = 3
    """Blocks without inclusion after which a transaction is sent again with a higher fee."""

    bump_percent: Annotated[int, Field(ge=10, le=100)] = 13
    """Least rise of a resent fee. 13: above both a node's 10 % rule and the 12.5 % by which a
    full block raises the base fee."""

    in_flight_max: Annotated[int, Field(ge=1, le=64)] = 16
    """Transactions without a receipt at one time."""

    confirmations: Annotated[int, Field(ge=1, le=100)] = 12
    """Blocks after which an outcome is final where the node names no finalized block."""

    spend_tao_per_hour: Annotated[int, Field(ge=1)] = 10
    """Fees in whole TAO within an hour after which nothing but prices is sent, so that an error
    cannot empty the key."""

    balance_low_tao: Annotated[int, Field(ge=0)] = 1
    """Balance of the key in whole TAO below which `keepers doctor` fails and an alert is raised."""

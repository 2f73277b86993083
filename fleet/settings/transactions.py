"""How transactions are priced and resent, and what each lane may spend."""

from typing import Annotated, Literal

from pydantic import Field

from fleet.settings.fields import Section


class SpendSettings(Section):
    """What each lane may pay for gas within 24 hours of chain time, in whole TAO.

    Without effect is what reverted, came to nothing or was skipped whole: it is what drains a key
    on a false positive. Beyond either limit a lane sends nothing until `keepers spend reset`.
    """

    price_wasted_tao: Annotated[int, Field(ge=1)] = 6
    """Without effect, prices and the liquidations that travel with them. 6: four transactions of
    300 positions that are all skipped, at ten times the base fee's floor."""

    price_tao: Annotated[int, Field(ge=2)] = 300
    """With effect; half of it pages and goes on. 300: twice what 20 full blocks of nothing else
    cost at ten times the base fee's floor."""

    liquidation_wasted_tao: Annotated[int, Field(ge=1)] = 6
    """Without effect, liquidations alone."""

    liquidation_tao: Annotated[int, Field(ge=2)] = 300
    """With effect, liquidations alone; half of it pages and goes on."""

    funding_wasted_tao: Annotated[int, Field(ge=1)] = 1
    """Without effect, funding accruals. 1: forty of twelve markets at ten times the floor."""

    funding_tao: Annotated[int, Field(ge=2)] = 10
    """With effect, funding accruals; half of it pages and goes on."""

    housekeeping_wasted_tao: Annotated[int, Field(ge=1)] = 1
    """Without effect, everything else. Replacements that do nothing are among them."""

    housekeeping_tao: Annotated[int, Field(ge=2)] = 5
    """With effect, everything else; half of it pages and goes on."""


class TransactionSettings(Section):
    """How transactions are priced, resent and given up."""

    spend: SpendSettings = SpendSettings()
    """What each lane may spend."""

    mode: Literal["legacy", "eip1559"] = "legacy"
    """Kind of transaction. Legacy: chain 964 ignores tips, and submission then never depends on
    how the base fee moves."""

    fee_floor_gwei: Annotated[int, Field(gt=0)] = 10
    """Lowest fee per gas offered. 10: the base fee's floor on chain 964; a node that quotes less
    is wrong."""

    fee_ceiling_gwei: Annotated[int, Field(gt=0)] = 200
    """Highest fee per gas ever offered. 200: some 25 full blocks in a row above the floor."""

    stuck_blocks: Annotated[int, Field(ge=1)] = 3
    """Heads in a row at which a transaction was next and not included, after which it is sent
    again with a higher fee."""

    headroom_percent: Annotated[int, Field(ge=0, le=100)] = 13
    """Offered above the highest base fee of the last heads. 13: a full block raises it by
    12.5 %."""

    bump_percent: Annotated[int, Field(ge=10, le=100)] = 13
    """Least rise of a resent fee. 13: above both a node's 10 % rule and the 12.5 % by which a
    full block raises the base fee."""

    tip_gwei: Annotated[int, Field(ge=1)] = 1
    """Tip of an eip1559 transaction; chain 964 ignores it."""

    attempts_max: Annotated[int, Field(ge=1, le=10)] = 3
    """Fees or nonces tried within one submission."""

    finality: Literal["finalized", "depth"] = "finalized"
    """What makes an outcome final: the node's finalized block, or a number of blocks on top."""

    confirmations: Annotated[int, Field(ge=1, le=100)] = 12
    """Blocks on top after which an outcome is final, with "depth" and where the node names no
    finalized block."""

    hold_blocks_max: Annotated[int, Field(ge=1)] = 25
    """Heads at which the same transaction of a stranger with this key was next and not included,
    after which nothing is sent in its place: it would hold the key for ever. 25: five minutes."""

    mystery_blocks: Annotated[int, Field(ge=1)] = 300
    """Blocks after which a used nonce counts as taken by a stranger though no node can name the
    transaction. 300: what public nodes keep of old state."""

    drill_mtao_hour: Annotated[int, Field(gt=0)] = 200
    """Thousandths of a TAO that a key pays for gas in an hour like the drill's worst; what
    `megatao_key_gas_hours` reckons with. 200: one key for everything paid 0.199 TAO in the hour
    from 2025-03-23 08:00 with 5,000 traders near their limits, 188 of them liquidated."""

    balance_low_tao: Annotated[int, Field(ge=0)] = 1
    """Balance of the key in whole TAO below which `keepers doctor` fails and a metric warns."""

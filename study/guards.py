"""One guard over all markets, and what can be said of it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from oracle.guard import GuardPolicy
from oracle.markets import PerMarket
from study.columns import Column
from study.guarding import Guarded, calm_rows, guarded, returning
from units import Netuid


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardTrial:
    """One guard over all markets.

    `touched`: holds that ended at a price which the next row took back, by market, with how far
    it was off the row before, in bps. Whoever is liquidated by one was healthy.
    """

    confirm_blocks: int
    restart_blocks: int
    holds: int
    confirmed: int
    held_blocks: int
    longest: int
    calm_rows: int
    touched: tuple[tuple[Netuid, int], ...]


def guarded_all(
    markets: Mapping[Netuid, Column], policies: PerMarket[GuardPolicy]
) -> dict[Netuid, Guarded]:
    """Every market through its guard."""
    return {netuid: guarded(column, policies.of(netuid)) for netuid, column in markets.items()}


def with_counts(
    policies: PerMarket[GuardPolicy], confirm_blocks: int, restart_blocks: int
) -> PerMarket[GuardPolicy]:
    """The same limits with other counts."""

    def changed(policy: GuardPolicy) -> GuardPolicy:
        return replace(policy, confirm_blocks=confirm_blocks, restart_blocks=restart_blocks)

    own = {netuid: changed(policy) for netuid, policy in policies.own.items()}
    return PerMarket(changed(policies.common), own)


def guard_trial(
    found: Mapping[Netuid, Guarded],
    markets: Mapping[Netuid, Column],
    policies: PerMarket[GuardPolicy],
) -> GuardTrial:
    """Counts what the guards of all markets did."""
    holds = [hold for each in found.values() for hold in each.holds]
    touched = [
        (hold.netuid, off)
        for hold in holds
        if (off := returning(markets[hold.netuid], hold.row, policies.of(hold.netuid))) is not None
    ]
    calm = [
        row
        for netuid, each in found.items()
        for row in calm_rows(markets[netuid], each, policies.of(netuid))
    ]
    return GuardTrial(
        confirm_blocks=policies.common.confirm_blocks,
        restart_blocks=policies.common.restart_blocks,
        holds=len(holds),
        confirmed=sum(hold.is_confirmed for hold in holds),
        held_blocks=sum(each.held_blocks for each in found.values()),
        longest=max((hold.blocks for hold in holds), default=0),
        calm_rows=len(calm),
        touched=tuple(touched),
    )

"""One position against the margin tiers: a state machine with hysteresis.

A tier alerts once per fall from above and is armed again only by a recovery well above it, so a
ratio that trembles around a tier says nothing. A fall through several tiers is one alert, named
after the deepest: while a deeper tier still waits for its second block, the alert of the
shallower ones waits with it. Pure; ratios are floored basis points compared as integers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from keepers.warnings.alerts import Fall, Severity
from units import BlockNumber, Bps, Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A margin ratio to warn below.

    Attributes:
        ratio_bps: The ratio; a position is below the tier when its ratio is less.
        severity: How people are told.
        blocks: In so many blocks in a row the ratio must be seen below.
        is_silent_when_found: Whether a position first seen below it is taken as normal. Every
            position at 3x opens at about 33.2 %, so inside a first tier of 35 %.
    """

    ratio_bps: Bps
    severity: Severity
    blocks: int = 1
    is_silent_when_found: bool = False


def tiers(
    ratios: Sequence[Bps], page_blocks: int, severities: Sequence[Severity] | None = None
) -> tuple[Tier, ...]:
    """Tiers at these ratios, highest first: a position found below the first is normal.

    Args:
        ratios: At least two.
        page_blocks: Blocks in a row below the last one before it alerts.
        severities: One a ratio; None: the first is collected, the last pages, others notify.
    """
    first, *between, last = ratios
    common = (Severity.DIGEST, *(Severity.NOTIFY for _ in between), Severity.PAGE)
    told = dict(zip(ratios, severities or common, strict=True))
    return (
        Tier(ratio_bps=first, severity=told[first], is_silent_when_found=True),
        *(Tier(ratio_bps=ratio, severity=told[ratio]) for ratio in between),
        Tier(ratio_bps=last, severity=told[last], blocks=page_blocks),
    )


BETA_TIERS = tiers([Bps(3_500), Bps(2_500), Bps(2_000)], page_blocks=2)
"""The tiers of the beta: 35 % is collected, 25 % notifies, two blocks below 20 % page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningPolicy:
    """What the operator may change about warnings.

    Attributes:
        tiers: Highest first.
        recovery_bps: How far above a tier a ratio must rise to arm it again. 200: two points.
        unknown_blocks: Blocks of unknown risk before an alert. 25: five minutes.
        liquidation_severity: Of the alert that a position was liquidated.
        blocks_missed_severity: Of the alert that some blocks' liquidations were not read.
        market_unknown_severity: Of the alert that a market's risk is unknown.
        book_unknown_severity: Of the alert that every market's risk is unknown. A page: the
            liquidator is likely to be as blind.
        digest_interval: Seconds of chain time that one digest collects.
        digest_lines_max: Positions listed in a digest; the rest is counted.
        log_blocks_max: Blocks of logs read after downtime. 200: below the about 300 blocks that
            public nodes keep, beyond which they answer with nothing.
        reorg_blocks: Blocks read again when the chain reorganised, and for which a position that
            is no longer open stays known. 16: deeper than the lag of finality.
    """

    tiers: tuple[Tier, ...] = BETA_TIERS
    recovery_bps: Bps = Bps(200)
    unknown_blocks: int = 25
    liquidation_severity: Severity = Severity.INFORM
    blocks_missed_severity: Severity = Severity.NOTIFY
    market_unknown_severity: Severity = Severity.NOTIFY
    book_unknown_severity: Severity = Severity.PAGE
    digest_interval: Seconds = Seconds(6 * 3600)
    digest_lines_max: int = 50
    log_blocks_max: int = 200
    reorg_blocks: int = 16

    def __post_init__(self) -> None:
        ratios = [tier.ratio_bps for tier in self.tiers]
        if not ratios or ratios != sorted(set(ratios), reverse=True):
            raise ValueError("tiers must be given highest first, and no ratio twice")
        if any(tier.blocks < 1 for tier in self.tiers) or self.recovery_bps < 1:
            raise ValueError("a tier's blocks and recovery_bps must be positive")
        if min(self.unknown_blocks, self.digest_interval, self.digest_lines_max) < 1:
            raise ValueError("unknown_blocks, digest_interval, digest_lines_max must be positive")
        if not 0 < self.reorg_blocks <= self.log_blocks_max:
            raise ValueError("reorg_blocks must be positive and at most log_blocks_max")


class Stage(StrEnum):
    """Where a tier stands with one position."""

    ARMED = "armed"
    """An entry from above will alert."""

    REACHED = "reached"
    """Entered; its alert waits for a deeper tier that is about to be reached."""

    SPENT = "spent"
    """Alerted, or silent from the start; only a recovery arms it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TierWatch:
    """One tier of one position. `below_since` is the first block seen below it while armed."""

    tier_bps: Bps
    stage: Stage
    episode: int = 1
    below_since: BlockNumber | None = None
    is_found: bool = False


Watch = tuple[TierWatch, ...]
"""A position's tiers, highest first, as the policy lists them."""


def observe(
    watch: Watch | None, ratio: Bps, block: BlockNumber, policy: WarningPolicy
) -> tuple[Watch, Fall | None]:
    """Moves a position's watch on to what was seen at `block`.

    Args:
        watch: As it stood before; None for a position never seen with a known ratio. Tiers that
            are new in the policy begin as for such a position; tiers gone from it are dropped.
        ratio: The margin ratio, floored.
        block: Where it was seen; the same block again changes nothing.
        policy: The tiers.

    Returns:
        The watch after it, the same object when nothing changed, and the fall to alert, if any.
    """
    if watch is not None and _is_calm(watch, ratio, policy):
        return watch, None
    known = {} if watch is None else {tier.tier_bps: tier for tier in watch}
    entered = tuple(
        _entered(known.get(tier.ratio_bps) or _first(tier, ratio), tier, ratio, block)
        for tier in policy.tiers
    )
    waits = _waits(entered)
    fall = None if waits else _fall(entered, policy)
    spent = entered if waits else _spend(entered)
    moved = tuple(_recovered(tier, ratio, policy) for tier in spent)
    return (watch if watch == moved else moved), fall


def observe_unknown(watch: Watch, policy: WarningPolicy) -> tuple[Watch, Fall | None]:
    """The ratio is unknown now: nothing recovers, nothing is armed, nothing counts as healthy.

    A fall that was seen before and only waited for a deeper tier is alerted now, because nobody
    knows when that tier will be judged again.
    """
    tiers = {tier.ratio_bps for tier in policy.tiers}
    current = tuple(tier for tier in watch if tier.tier_bps in tiers)
    fall = _fall(current, policy)
    return (watch, None) if fall is None else (_spend(current), fall)


def is_restless(watch: Watch) -> bool:
    """Whether the next block alone may move it: a tier waits for more blocks, or for a deeper one.

    Any other watch that `observe` has given for a ratio it gives again, in whatever block, for
    every ratio that compares with the tiers, and with where they are armed again, as that one.
    """
    return any(tier.below_since is not None or tier.stage is Stage.REACHED for tier in watch)


def _is_calm(watch: Watch, ratio: Bps, policy: WarningPolicy) -> bool:
    """The common case, decided quickly: far above every tier and all armed."""
    return (
        ratio >= policy.tiers[0].ratio_bps + policy.recovery_bps
        and len(watch) == len(policy.tiers)
        and all(
            seen.tier_bps == tier.ratio_bps
            and seen.stage is Stage.ARMED
            and seen.below_since is None
            for seen, tier in zip(watch, policy.tiers, strict=True)
        )
    )


def _first(tier: Tier, ratio: Bps) -> TierWatch:
    is_below = ratio < tier.ratio_bps
    stage = Stage.SPENT if is_below and tier.is_silent_when_found else Stage.ARMED
    return TierWatch(tier_bps=tier.ratio_bps, stage=stage, is_found=is_below)


def _entered(watch: TierWatch, tier: Tier, ratio: Bps, block: BlockNumber) -> TierWatch:
    if watch.stage is not Stage.ARMED:
        return watch
    if ratio >= tier.ratio_bps:
        is_clear = watch.below_since is None and not watch.is_found
        return watch if is_clear else replace(watch, below_since=None, is_found=False)
    # a reorganisation may take the chain back behind the block noted first
    since = block if watch.below_since is None else min(watch.below_since, block)
    if block - since + 1 >= tier.blocks:
        return replace(watch, stage=Stage.REACHED, below_since=None)
    return replace(watch, below_since=since)


def _waits(watch: Watch) -> bool:
    """Whether a deeper tier than any reached one has been seen below and is not yet reached."""
    reached = [tier.tier_bps for tier in watch if tier.stage is Stage.REACHED]
    pending = [tier.tier_bps for tier in watch if tier.below_since is not None]
    return bool(reached) and bool(pending) and min(pending) < min(reached)


def _fall(watch: Watch, policy: WarningPolicy) -> Fall | None:
    reached = tuple(tier for tier in watch if tier.stage is Stage.REACHED)
    if not reached:
        return None
    deepest = reached[-1]
    severity = {tier.ratio_bps: tier.severity for tier in policy.tiers}[deepest.tier_bps]
    return Fall(
        tiers=tuple(tier.tier_bps for tier in reached),
        severity=severity,
        episode=deepest.episode,
        is_found=deepest.is_found,
    )


def _spend(watch: Watch) -> Watch:
    return tuple(
        replace(tier, stage=Stage.SPENT) if tier.stage is Stage.REACHED else tier for tier in watch
    )


def _recovered(watch: TierWatch, ratio: Bps, policy: WarningPolicy) -> TierWatch:
    if watch.stage is not Stage.SPENT or ratio < watch.tier_bps + policy.recovery_bps:
        return watch
    return TierWatch(tier_bps=watch.tier_bps, stage=Stage.ARMED, episode=watch.episode + 1)

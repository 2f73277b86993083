"""The study itself: every guard and every rhythm of a grid over one tape. Pure.

Each trial is a step that `progress` hears of, because all of them together take minutes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from devnet.tape import Tape
from oracle.due import PublicationPolicy
from oracle.guard import GuardPolicy
from oracle.markets import PerMarket
from study.columns import Column, columns
from study.following import Following, Prices, following, source_prices, standing
from study.foresight import Taken, Terms, foreseen
from study.guarding import Guarded, Hold
from study.guards import GuardTrial, guard_trial, guarded_all, with_counts
from study.publishing import Published, published
from units import Bps, Netuid, Seconds

BLOCKS_A_DAY = 7_200

Progress = Callable[[str], None]
"""Told what has just been tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """What is tried beside what is configured."""

    deviations: Sequence[Bps] = tuple(map(Bps, (5, 10, 15, 19, 30, 50)))
    heartbeats: Sequence[Seconds] = tuple(map(Seconds, (120, 300, 600)))
    earlies: Sequence[int] = (100, 75, 50, 25)
    confirms: Sequence[int] = (11, 21, 31)
    restarts: Sequence[int] = (0, 22, 33, 66, 7_200)

    @property
    def steps(self) -> int:
        """How many trials that is, with the configured ones."""
        rhythms = len(self.deviations) * len(self.heartbeats) + len(self.earlies)
        return rhythms + len(self.confirms) * len(self.restarts) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is configured: the guard and the rhythm of each market, and what a trade costs."""

    guard: PerMarket[GuardPolicy] = field(default_factory=lambda: PerMarket(GuardPolicy()))
    publication: PerMarket[PublicationPolicy] = field(
        default_factory=lambda: PerMarket(PublicationPolicy())
    )
    terms: Terms = field(default_factory=Terms)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketTrial:
    """One market under one rhythm.

    `taken`: on the reference exchange; `taken_alone`: where the feed's price alone is the fill.
    """

    pushes: int
    following: Following
    taken: Taken
    taken_alone: Taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One rhythm over all markets, for the whole tape."""

    policy: PublicationPolicy
    transactions: int
    prices: int
    gas: int
    suspensions: int
    markets: Mapping[Netuid, MarketTrial]

    @property
    def error(self) -> float:
        """The mean distance of the feed from the source while open, every market alike, bps."""
        return sum(each.following.mean for each in self.markets.values()) / len(self.markets)

    @property
    def worst(self) -> float:
        """The largest while open, bps."""
        return max(each.following.worst for each in self.markets.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """All that was found. `configured` uses every market's own settings."""

    tape: str
    blocks: int
    spacing: int
    columns: Mapping[Netuid, Column]
    guards: tuple[GuardTrial, ...]
    guard: GuardTrial
    holds: tuple[Hold, ...]
    trials: tuple[Trial, ...]
    earlies: tuple[Trial, ...]
    configured: Trial
    published: Published

    @property
    def days(self) -> float:
        """How long the tape is."""
        return self.blocks / BLOCKS_A_DAY


def study(tape: Tape, rules: Rules, grid: Grid, progress: Progress) -> Study:
    """Everything in the grid, and what is configured."""
    markets = columns(tape)
    tried: list[GuardTrial] = []
    for confirm, restart in product(grid.confirms, grid.restarts):
        policies = with_counts(rules.guard, confirm, restart)
        tried.append(guard_trial(guarded_all(markets, policies), markets, policies))
        progress(f"a jump stands {confirm} blocks, still for {restart}")
    found = guarded_all(markets, rules.guard)
    desk = _Desk(markets, list(found.values()), rules.terms, progress)
    trials, earlies = _rhythms(desk, rules.publication.common, grid)
    configured, feeds = desk.tried(rules.publication)
    return Study(
        tape=tape.name,
        blocks=tape.last_block - tape.first_block + 1,
        spacing=tape.spacing,
        columns=markets,
        guards=tuple(tried),
        guard=guard_trial(found, markets, rules.guard),
        holds=tuple(hold for each in found.values() for hold in each.holds),
        trials=tuple(trials),
        earlies=tuple(earlies),
        configured=configured,
        published=feeds,
    )


class _Desk:
    """Tries one rhythm after another on what one guard believes."""

    def __init__(
        self,
        markets: Mapping[Netuid, Column],
        guards: Sequence[Guarded],
        terms: Terms,
        progress: Progress,
    ) -> None:
        self._columns = markets
        self._guards = guards
        self._terms = terms
        self._progress = progress
        self._sources = {netuid: source_prices(column) for netuid, column in markets.items()}
        self._last = next(iter(markets.values())).last_block

    def tried(self, policies: PerMarket[PublicationPolicy]) -> tuple[Trial, Published]:
        found = published(self._guards, policies, self._last)
        trial = Trial(
            policy=policies.common,
            transactions=len(found.pushes),
            prices=sum(found.pushes),
            gas=found.gas,
            suspensions=found.suspensions,
            markets={netuid: self._market(netuid, found) for netuid in self._columns},
        )
        self._progress(f"{policies.common.deviation} bps, {policies.common.heartbeat_s} s")
        return trial, found

    def _market(self, netuid: Netuid, found: Published) -> MarketTrial:
        column, landed = self._columns[netuid], found.feeds[netuid]
        source: Prices = self._sources[netuid]
        beside = standing(column, source, landed)
        alone = replace(self._terms, is_bounded=False)
        return MarketTrial(
            pushes=sum(1 for each in landed if each.price),
            following=following(beside),
            taken=foreseen(column, beside, landed, self._terms),
            taken_alone=foreseen(column, beside, landed, alone),
        )


def _rhythms(desk: _Desk, common: PublicationPolicy, grid: Grid) -> tuple[list[Trial], list[Trial]]:
    policies = [
        replace(common, deviation=deviation, heartbeat_s=heartbeat)
        for deviation in grid.deviations
        for heartbeat in grid.heartbeats
    ]
    trials = [desk.tried(PerMarket(policy))[0] for policy in policies]
    earlies = [replace(common, early_percent=early) for early in grid.earlies]
    return trials, [desk.tried(PerMarket(policy))[0] for policy in earlies]

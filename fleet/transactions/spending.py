"""What may be spent on gas, lane by lane, and when a lane is stopped. Pure.

Two kinds of spending are told apart. Without effect is what reverted, was replaced by nothing, or
was skipped whole; it is what drains a wallet on a false positive, so its limit is small, and a lane
that passes it stays stopped until an operator has looked. With effect is what the lane is there
for: its ceiling is high, and half of it is told to people while the lane goes on. No lane counts
against another, so nothing stops the price but the price.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from fleet.transactions.request import Lane
from units import Timestamp, Wei

HOUR_S = 3_600
WINDOW_HOURS = 24
_TAO = 10**18


def _limits(price: int, liquidation: int, funding: int, housekeeping: int) -> Mapping[Lane, Wei]:
    """Whole TAO a lane."""
    found = (price, liquidation, funding, housekeeping)
    return MappingProxyType({lane: Wei(tao * _TAO) for lane, tao in zip(Lane, found, strict=True)})


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendPolicy:
    """Limits of the last 24 hours, wei a lane.

    `without_effect_max`: passed, the lane is stopped until an operator resets it. 6 TAO for the
    urgent lanes: four transactions of 300 skipped liquidations, 14 million gas each, at ten times
    the base fee's floor.
    `with_effect_max`: half of it is told, all of it stops the lane as well. 300 TAO for the urgent
    lanes: twice what 20 full blocks of 75 million gas cost at ten times the floor.
    """

    without_effect_max: Mapping[Lane, Wei] = field(default_factory=lambda: _limits(6, 6, 1, 1))
    with_effect_max: Mapping[Lane, Wei] = field(default_factory=lambda: _limits(300, 300, 10, 5))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """What the transaction of one nonce cost, at which chain time.

    `had_effect`: whether it did anything.
    """

    nonce: int
    lane: Lane
    fee: Wei
    time: Timestamp
    had_effect: bool

    @property
    def hour(self) -> int:
        """Hours since 1970: what spending is summed by."""
        return self.time // HOUR_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What was spent in one hour on one lane, wei."""

    with_effect: int = 0
    without_effect: int = 0

    def plus(self, spend: Spend) -> "Spent":
        """With one more."""
        if spend.had_effect:
            return replace(self, with_effect=self.with_effect + spend.fee)
        return replace(self, without_effect=self.without_effect + spend.fee)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """All that is known of a key's spending: by lane and hour, and why lanes are stopped.

    `forgiven`: what a lane spent on lower nonces no longer counts, also when it is final later.
    """

    hours: Mapping[tuple[Lane, int], Spent] = field(default_factory=dict)
    stopped: Mapping[Lane, str] = field(default_factory=dict)
    forgiven: Mapping[Lane, int] = field(default_factory=dict)

    def last_day(self, lane: Lane, now: Timestamp) -> Spent:
        """The sum of the hours that count now."""
        first = now // HOUR_S - WINDOW_HOURS + 1
        found = [spent for (of, hour), spent in self.hours.items() if of is lane and hour >= first]
        return Spent(
            with_effect=sum(each.with_effect for each in found),
            without_effect=sum(each.without_effect for each in found),
        )

    def plus(self, spend: Spend, policy: SpendPolicy) -> "Account":
        """With one more transaction; stopped lanes stay stopped."""
        if spend.nonce < self.forgiven.get(spend.lane, 0):
            return self
        key = spend.lane, spend.hour
        first = spend.hour - WINDOW_HOURS + 1
        kept = {of: spent for of, spent in self.hours.items() if of[1] >= first}
        hours = kept | {key: self.hours.get(key, Spent()).plus(spend)}
        found = replace(self, hours=hours)
        why = why_stop(spend.lane, found.last_day(spend.lane, spend.time), policy)
        if why is None or spend.lane in self.stopped:
            return found
        return replace(found, stopped=dict(self.stopped) | {spend.lane: why})


def why_stop(lane: Lane, day: Spent, policy: SpendPolicy) -> str | None:
    """Why a lane that spent so much in a day is stopped; None when it goes on."""
    if day.without_effect > policy.without_effect_max[lane]:
        most = policy.without_effect_max[lane]
        return f"{_tao(day.without_effect)} TAO without effect in a day, the limit is {_tao(most)}"
    if day.with_effect > policy.with_effect_max[lane]:
        most = policy.with_effect_max[lane]
        return f"{_tao(day.with_effect)} TAO spent in a day, the ceiling is {_tao(most)}"
    return None


def is_half_spent(lane: Lane, day: Spent, policy: SpendPolicy) -> bool:
    """Whether people should hear of what a lane spends, while it goes on."""
    return 2 * day.with_effect > policy.with_effect_max[lane]


def _tao(wei: int) -> str:
    return f"{wei // _TAO}.{wei % _TAO // 10**15:03d}"

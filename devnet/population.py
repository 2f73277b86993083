"""Who trades on the devnet, and what each of them has in mind: a deterministic crowd. Pure.

The same seed gives the same crowd. Mixed leverage from 1x to 3x with a cluster at the maximum,
more longs than shorts, margins spread evenly over their orders of magnitude, arrivals over the
whole run with a rush at its start, and a night in which nobody acts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from units import ONE, Netuid, Wei

_GWEI = 10**9
DAY_BLOCKS = 7_200
NIGHT = range(2_700, 5_400)
"""Blocks of every day, from the start of the run, in which the crowd sleeps: nine hours, longer
than a funding interval, so that funding is left to the keeper."""

_LEVERAGE_TENTHS_MIN = 10
_TENTH = ONE // 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """How the crowd is made up; shares are of 1.

    `in_one_market` is the share that trades the one market everybody looks at; the rest, and all
    of them where it is 0, spread evenly.
    """

    at_maximum_leverage: float = 0.45
    long: float = 0.6
    in_the_rush: float = 0.55
    rush_of_the_run: float = 0.04
    leaving: float = 0.35
    reducing: float = 0.2
    withdrawing: float = 0.5
    coming_back: float = 0.3
    in_one_market: float = 0.0
    margin_tao_min: float = 0.5
    margin_tao_max: float = 15.0
    leverage_max: int = 3 * ONE


@dataclass(frozen=True, slots=True, kw_only=True)
class TraderPlan:
    """What one trader means to do. Blocks are counted from the start of the run.

    `reduces_after` and `leaves_after` count blocks from the opening; None = does not.
    `comes_back_after` counts blocks from the end of the first position. `sleeps`: does nothing
    at night.
    """

    netuid: Netuid
    is_long: bool
    margin: Wei
    leverage: int
    arrives: int
    reduces_after: int | None
    leaves_after: int | None
    withdraws: bool
    comes_back_after: int | None
    sleeps: bool = True


def is_night(block: int) -> bool:
    """Whether the crowd sleeps at a block, counted from the start of the run."""
    return block % DAY_BLOCKS in NIGHT


def population(
    *, seed: int, count: int, netuids: Sequence[Netuid], blocks: int, crowd: Crowd | None = None
) -> tuple[TraderPlan, ...]:
    """The plans of `count` traders over a run of `blocks` blocks.

    The first of `netuids` is the market everybody looks at.
    """
    random = Random(seed)  # noqa: S311 - a simulated crowd, not a secret
    mix = crowd or Crowd()
    return tuple(_plan(random, mix, netuids, blocks) for _ in range(count))


def _plan(random: Random, crowd: Crowd, netuids: Sequence[Netuid], blocks: int) -> TraderPlan:
    arrives = _arrival(random, crowd, blocks)
    rest = max(blocks - arrives, 2)
    return TraderPlan(
        netuid=_market(random, crowd, netuids),
        is_long=random.random() < crowd.long,
        margin=_margin(random, crowd),
        leverage=_leverage(random, crowd),
        arrives=arrives,
        reduces_after=_sometime(random, crowd.reducing, rest // 2),
        leaves_after=_sometime(random, crowd.leaving, rest),
        withdraws=random.random() < crowd.withdrawing,
        comes_back_after=_sometime(random, crowd.coming_back, max(rest // 4, 2)),
    )


def _market(random: Random, crowd: Crowd, netuids: Sequence[Netuid]) -> Netuid:
    if crowd.in_one_market and random.random() < crowd.in_one_market:
        return netuids[0]
    return random.choice(netuids)


def _arrival(random: Random, crowd: Crowd, blocks: int) -> int:
    is_early = random.random() < crowd.in_the_rush
    span = blocks * crowd.rush_of_the_run if is_early else blocks * 0.9
    return random.randrange(max(int(span), 1))


def _margin(random: Random, crowd: Crowd) -> Wei:
    """In whole gwei: chain 964 keeps nothing smaller."""
    exponent = random.uniform(math.log(crowd.margin_tao_min), math.log(crowd.margin_tao_max))
    return Wei(int(math.exp(exponent) * ONE) // _GWEI * _GWEI)


def _leverage(random: Random, crowd: Crowd) -> int:
    tenths_max = crowd.leverage_max // _TENTH
    tenths = random.randint(_LEVERAGE_TENTHS_MIN, tenths_max)
    if random.random() < crowd.at_maximum_leverage:
        tenths = tenths_max
    return tenths * ONE // 10


def _sometime(random: Random, share: float, blocks: int) -> int | None:
    """A block count below `blocks` for `share` of the crowd, None for the rest."""
    after = random.randrange(1, max(blocks, 2))
    return after if random.random() < share else None

"""In which state a node is, from samples of what it answered. Pure: `now` comes with each sample.

The states are those that decide whether a node is asked, and in which order:

- alive: answers, on the right chain, near the newest block;
- pruned: as alive, but remembers less than the configured horizon;
- lagging: some blocks behind the others;
- out of sync: says so itself, or is far behind, or its head stands still;
- unreachable: several requests in a row got no usable answer;
- wrong chain: serves another chain; never believed, whatever it says.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from units import BlockNumber


class NodeState(StrEnum):
    """What a node is good for now."""

    ALIVE = "alive"
    PRUNED = "pruned"
    LAGGING = "lagging"
    OUT_OF_SYNC = "out of sync"
    UNREACHABLE = "unreachable"
    WRONG_CHAIN = "wrong chain"


_RANK = {state: rank for rank, state in enumerate(NodeState)}


@dataclass(frozen=True, slots=True, kw_only=True)
class StatePolicy:
    """When a node is in which state, and how often that is looked at; wall-clock seconds.

    `lag_blocks_max`: so far behind the others a node is still alive. 3: propagation, and the
    seconds between two samples.
    `sync_blocks_max`: further behind than this it is not lagging but out of sync.
    `still_s_max`: so long its head may stand still. 120: ten blocks.
    `failures_max`: failures in a row that make it unreachable.
    `recheck_s`: between two samples of a node that is not otherwise asked, and until one that
    failed is asked before others again. 12: once a block.
    `identity_s`: between two looks at its chain id: addresses of providers move.
    """

    lag_blocks_max: int = 3
    sync_blocks_max: int = 25
    still_s_max: float = 120.0
    failures_max: int = 3
    recheck_s: float = 12.0
    identity_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Answered:
    """It gave a usable answer, if only a no."""


@dataclass(frozen=True, slots=True)
class Failed:
    """No usable answer, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class HeadAt:
    """Its latest block, and how far the others were ahead of that just then."""

    number: BlockNumber
    behind: int


@dataclass(frozen=True, slots=True)
class Identified:
    """Which chain it serves; `wrong` says what is wrong with it, empty when nothing is."""

    wrong: str = ""


@dataclass(frozen=True, slots=True)
class Syncing:
    """What it said to eth_syncing."""

    is_syncing: bool


@dataclass(frozen=True, slots=True)
class Remembered:
    """Whether it still has the logs of a block within the configured horizon."""

    is_pruned: bool


Sample = Answered | Failed | HeadAt | Identified | Syncing | Remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the samples of one node come to; times are None until there was such a sample."""

    head: BlockNumber | None = None
    behind: int = 0
    headed_at: float | None = None
    moved_at: float = 0.0
    failures: int = 0
    failed_at: float | None = None
    why: str = ""
    wrong: str = ""
    identified_at: float | None = None
    is_syncing: bool = False
    is_pruned: bool = False


def after(standing: Standing, sample: Sample, now: float, policy: StatePolicy) -> Standing:
    """The standing with one more sample."""
    match sample:
        case Answered():
            is_news = standing.failures or standing.why
            return replace(standing, failures=0, why="") if is_news else standing
        case Failed(why=why):
            return _failed(standing, why, now, policy)
        case HeadAt(number=number, behind=behind):
            moved_at = standing.moved_at if number == standing.head else now
            return replace(
                standing, head=number, behind=behind, headed_at=now, moved_at=moved_at, failures=0
            )
        case Identified(wrong=wrong):
            return replace(standing, wrong=wrong, identified_at=now, failures=0)
        case Syncing(is_syncing=is_syncing):
            return replace(standing, is_syncing=is_syncing)
        case Remembered(is_pruned=is_pruned):
            return replace(standing, is_pruned=is_pruned)
        case _:
            assert_never(sample)


def _failed(standing: Standing, why: str, now: float, policy: StatePolicy) -> Standing:
    """What comes back after an absence may be another node: it has to say its chain again."""
    failures = standing.failures + 1
    identified_at = standing.identified_at if failures < policy.failures_max else None
    return replace(standing, failures=failures, failed_at=now, why=why, identified_at=identified_at)


def state_of(standing: Standing, policy: StatePolicy) -> NodeState | None:
    """The state; None before the first sample that tells one."""
    if standing.wrong:
        return NodeState.WRONG_CHAIN
    if standing.failures >= policy.failures_max:
        return NodeState.UNREACHABLE
    if standing.headed_at is None:
        return None
    if is_out_of_sync(standing, policy):
        return NodeState.OUT_OF_SYNC
    if standing.behind > policy.lag_blocks_max:
        return NodeState.LAGGING
    return NodeState.PRUNED if standing.is_pruned else NodeState.ALIVE


def is_out_of_sync(standing: Standing, policy: StatePolicy) -> bool:
    """Does it say so, is it far behind, or does its head stand still?"""
    is_far = standing.behind > policy.sync_blocks_max
    return standing.is_syncing or is_far or is_still(standing, policy)


def is_still(standing: Standing, policy: StatePolicy) -> bool:
    """Has its head stood still for too long?"""
    stood_s = (standing.headed_at or 0.0) - standing.moved_at
    return standing.headed_at is not None and stood_s > policy.still_s_max


def reason_of(standing: Standing, state: NodeState | None) -> str:
    """Why it is in that state, in a few words; empty where the state says it all."""
    match state:
        case NodeState.WRONG_CHAIN:
            return standing.wrong
        case NodeState.UNREACHABLE:
            return standing.why
        case NodeState.LAGGING | NodeState.OUT_OF_SYNC:
            return _behind(standing)
        case NodeState.PRUNED:
            return "it has forgotten logs within the configured horizon"
        case NodeState.ALIVE | None:
            return ""
        case _:
            assert_never(state)


def _behind(standing: Standing) -> str:
    if standing.is_syncing:
        return f"it says so itself, {standing.behind} blocks behind"
    if standing.behind == 0:
        return f"its head stands still at block {standing.head}"
    return f"{standing.behind} blocks behind"


def preference(standing: Standing, now: float, policy: StatePolicy) -> tuple[int, bool]:
    """Sorts nodes: the better state first, then those that have not just failed.

    A node of which nothing is known yet is tried as if it were alive.
    """
    state = state_of(standing, policy)
    rank = 0 if state is None else _RANK[state]
    failed_at = standing.failed_at if standing.failures else None
    return rank, failed_at is not None and now - failed_at < policy.recheck_s


def is_identified(standing: Standing, now: float, policy: StatePolicy) -> bool:
    """Is it known which chain it serves? One of a wrong chain is asked again after a while."""
    at = standing.identified_at
    return at is not None and not (standing.wrong and now - at >= policy.recheck_s)


def forgotten(standing: Standing) -> Standing:
    """The standing of a node that has to say its chain again."""
    return replace(standing, identified_at=None)


def is_due(standing: Standing, now: float, policy: StatePolicy) -> bool:
    """Has it not been heard of for so long that it has to be asked for its own sake?"""
    times = (standing.headed_at, standing.failed_at, standing.identified_at)
    latest = max((at for at in times if at is not None), default=None)
    return latest is None or now - latest >= policy.recheck_s


def newest_reached(heads: Iterable[tuple[str, BlockNumber]], agreement: int) -> BlockNumber | None:
    """The highest block that `agreement` operators have reached; None when fewer are known.

    Args:
        heads: an operator and the head of one of its nodes.
        agreement: how many operators.
    """
    best: dict[str, BlockNumber] = {}
    for operator, number in heads:
        best[operator] = max(number, best.get(operator, number))
    ordered = sorted(best.values(), reverse=True)
    return ordered[agreement - 1] if len(ordered) >= agreement else None

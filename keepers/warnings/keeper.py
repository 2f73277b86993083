"""Watches every open position's margin ratio, block by block, and writes down what to tell.

One step: read the risks of one block and the liquidations since the last → decide → store the
new state and the alerts in one transaction. Delivery is somebody else's work and happens at
least once; the ids let a receiver tell a repetition. Knows no channel and no database.
"""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.positions import BlockEvents
from keepers.liquidation.risk import RiskUnknown
from keepers.warnings.alerts import Alert
from keepers.warnings.observation import (
    BlocksRead,
    WarningChange,
    WarningState,
    applied,
    observe_blindness,
    observe_block,
)
from keepers.warnings.outlook import Volatility, noted
from keepers.warnings.portions import PORTION, Dealt, dealt, portions
from keepers.warnings.stretches import Standings, standings
from keepers.warnings.survey import Survey, Watches
from keepers.warnings.tiers import WarningPolicy
from units import BlockNumber, Head


class Risks(Protocol):
    """Where the risk of the open positions is read; `lookout.Lookout` is one."""

    async def survey(self, head: Head, *, anew: bool) -> Survey | RiskUnknown:
        """Whoever must be looked at, at the end of `head` or of another block that is known.

        A later one, or an earlier one of the same chain at which a look at everybody was begun.

        Args:
            head: the newest block the caller knows.
            anew: whether to look at everybody, whatever was settled before.
        """
        ...

    async def note(self, head: Head) -> None:
        """Nobody is to be looked at as of `head`; who changed up to it is at the next survey."""
        ...

    async def settle(self, head: Head, watches: Watches) -> None:
        """What the last survey, at `head`, came to is stored: `watches` are everybody's after it.

        From then on only who changes or may be found elsewhere is looked at, and who was not
        settled when this was given up.
        """
        ...


class BlockLog(Protocol):
    """Where the events of past blocks are read; the follower's `ExchangeLog` is one."""

    async def events(self, first: BlockNumber, last: Head) -> tuple[BlockEvents, ...] | Unreadable:
        """The blocks from `first` up to `last` that have events, ascending."""
        ...


class WarningsStore(Protocol):
    """What survives a restart."""

    async def load(self) -> WarningState:
        """The state as the last commit left it; an empty one when there was none."""
        ...

    async def commit(self, change: WarningChange) -> frozenset[str]:
        """Stores the change and its alerts as a whole, or nothing.

        Returns:
            The ids of the alerts that were not there before; the others were told already.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningsPlan:
    """What is to be stored and told after `head`.

    `blindness` says why nothing could be read, None when everything was; `standings` is None
    exactly when it is not.
    """

    head: Head
    change: WarningChange
    standings: Standings | None
    blindness: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningsOutcome:
    """What was stored: `alerts` are the new ones, to be delivered; the digest's come later."""

    head: Head
    alerts: tuple[Alert, ...]
    collected: tuple[Alert, ...]
    standings: Standings | None
    blindness: str | None


class WarningsKeeper:
    """The warnings bot. It needs no key; its memory is the store's."""

    def __init__(
        self, *, risks: Risks, log: BlockLog, store: WarningsStore, policy: WarningPolicy
    ) -> None:
        self._risks = risks
        self._log = log
        self._store = store
        self._policy = policy
        self._state: WarningState | None = None
        self._is_anew = True  # until something is settled that the state in hand came of
        self._volatility: Volatility = {}

    async def step(self, head: Head) -> WarningsOutcome:
        """Plans and acts."""
        return await self.act(await self.plan(head))

    async def plan(self, head: Head) -> WarningsPlan:
        """What `head` changes and whom to tell; stores nothing."""
        state = await self._loaded()
        seen = await self._seen(state, head)
        if isinstance(seen, str):
            return self._blind(state, head, seen)
        survey, read = seen
        self._volatility = noted(self._volatility, survey.markets, survey.head.time)
        # a thread, because a look at everybody would hold up the bots of this loop
        change = await asyncio.to_thread(
            observe_block, state, survey, read, self._policy, self._volatility
        )
        unknown = sum(each.positions for each in survey.unknown.values())
        return WarningsPlan(
            head=survey.head,
            change=change,
            standings=standings(survey.known, unknown, self._policy),
            blindness=None,
        )

    async def act(self, plan: WarningsPlan) -> WarningsOutcome:
        """Stores the plan's change together with its alerts, a large one in portions."""
        state, new = await self._loaded(), set[str]()
        parts = await self._dealt(plan.change)  # given up in it, nothing is lost
        # a commit that fails half-way may have happened: then the state is read again, and nobody
        # knows who departed
        self._state, was_anew, self._is_anew = None, self._is_anew, True
        for part in portions(state, plan.change, parts):
            new |= await self._store.commit(part)
            state = applied(state, part)
        self._state = state
        self._is_anew = was_anew and plan.blindness is not None
        if plan.blindness is None:
            await self._risks.settle(plan.head, self._state.watches)
        return WarningsOutcome(
            head=plan.head,
            alerts=tuple(alert for alert in plan.change.alerts if alert.id in new),
            collected=plan.change.collected,
            standings=plan.standings,
            blindness=plan.blindness,
        )

    async def _dealt(self, change: WarningChange) -> Dealt:
        if len(change.watches) <= PORTION:
            return dealt(change)
        return await asyncio.to_thread(dealt, change)

    async def _loaded(self) -> WarningState:
        if self._state is None:
            self._state = await self._store.load()
        return self._state

    async def _seen(self, state: WarningState, head: Head) -> tuple[Survey, BlocksRead] | str:
        """Positions and liquidations at one block, or why they could not be read.

        Liquidations first: without them nobody needs to be looked at.
        """
        read = await self._read(state, head)
        if isinstance(read, Unreadable):
            await self._risks.note(head)
            return _unread(read)
        survey = await self._risks.survey(head, anew=self._is_anew)
        if isinstance(survey, RiskUnknown):
            return survey.reason
        if survey.head != head:
            read = await self._read(state, survey.head)
        return _unread(read) if isinstance(read, Unreadable) else (survey, read)

    def _blind(self, state: WarningState, head: Head, reason: str) -> WarningsPlan:
        change = observe_blindness(state, head, reason, self._policy)
        return WarningsPlan(head=head, change=change, standings=None, blindness=reason)

    async def _read(self, state: WarningState, head: Head) -> BlocksRead | Unreadable:
        oldest = BlockNumber(head.number - self._policy.log_blocks_max + 1)
        first = _first_unread(state.head, head, self._policy)
        blocks = await self._log.events(max(first, oldest), head)
        if isinstance(blocks, Unreadable):
            return blocks
        return BlocksRead(blocks=blocks, missed=_missed(state.head, oldest))


def _unread(logs: Unreadable) -> str:
    return f"liquidations unread: {logs.reason}"


def _first_unread(processed: Head | None, head: Head, policy: WarningPolicy) -> BlockNumber:
    """From which block on liquidations are read.

    The child of the processed block is read alone. Otherwise blocks before the processed one are
    read again, because it may have been replaced; what is found twice has the same id.
    """
    if processed is None or processed.hash == head.parent_hash:
        return head.number
    again = min(processed.number, head.number) - policy.reorg_blocks + 1
    return BlockNumber(max(again, 0))


def _missed(processed: Head | None, oldest: BlockNumber) -> tuple[BlockNumber, BlockNumber] | None:
    """The first and last unread block before the oldest one within reach, if any."""
    if processed is None or processed.number + 1 >= oldest:
        return None
    return BlockNumber(processed.number + 1), BlockNumber(oldest - 1)

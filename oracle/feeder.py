"""The feeder: one step from a finalized Subtensor head to a price on chain.

Shell. It reads, lets the pure modules decide, and sends; it knows neither web3 nor Substrate,
and waits for no receipt.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from oracle.aggregation import Pins
from oracle.alerts import alerts_of
from oracle.crosscheck import CrossCheck, contradicted
from oracle.depth import widened
from oracle.due import PublicationPolicy
from oracle.falls import Deadline, Falls, Risk
from oracle.feed import MarketFeed, PendingPush, PendingSuspension, SuspensionReason, Update
from oracle.guard import Accept
from oracle.judge import Judge, JudgePolicy
from oracle.markets import PerMarket
from oracle.plan import FeedPlan, MarketPlan, NotPlanned, Publication, first_alone, riding_along
from oracle.ports import Feed, FeedState, NotSent, PriceSource, Sent
from oracle.publication import Knowledge, decide, still_pending
from oracle.pushes import Composed, Pushes
from oracle.quotes import Reading, SourceHead, Unavailable
from oracle.smoothing import Smoothing
from oracle.standby import Standby
from oracle.worth import Allowance, WorthPolicy
from units import BlockNumber, Head, Netuid


@dataclass(frozen=True, slots=True, kw_only=True)
class FeederPolicy:
    """How one step goes.

    publication: when a price of each market is due.
    smoothing_blocks: over how many blocks a market's price is averaged before it is published.
    standby_blocks: for how many blocks what is due is left to another feeder.
    worth: how often one that is not due is pushed for what is at stake.
    judge: when a price is held, when a silent source has stalled.
    reading_s_max: how long a step waits for the source, and half as long again for a buried block;
        then it decides without, for a stall has to be decided on too. In all below the minute
        after which a step is given up, above what one request a second takes to catch up.
    risk_budget_ms: how long the push waits to learn who falls at it; then it goes alone. A
        block is 12 s; what was not known in time the liquidator takes a block later.
    """

    publication: PerMarket[PublicationPolicy] = field(
        default_factory=lambda: PerMarket(PublicationPolicy())
    )
    smoothing_blocks: Mapping[Netuid, int] = field(default_factory=dict)
    standby_blocks: int = 0
    worth: WorthPolicy = field(default_factory=WorthPolicy)
    judge: JudgePolicy = field(default_factory=JudgePolicy)
    reading_s_max: float = 30.0
    risk_budget_ms: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """A publication and what became of sending it. `risk_unknown` says why it went alone."""

    publication: Publication
    submission: Sent | NotSent
    risk_unknown: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspended:
    """Markets that were to be suspended for one reason, and what became of sending it."""

    netuids: tuple[Netuid, ...]
    reason: SuspensionReason
    submission: Sent | NotSent


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedOutcome:
    """One step: what was planned, and what was sent of it."""

    plan: FeedPlan | NotPlanned
    push: Pushed | None = None
    suspensions: tuple[Suspended, ...] = ()

    @property
    def undone(self) -> str | None:
        """Why something that was due did not go out though nobody else has done it; else None."""
        sent = [each.submission for each in self.suspensions]
        sent += [] if self.push is None else [self.push.submission]
        refused = (each for each in sent if isinstance(each, NotSent) and not each.is_moot)
        return next((each.reason for each in refused), None)


class Feeder:
    """Keeps the price feed of a set of markets; one step at a time, never two at once."""

    def __init__(
        self,
        *,
        source: PriceSource,
        feed: Feed,
        risk: Risk,
        markets: Sequence[Netuid],
        pins: Pins,
        policy: FeederPolicy,
        deadline: Deadline = asyncio.timeout,
        cross_check: CrossCheck | None = None,
    ) -> None:
        self._source = source
        self._feed = feed
        self._markets = tuple(markets)
        self._policy = policy
        self._deadline = deadline
        self._cross_check = cross_check
        self._smoothing = Smoothing(policy.smoothing_blocks)
        self._standby = Standby(policy.standby_blocks)
        self._judge = Judge(markets=self._markets, pins=pins, policy=policy.judge)
        self._sent: dict[Netuid, MarketFeed] = {}
        self._falls = Falls(
            risk=risk,
            deadline=deadline,
            budget_ms=policy.risk_budget_ms,
            is_confirmed=self._judge.is_confirmed,
        )
        self._pushes = Pushes(falls=self._falls, allowance=Allowance(policy.worth), costs=feed)

    @property
    def unconfirmed(self) -> frozenset[Netuid]:
        """The markets whose first price after a break went out alone and no other yet."""
        return self._falls.unconfirmed

    async def step(self, source_head: SourceHead | None) -> FeedOutcome:
        """Plan at this finalized head and send what is due; see `plan` and `act`."""
        return await self.act(await self.plan(source_head))

    async def plan(self, source_head: SourceHead | None) -> FeedPlan | NotPlanned:
        """Read both chains and decide on every market; sends nothing.

        Args:
            source_head: the finalized Subtensor head to read. None when none has come: then the
                source is asked for one, and without an answer it may be a stall by now.
        """
        async with asyncio.TaskGroup() as tasks:
            rows = tasks.create_task(self._feed.rows(self._markets))
            read = tasks.create_task(self._read_in_time(source_head))
        state = rows.result()
        if isinstance(state, Unavailable):
            return NotPlanned(reason=f"the feed could not be read: {state.detail}")
        readings = self._believed(await self._dug(read.result(), state.head), state.head)
        known = self._judge.known(readings, state.rows, state.head)
        decided = [self._decide(netuid, known[netuid], state) for netuid in self._markets]
        latest = readings[-1] if isinstance(readings[-1], Reading) else None
        if latest is not None:
            decided = await self._cross_checked(decided, latest.block.number, state)
        waiting = self._standby.waiting(decided, state.head)
        markets = first_alone(riding_along(waiting), self._judge.is_confirmed)
        return FeedPlan(
            source=latest.block if latest else None,
            head=state.head,
            markets=markets,
            alerts=alerts_of(markets, readings[-1], self._cross_check),
            quotes=readings[-1].quotes,
            unchecked=latest.detail if latest else "",
            unfinal_blocks=self._unfinal_blocks(latest, state.head),
        )

    async def _cross_checked(
        self, decided: list[MarketPlan], block: BlockNumber, state: FeedState
    ) -> list[MarketPlan]:
        """The same, where no price stands that chain 964 itself contradicts."""
        if self._cross_check is None:
            return decided
        doubted = await self._cross_check.look(decided, self._policy.publication, block)
        self._judge.doubt(doubted)
        return [
            self._decide(each.netuid, contradicted(each.netuid), state)
            if each.netuid in doubted and isinstance(each.known, Accept)
            else each
            for each in decided
        ]

    def _unfinal_blocks(self, latest: Reading | None, head: Head) -> int | None:
        if latest is None or latest.is_final:
            return None
        return self._judge.finality_stands_for(head)

    async def act(self, plan: FeedPlan | NotPlanned) -> FeedOutcome:
        """Send a plan: suspensions first, they are quick; then prices and who falls at them."""
        if isinstance(plan, NotPlanned):
            return FeedOutcome(plan=plan)
        suspensions = tuple(
            [
                await self._suspend(netuids, reason, plan.head)
                for reason, netuids in plan.suspensions.items()
            ]
        )
        composed = await self._pushes.composed(plan)
        if composed is None:
            return FeedOutcome(plan=plan, suspensions=suspensions)
        push = await self._push(composed)
        return FeedOutcome(plan=composed.plan, push=push, suspensions=suspensions)

    async def _read_in_time(self, head: SourceHead | None) -> tuple[Reading | Unavailable, ...]:
        limit_s = self._policy.reading_s_max
        try:
            async with self._deadline(limit_s):
                found = await self._asked_for() if head is None else head
                return (found,) if isinstance(found, Unavailable) else await self._read(found)
        except TimeoutError:
            return (Unavailable(detail=f"the source was not read within {limit_s:g} s"),)

    async def _dug(
        self, said: tuple[Reading | Unavailable, ...], head: Head
    ) -> tuple[Reading | Unavailable, ...]:
        """With a block that is buried and not final, where that is allowed and finality stands.

        As soon as a final block is read within the stall limit, only those count again.
        """
        depth = self._policy.judge.buried_blocks
        is_read = isinstance(said[-1], Reading)
        if depth is None or is_read or self._judge.finality_stands_for(head) is None:
            return said
        limit_s = self._policy.reading_s_max / 2
        try:
            async with self._deadline(limit_s):
                return (*said, await self._source.buried(depth))
        except TimeoutError:
            return said

    def _believed(
        self, said: Sequence[Reading | Unavailable], head: Head
    ) -> Sequence[Reading | Unavailable]:
        ahead_max = self._policy.publication.common.ahead_blocks_max
        return [self._judge.believed(each, head, ahead_max) for each in said]

    async def _asked_for(self) -> SourceHead | Unavailable:
        """A head that nobody announced: a subscription may be dead where questions are answered."""
        found, newest = await self._source.finalized(), self._judge.newest_read
        if isinstance(found, SourceHead) and newest is not None and found.number <= newest:
            return Unavailable(detail=f"no finalized head has come after block {newest}")
        return found

    async def _read(self, head: SourceHead) -> tuple[Reading | Unavailable, ...]:
        """The readings to judge, oldest first; the last one is that of `head`."""
        skipped = self._judge.worth_reading(head)
        return tuple([await self._source.read(number) for number in (*skipped, head.number)])

    def _decide(self, netuid: Netuid, known: Knowledge, state: FeedState) -> MarketPlan:
        row, policy = state.rows[netuid], self._policy.publication.of(netuid)
        is_thin = netuid in self._judge.thin
        if is_thin:
            policy = widened(policy, self._policy.judge.depth.of(netuid))
        before = self._sent.get(netuid, MarketFeed(row=row))
        market = still_pending(replace(before, row=row), state.head, policy)
        self._sent[netuid] = market
        published = self._smoothing.applied(netuid, known)
        decision = decide(published, market, state.head, policy)
        return MarketPlan(
            netuid=netuid,
            known=known,
            row=row,
            decision=decision,
            band=policy.deviation,
            is_thin=is_thin,
        )

    async def _suspend(
        self, netuids: tuple[Netuid, ...], reason: SuspensionReason, head: Head
    ) -> Suspended:
        submission = await self._feed.suspend(netuids, reason, head)
        if isinstance(submission, Sent):
            pending = PendingSuspension(reason=reason, sent_at=head)
            for netuid in netuids:
                self._sent[netuid] = replace(self._sent[netuid], suspension=pending)
        return Suspended(netuids=netuids, reason=reason, submission=submission)

    async def _push(self, composed: Composed) -> Pushed:
        publication = composed.publication
        submission = await self._feed.submit(publication)
        if isinstance(submission, Sent):
            self._note_sent(publication.updates, publication.head)
            self._pushes.note_sent(composed)
        return Pushed(
            publication=publication, submission=submission, risk_unknown=composed.risk_unknown
        )

    def _note_sent(self, updates: Sequence[Update], head: Head) -> None:
        for update in updates:
            pending = PendingPush(update=update, sent_at=head)
            self._sent[update.netuid] = replace(self._sent[update.netuid], push=pending)

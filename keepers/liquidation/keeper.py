"""The liquidator: at head n, takes everything below maintenance for block n + 1.

`plan` reads and decides and sends nothing; `act` sends; `step` is one after the other. Outcomes
arrive with later blocks through `record`. Knows no node, key, nonce or fee.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from keepers.liquidation.evidence import Grounds, Judgement
from keepers.liquidation.follower import BookFollower
from keepers.liquidation.gas import GasModel
from keepers.liquidation.lateness import Lateness, observed
from keepers.liquidation.outcomes import LiquidationResult, may_be_sent_again
from keepers.liquidation.positions import PositionKey
from keepers.liquidation.risk import Exposure, RiskEngine, RiskUnknown
from keepers.liquidation.selection import (
    Candidate,
    LiquidationBatch,
    Selection,
    SelectionPolicy,
    select,
)
from keepers.liquidation.sharding import Shard
from keepers.liquidation.standing import UnknownReason
from keepers.liquidation.upkeep import BookUpkeep, Reconciliation
from keepers.submission import NotSent, Sent, Submission
from units import BlockNumber, Head, Netuid


class Liquidations(Protocol):
    """Where batches go: into one transaction each."""

    async def submit(self, batch: LiquidationBatch, judgement: Judgement) -> Sent | NotSent:
        """Hands a batch over to be sent, with what it rests on; does not wait for its outcome."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationPolicy:
    """Limits of the liquidator.

    `in_flight_blocks`: how long a position that was sent and has no outcome is left alone;
    afterwards it may be sent again. `reconcile_blocks`: at least this often the book is compared
    with the chain's own views.
    """

    selection: SelectionPolicy
    gas: GasModel
    in_flight_blocks: int = 3
    reconcile_blocks: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationPlan:
    """What is to be liquidated after `head`.

    `candidates` are all that are below maintenance, most urgent first; each is in one of
    `batches`, `in_flight` (sent lately, no outcome yet), `waiting` (for a price that confirms the
    one it fell at) or `deferred` (the block has no room).
    `unknown` counts the positions of markets that can't be judged. `grounds` are what the
    candidates were judged on. `missed` and `canary` as in `Exposure`. `lateness` says since when
    candidates may be taken, and who was left alone.
    """

    head: Head
    grounds: Grounds
    candidates: tuple[Candidate, ...]
    batches: tuple[LiquidationBatch, ...]
    in_flight: tuple[PositionKey, ...]
    deferred: tuple[Candidate, ...]
    unknown: Mapping[UnknownReason, int]
    waiting: tuple[PositionKey, ...] = ()
    missed: int | None = None
    canary: bool | None = None
    lateness: Lateness = field(default_factory=Lateness)

    def judgement_of(self, batch: LiquidationBatch) -> Judgement:
        """What one of the batches rests on."""
        return Judgement(grounds=self.grounds, candidates=self.candidates).of(batch.ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationsHeld:
    """Nothing is known, so nothing is planned; `reason` is one line for an operator."""

    head: Head
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSubmitted:
    """What the sender said to one batch."""

    batch: LiquidationBatch
    submission: Submission


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationsSubmitted:
    """A plan that was acted on, batch by batch; `reconciliation` is None when it was not due."""

    plan: LiquidationPlan
    batches: tuple[BatchSubmitted, ...]
    reconciliation: Reconciliation | None


FirstPrices = Callable[[], Collection[Netuid]]
"""The markets whose first price after a break no other has confirmed yet."""


class LiquidationKeeper:
    """The liquidator bot. Remembers only what is in flight; the book is the truth."""

    def __init__(
        self,
        *,
        risk: RiskEngine,
        follower: BookFollower,
        liquidations: Liquidations,
        policy: LiquidationPolicy,
    ) -> None:
        self._risk = risk
        self._upkeep = BookUpkeep(follower=follower, reconcile_blocks=policy.reconcile_blocks)
        self._liquidations = liquidations
        self._policy = policy
        self._in_flight: dict[PositionKey, BlockNumber] = {}
        self._lateness = Lateness()
        self._first_prices: FirstPrices | None = frozenset
        self._shard: Shard | None = None

    def heed(self, first_prices: FirstPrices | None) -> None:
        """Who pushes the prices: by default nobody whom it concerns.

        Args:
            first_prices: asks a feeder of this process for the markets whose first price after a
                break is not confirmed. None: the feeder is elsewhere, and says nothing. Then whom
                the newest push brought below maintenance is left to it for a block: it takes them
                itself, unless it has just come back.
        """
        self._first_prices = first_prices

    def keep_to(self, shard: Shard | None) -> None:
        """Whose positions it takes: by default, and with None, everybody's."""
        self._shard = shard

    async def step(self, head: Head) -> LiquidationsSubmitted | LiquidationsHeld:
        """Plans on `head` and acts on the plan."""
        plan = await self.plan(head)
        if isinstance(plan, LiquidationsHeld) and await self._upkeep.confirm_restored(head):
            plan = await self.plan(head)
        if isinstance(plan, LiquidationsHeld):
            return plan
        return await self.act(plan)

    async def plan(self, head: Head) -> LiquidationPlan | LiquidationsHeld:
        """What to liquidate in the block after `head`; sends nothing."""
        exposure = await self._risk.exposure(head)
        if isinstance(exposure, RiskUnknown):
            return LiquidationsHeld(head=head, reason=exposure.reason)
        exposure = self._own(exposure)
        self._forget_expired(exposure.head)
        waiting = tuple(self._waiting(exposure))
        selection = self._selection(exposure, frozenset(waiting))
        self._lateness = self._observed(exposure, frozenset(waiting))
        keys = (candidate.position.key for candidate in exposure.candidates)
        return LiquidationPlan(
            head=exposure.head,
            grounds=exposure.judgement.of(exposure.judgement.ids).grounds,
            candidates=exposure.candidates,
            batches=selection.batches,
            in_flight=tuple(key for key in keys if key in self._in_flight),
            deferred=selection.deferred,
            unknown=exposure.unknown,
            waiting=waiting,
            missed=exposure.missed,
            canary=exposure.canary,
            lateness=self._lateness,
        )

    async def act(self, plan: LiquidationPlan) -> LiquidationsSubmitted:
        """Sends the plan's batches, most urgent first, then looks after the book."""
        submitted = tuple([await self._submitted(batch, plan) for batch in plan.batches])
        reconciliation = await self._upkeep.look_after(plan.head)
        return LiquidationsSubmitted(plan=plan, batches=submitted, reconciliation=reconciliation)

    def record(self, results: Iterable[LiquidationResult]) -> None:
        """Takes in outcomes: what the contract left, or never saw, may be sent again at once.

        What is gone stays marked until it expires: a book a block behind may still hold it.
        """
        for result in results:
            if may_be_sent_again(result.outcome):
                self._in_flight.pop(result.key, None)

    def _own(self, exposure: Exposure) -> Exposure:
        """What of it is this shard's to take."""
        shard = self._shard
        if shard is None:
            return exposure
        own = exposure.judgement.of(filter(shard.holds, exposure.judgement.ids))
        return replace(exposure, judgement=own)

    def _waiting(self, exposure: Exposure) -> Iterator[PositionKey]:
        ask, known = self._first_prices, exposure.unconfirmed
        netuids = frozenset[Netuid]() if ask is None else ask()
        keys = known.first | known.fresh if ask is None else known.first
        for candidate in exposure.candidates:
            position = candidate.position
            is_in_flight = position.key in self._in_flight
            if not is_in_flight and (position.netuid in netuids or position.key in keys):
                yield position.key

    def _selection(self, exposure: Exposure, waiting: frozenset[PositionKey]) -> Selection:
        free = [
            candidate
            for candidate in exposure.candidates
            if candidate.position.key not in waiting
            and candidate.position.key not in self._in_flight
        ]
        return select(free, head=exposure.head, policy=self._policy.selection, gas=self._policy.gas)

    def _observed(self, exposure: Exposure, waiting: frozenset[PositionKey]) -> Lateness:
        """Who waits for a second price is left alone on purpose: his time has not begun."""
        return observed(
            self._lateness,
            [each for each in exposure.candidates if each.position.key not in waiting],
            exposure.head.number,
            policy=self._policy.selection,
            gas=self._policy.gas,
        )

    async def _submitted(self, batch: LiquidationBatch, plan: LiquidationPlan) -> BatchSubmitted:
        submission = await self._liquidations.submit(batch, plan.judgement_of(batch))
        if isinstance(submission, Sent):
            self._in_flight.update(dict.fromkeys(batch.keys, batch.head.number))
        return BatchSubmitted(batch=batch, submission=submission)

    def _forget_expired(self, head: Head) -> None:
        limit, flights = self._policy.in_flight_blocks, self._in_flight.items()
        self._in_flight = {key: at for key, at in flights if abs(head.number - at) <= limit}

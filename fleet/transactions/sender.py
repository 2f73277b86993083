"""Brings requests on chain over one key: nonce, fee, signing, resending are settled in here.

`submit` journals, signs and hands over, and never waits for a receipt. `settle`, once a head,
reads what became of everything in flight and pushes on what stands still. After a failure of any
kind, and in a new process, the journal is read again and nothing else is believed.

At most one sender works on one key and namespace; `fleet.store.lease` sees to that.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from fleet.transactions.attempt import State
from fleet.transactions.chain import Chain
from fleet.transactions.delivery import Delivery
from fleet.transactions.fees import Fee, needed
from fleet.transactions.filling import Filler
from fleet.transactions.guard import SpendGuard
from fleet.transactions.in_flight import InFlight, Known, objection
from fleet.transactions.journal import Journal
from fleet.transactions.lanes import Turns
from fleet.transactions.launch import Launch
from fleet.transactions.policy import SenderPolicy
from fleet.transactions.pursuit import Pursuit
from fleet.transactions.quotes import Quotes
from fleet.transactions.recount import Recount
from fleet.transactions.rehearsal import EverythingCounts, Judge, Rehearsal, Rehearsed
from fleet.transactions.request import (
    AlreadyInFlight,
    Included,
    Lane,
    Refused,
    Settled,
    Submission,
    Submitted,
    TransactionRequest,
)
from fleet.transactions.settlement import Settlement
from fleet.transactions.signer import Signer
from fleet.transactions.spending import Spent
from units import BlockNumber, Head, Wei

_REREADING = "the journal is being read again after a failure"
_REHEARSED_FIRST = frozenset({Lane.FUNDING, Lane.HOUSEKEEPING})
"""They have time; whoever waits for a simulation within its turn keeps urgent work waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderStatus:
    """For metrics and operators.

    `in_flight` counts what is in no block, `unsettled` all that has no outcome yet, by state.
    `oldest` is the head at which the oldest transaction in no block was first signed; `problem`
    the node's last words against one that stays in flight. `stopped` are lanes that spent too
    much, `half_spent` those that are on the way there, `day` what each spent.
    """

    in_flight: dict[Lane, int]
    unsettled: dict[State, int]
    next_nonce: int
    is_held: bool
    stopped: dict[Lane, str]
    half_spent: frozenset[Lane]
    day: dict[Lane, Spent]
    oldest: BlockNumber | None
    problem: str | None


class Sender:
    """One key's way to the chain.

    Every method raises what `chain` and `journal` raise when nobody answers; nothing is lost
    then, and calling again goes on from the journal.
    """

    def __init__(
        self,
        *,
        chain: Chain,
        signer: Signer,
        journal: Journal,
        chain_id: int,
        decode_revert: Callable[[bytes], str],
        judge: Judge | None = None,
        policy: SenderPolicy | None = None,
    ) -> None:
        self.account = account = signer.address
        self._chain = chain
        self._journal = journal
        self._policy = policy = policy or SenderPolicy()
        self._quotes = quotes = Quotes(chain)
        delivery = Delivery(chain=chain, signer=signer, journal=journal, chain_id=chain_id)
        self._guard = guard = SpendGuard(journal=journal, policy=policy.spending)
        judge = judge or EverythingCounts()
        self._rehearsal = rehearsal = Rehearsal(
            chain=chain,
            account=account,
            decode_revert=decode_revert,
            judge=judge,
        )
        settlement = Settlement(
            chain=chain, account=account, rehearsal=rehearsal, judge=judge, policy=policy
        )
        self._recount = recount = Recount(chain=chain, settlement=settlement, account=account)
        self._launch = Launch(
            chain=chain,
            delivery=delivery,
            quotes=quotes,
            recount=recount,
            policy=policy,
        )
        filler = Filler(delivery=delivery, quotes=quotes, account=account, policy=policy)
        self._pursuit = Pursuit(
            delivery=delivery,
            settlement=settlement,
            rehearsal=rehearsal,
            recount=recount,
            quotes=quotes,
            guard=guard,
            filler=filler,
            policy=policy,
        )
        self._turns = Turns()
        self._settling = asyncio.Lock()
        self._known: Known | None = None
        self._head: Head | None = None

    # --- three calls --------------------------------------------------------------------------

    async def submit(self, request: TransactionRequest) -> Submission:
        """Simulates, signs, journals and sends; the outcome comes from a later `settle`.

        Nonces follow the order in which the most urgent lane goes first. Work whose outcome is
        told meanwhile was asked for without knowing it, and is to be asked for anew.
        """
        with self._pursuit.news.hearing() as heard:
            return await self._submitted(request, heard)

    async def _submitted(
        self, request: TransactionRequest, heard: Mapping[str, Settled]
    ) -> Submission:
        if self._known is None:
            await self.recover()
        refusal = self._objection(request, heard) or await self._guard.objection(request.lane)
        if refusal is not None:
            return refusal
        assert self._head is not None, "the journal was read at a head"
        at = request.decided_at or self._head.number
        async with self._rehearsal.running(request, at) as rehearsal:
            if request.lane in _REHEARSED_FIRST and (no := (await rehearsal).refusal):
                return no
            async with self._turns.turn(request.lane):
                return await self._sent(request, rehearsal, heard)

    def busy(self, subjects: Iterable[str]) -> frozenset[str]:
        """Which of these a request in no block works on; to be left out of a new one."""
        return frozenset() if self._known is None else self._known.in_flight.busy(subjects)

    async def gas_price(self) -> Wei | Refused:
        """What a unit of gas costs now in a transaction that gets into the next block."""
        if self._head is None:
            return Refused(reason=_REREADING)
        return Wei(needed(await self._quotes.at(self._head), self._policy.fees))

    async def settle(self, head: Head) -> tuple[Settled, ...]:
        """Reads receipts, resends, bumps and cancels; call it once for every head.

        Each outcome is returned once, as soon as nothing can change it, across restarts and
        reorganisations, and is journaled before. What stands in a block meanwhile is `inclusions`.
        """
        async with self._settling:
            known = self._known or await self._read_again()
            previous, self._head = self._head, head
            follows = previous is not None and head.parent_hash == previous.hash
            with self._distrusted_on_failure():
                async with self._quotes.ahead(head):
                    await self._pursuit.go_over(known, head, is_undisturbed=follows)
            return self._pursuit.news.take_settled()

    def inclusions(self) -> tuple[Included, ...]:
        """What was seen in a block since the last call: news that a reorganisation may undo."""
        return self._pursuit.news.take_included()

    async def recover(self) -> None:
        """Adopts what an earlier process left in flight: sends it again, replaces or releases it.

        Outcomes found meanwhile are returned by the next `settle`.
        """
        async with self._settling:
            if self._known is None:
                await self._read_again()

    @property
    def status(self) -> SenderStatus | None:
        """How it stands; None before the journal was read."""
        if self._known is None:
            return None
        still_open = self._known.in_flight.open()
        return SenderStatus(
            in_flight=dict(self._known.in_flight.lanes()),
            unsettled=dict(self._known.in_flight.unsettled()),
            next_nonce=self._known.nonces.next,
            is_held=self._known.nonces.is_held,
            stopped=self._guard.stopped,
            half_spent=self._guard.half_spent,
            day=self._guard.day,
            oldest=min((entry.attempts[0].block for entry in still_open), default=None),
            problem=self._pursuit.problem if still_open else None,
        )

    # --- submitting ---------------------------------------------------------------------------

    def _objection(
        self, request: TransactionRequest, heard: Mapping[str, Settled]
    ) -> AlreadyInFlight | Refused | None:
        known, work = self._known, request.idempotency_key
        if known is None or self._head is None:
            return Refused(reason=_REREADING)
        unknown = self._pursuit.news.outcome_of(work) or heard.get(work)
        if unknown is not None:
            return AlreadyInFlight(tx_hash=unknown.tx_hash)
        return objection(request, known.in_flight, self._head.number, self._policy)

    async def _sent(
        self,
        request: TransactionRequest,
        rehearsal: asyncio.Task[Rehearsed],
        heard: Mapping[str, Settled],
    ) -> Submission:
        """Its turn has come; while it waited another may have come first, or stopped the lane."""
        refusal = self._objection(request, heard) or await self._guard.objection(request.lane)
        if refusal is not None or self._known is None or self._head is None:
            return refusal or Refused(reason=_REREADING)
        with self._distrusted_on_failure():
            return await self._launched(request, rehearsal, self._known, self._head)

    async def _launched(
        self,
        request: TransactionRequest,
        rehearsal: asyncio.Task[Rehearsed],
        known: Known,
        head: Head,
    ) -> Submitted | Refused:
        quote = await self._quotes.at(head)
        sent = await self._launch.launch(request, rehearsal, quote, head, known)
        if isinstance(sent, Refused):
            return sent
        await self._make_way(known, request.lane, sent.newest.fee, head)
        return Submitted(tx_hash=sent.newest.tx_hash, nonce=sent.nonce)

    async def _make_way(self, known: Known, lane: Lane, fee: Fee, head: Head) -> None:
        """Whatever happens: the urgent one is out. The next head goes on where this one failed."""
        if not known.in_flight.less_urgent(lane):
            return
        making = self._pursuit.make_way(known, lane, fee, head)
        (failure,) = await asyncio.gather(making, return_exceptions=True)
        if failure is None:
            return
        if not isinstance(failure, Exception):
            raise failure
        self._pursuit.owe_way(lane, fee)
        self._known = None

    # --- the journal is the truth -------------------------------------------------------------

    async def _read_again(self) -> Known:
        async with self._turns.turn(Lane.PRICE):
            self._head = head = await self._chain.head()
            entries = await self._journal.unfinished()
            await self._guard.begin()
            self._pursuit.news.forget(entries)
            self._pursuit.doubt(entries)
            nonces = await self._recount.begin(await self._journal.next_nonce(), head)
            known = Known(InFlight(entries), nonces)
            await self._pursuit.go_over(known, head, is_undisturbed=False)
            self._known = known
            return known

    @contextmanager
    def _distrusted_on_failure(self) -> Iterator[None]:
        """Whatever interrupts the body, cancellation too: the journal is read again."""
        is_whole = False
        try:
            yield
            is_whole = True
        finally:
            if not is_whole:
                self._known = None

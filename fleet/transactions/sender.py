"""Brings requests on chain over one key: nonce, fee, signing, resending are settled in here.

`submit` journals, signs and hands over, and never waits for a receipt. `settle`, once a head,
reads what became of everything in flight and pushes on what stands still. After a failure of any
kind, and in a new process, the journal is read again and nothing else is believed.

At most one sender works on one key and namespace; that is the lease's business.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import assert_never

from fleet.transactions.attempt import Entry, Kind, Situation, State, Step, moved, next_step, wanted
from fleet.transactions.chain import Chain, Quote
from fleet.transactions.delivery import Delivery
from fleet.transactions.fees import bumped_fee, insistent_fee
from fleet.transactions.in_flight import InFlight, objection
from fleet.transactions.journal import Journal
from fleet.transactions.lanes import Turns
from fleet.transactions.launch import STRANGER, Launch, payload_cap, resync
from fleet.transactions.nonces import Nonces
from fleet.transactions.policy import SenderPolicy
from fleet.transactions.request import (
    AlreadyInFlight,
    Lane,
    Refused,
    Settled,
    Submission,
    TransactionRequest,
)
from fleet.transactions.settlement import Settlement
from fleet.transactions.signer import Signer
from units import BlockNumber, Head

_REREADING = "the journal is being read again after a failure"


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of the key at one head and after; thrown away whole after a failure."""

    in_flight: InFlight
    nonces: Nonces


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderStatus:
    """For metrics and operators.

    `oldest` is the head at which the oldest transaction in no block was first signed; `problem`
    the node's last words against one that stays in flight.
    """

    in_flight: dict[Lane, int]
    next_nonce: int
    is_held: bool
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
        policy: SenderPolicy | None = None,
    ) -> None:
        self.account = signer.address
        self._chain = chain
        self._journal = journal
        self._decode_revert = decode_revert
        self._policy = policy = policy or SenderPolicy()
        self._delivery = Delivery(chain=chain, signer=signer, journal=journal, chain_id=chain_id)
        self._launch = Launch(
            chain=chain,
            journal=journal,
            delivery=self._delivery,
            account=self.account,
            policy=policy,
        )
        self._settlement = Settlement(
            chain=chain,
            journal=journal,
            account=self.account,
            decode_revert=decode_revert,
            policy=policy,
        )
        self._turns = Turns()
        self._settling = asyncio.Lock()
        self._known: _Known | None = None
        self._head: Head | None = None
        self._started_at: BlockNumber | None = None
        self._quoted: tuple[Head | None, Quote] | None = None
        self._unreported: list[Settled] = []
        self._problem: str | None = None

    # --- three calls --------------------------------------------------------------------------

    async def submit(self, request: TransactionRequest) -> Submission:
        """Simulates, journals, signs and sends; the outcome comes from a later `settle`.

        Nonces follow the order in which the most urgent lane goes first.
        """
        if self._known is None:
            await self.recover()
        refusal = self._objection(request) or await self._rehearse(request)
        if refusal is not None:
            return refusal
        quote = await self._quote()
        async with self._turns.turn(request.lane):
            refusal = self._objection(request)  # another may have come first
            if refusal is not None or self._known is None or self._head is None:
                return refusal or Refused(reason=_REREADING)
            known = self._known
            with self._distrusted_on_failure():
                return await self._launch.launch(
                    request, quote, self._head.number, known.in_flight, known.nonces
                )

    async def settle(self, head: Head) -> tuple[Settled, ...]:
        """Reads receipts, resends, bumps and cancels; call it once for every head.

        Each outcome is returned once, as soon as it is mined, across restarts and reorganisations.
        It is journaled as told before it is returned.
        """
        async with self._settling:
            known = self._known or await self._read_again()
            previous, self._head = self._head, head
            follows = previous is not None and head.parent_hash == previous.hash
            with self._distrusted_on_failure():
                await self._go_over(known, head, is_undisturbed=follows)
            settled, self._unreported = tuple(self._unreported), []
            return settled

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
            next_nonce=self._known.nonces.next,
            is_held=self._known.nonces.is_held,
            oldest=min((entry.attempts[0].block for entry in still_open), default=None),
            problem=self._problem if still_open else None,
        )

    # --- submitting ---------------------------------------------------------------------------

    def _objection(self, request: TransactionRequest) -> AlreadyInFlight | Refused | None:
        known = self._known
        if known is None or self._head is None:
            return Refused(reason=_REREADING)
        found = objection(request, known.in_flight, self._head.number, self._policy)
        if found is None and known.nonces.is_held:
            return Refused(reason=STRANGER)
        return found

    async def _rehearse(self, request: TransactionRequest) -> Refused | None:
        """Runs the whole transaction at the latest block without sending it."""
        found = await self._chain.simulate(
            sender=self.account,
            to=request.to,
            data=request.data,
            value=request.value,
            gas=request.gas_limit,
        )
        if found.outcome == "succeeds":
            return None
        if found.outcome == "unknown":
            return Refused(reason=f"it could not be simulated: {found.detail}")
        return Refused(reason=self._decode_revert(found.data) if found.data else found.detail)

    async def _quote(self) -> Quote:
        """What gas costs, asked once a head."""
        if self._quoted is None or self._quoted[0] != self._head:
            self._quoted = self._head, await self._chain.fee_quote()
        return self._quoted[1]

    # --- going over what is in flight ---------------------------------------------------------

    async def _go_over(self, known: _Known, head: Head, *, is_undisturbed: bool) -> None:
        await self._confirm(known, head, is_undisturbed=is_undisturbed)
        await self._advance(known, head)
        if known.nonces.is_held:
            await resync(known.nonces, self._chain, self.account)

    async def _confirm(self, known: _Known, head: Head, *, is_undisturbed: bool) -> None:
        """Mined entries: looked at again when the chain was reorganised, and when final."""
        mined = known.in_flight.mined()
        if not mined:
            return
        final = await self._settlement.final_block(head)
        for entry in mined:
            is_final = entry.inclusion is not None and entry.inclusion.block <= final
            if is_final or not is_undisturbed:
                known.in_flight.put(await self._settlement.confirm(entry, final))

    async def _advance(self, known: _Known, head: Head) -> None:
        """Entries in no block, lowest nonce first."""
        still_open = known.in_flight.open()
        if not still_open:
            return
        latest = await self._chain.transaction_count(self.account, "latest")
        known.nonces.observe(latest)
        is_any_waiting = still_open[-1].nonce >= latest
        situation = Situation(
            head=head.number,
            next_nonce=latest,
            started_at=head.number if self._started_at is None else self._started_at,
            base_fee=(await self._quote()).base_fee if is_any_waiting else 0,
        )
        for entry in still_open:
            known.in_flight.put(await self._step(entry, situation, head))

    async def _step(self, entry: Entry, situation: Situation, head: Head) -> Entry:
        step = next_step(entry, situation, self._policy.stuck_blocks)
        match step:
            case Step.LOOK:
                found, settled = await self._settlement.look(entry, head)
                self._unreported += [settled] if settled is not None else []
                return found
            case Step.REPLACE:
                return await self._replace(entry, head)
            case Step.RESEND:
                return await self._send(entry)
            case Step.WAIT:
                return entry
            case _:
                assert_never(step)

    async def _replace(self, entry: Entry, head: Head) -> Entry:
        """Offers more for what is wanted now; the same again where the limits forbid it."""
        kind, fees = wanted(entry, head.number), self._policy.fees
        cap = payload_cap(entry.request, self._policy) if kind is Kind.PAYLOAD else fees.ceiling
        fee = bumped_fee(entry.newest.fee, await self._quote(), fees, cap)
        if fee is None:
            return entry if entry.newest.kind is not kind else await self._send(entry)
        return await self._send(await self._delivery.sign(entry, kind, fee, head.number))

    async def _send(self, entry: Entry) -> Entry:
        entry, answer = await self._delivery.hand_over(entry)
        self._problem = answer.detail if entry.state is State.BROADCAST else None
        return entry

    # --- the journal is the truth -------------------------------------------------------------

    async def _read_again(self) -> _Known:
        async with self._turns.turn(Lane.PRICE):
            self._head = head = await self._chain.head()
            if self._started_at is None:
                self._started_at = head.number
            entries = await self._journal.unfinished()
            pending = await self._chain.transaction_count(self.account, "pending")
            nonces = Nonces(
                journal=await self._journal.next_nonce(),
                latest=await self._chain.transaction_count(self.account, "latest"),
                pending=pending,
            )
            known = _Known(InFlight(entries), nonces)
            for entry in reversed(known.in_flight.open()):
                if entry.state is State.RESERVED:
                    known.in_flight.put(await self._clear(entry, nonces, head))
            await self._go_over(known, head, is_undisturbed=False)
            self._known = known
            return known

    async def _clear(self, entry: Entry, nonces: Nonces, head: Head) -> Entry:
        """A nonce that was taken and never signed for: given back, or used where it can't be."""
        if entry.nonce == nonces.next - 1:
            nonces.give_back(entry.nonce)
            return await self._delivery.record(moved(entry, State.RELEASED))
        fee = insistent_fee(await self._quote(), self._policy.fees)
        return await self._delivery.sign(entry, wanted(entry, head.number), fee, head.number)

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

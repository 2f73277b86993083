"""Pushes everything in flight on by one head: looks, resends, replaces, cancels, fills holes.

What to do with an entry is decided in `attempt`; here it is done.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from fleet.transactions.attempt import Entry, Kind, Situation, State, Step, next_step, wanted
from fleet.transactions.chain import Chain
from fleet.transactions.delivery import TRANSFER_GAS, Delivery
from fleet.transactions.fees import bumped_fee, insistent_fee
from fleet.transactions.in_flight import InFlight
from fleet.transactions.journal import Journal, JournalConflict
from fleet.transactions.launch import payload_cap, resync
from fleet.transactions.nonces import Nonces
from fleet.transactions.policy import SenderPolicy
from fleet.transactions.quotes import Quotes
from fleet.transactions.request import Lane, Settled, TransactionRequest
from fleet.transactions.settlement import Settlement
from units import Address, BlockNumber, Head


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a key; thrown away whole after a failure."""

    in_flight: InFlight
    nonces: Nonces


class Pursuit:
    """One key's entries, head after head.

    `problem` is the node's last word against an entry.
    """

    def __init__(
        self,
        *,
        chain: Chain,
        journal: Journal,
        delivery: Delivery,
        settlement: Settlement,
        quotes: Quotes,
        account: Address,
        policy: SenderPolicy,
    ) -> None:
        self._chain = chain
        self._journal = journal
        self._delivery = delivery
        self._settlement = settlement
        self._quotes = quotes
        self._account = account
        self._policy = policy
        self._started_at: BlockNumber | None = None
        self._untold: dict[int, Settled] = {}
        self.problem: str | None = None

    async def go_over(self, known: Known, head: Head, *, is_undisturbed: bool) -> None:
        """All entries once. `is_undisturbed`: this head's parent is the head before."""
        if self._started_at is None:
            self._started_at = head.number
        await self._confirm(known, head, is_undisturbed=is_undisturbed)
        await self._advance(known, head, is_undisturbed=is_undisturbed)
        if known.nonces.is_held:
            await resync(known.nonces, self._chain, self._account)

    def tell(self) -> tuple[Settled, ...]:
        """Outcomes that are in the journal and were not told before."""
        told, self._untold = tuple(self._untold.values()), {}
        return told

    def untold(self, idempotency_key: str) -> Settled | None:
        """An outcome of this work that the caller has not heard of yet."""
        outcomes = self._untold.values()
        return next((e for e in outcomes if e.request.idempotency_key == idempotency_key), None)

    def forget(self, entries: Iterable[Entry]) -> None:
        """Drops outcomes that the journal, just read, has not taken up: they are found again."""
        for entry in entries:
            if entry.ending is None:
                self._untold.pop(entry.id, None)

    async def clear(self, entry: Entry, head: Head) -> Entry:
        """A nonce that was taken and never signed for: given back, or used where it can't be."""
        if entry.nonce == await self._journal.next_nonce() - 1:
            return await self._delivery.release(entry)
        return await self._sign_insistently(entry, head)

    async def _confirm(self, known: Known, head: Head, *, is_undisturbed: bool) -> None:
        """Mined entries: looked at again when the chain was reorganised, and when final."""
        mined = known.in_flight.mined()
        if not mined:
            return
        final = await self._settlement.final_block(head)
        for entry in mined:
            is_final = entry.inclusion is not None and entry.inclusion.block <= final
            if is_final or not is_undisturbed:
                found = await self._settlement.confirm(entry, final)
                known.in_flight.put(await self._record(entry, found))

    async def _advance(self, known: Known, head: Head, *, is_undisturbed: bool) -> None:
        """Entries in no block, lowest nonce first."""
        still_open = known.in_flight.open()
        if not still_open:
            return
        latest = await self._chain.transaction_count(self._account, "latest")
        known.nonces.observe(latest)
        is_any_waiting = still_open[-1].nonce >= latest
        situation = Situation(
            head=head.number,
            next_nonce=latest,
            started_at=head.number if self._started_at is None else self._started_at,
            base_fee=(await self._quotes.at(head)).base_fee if is_any_waiting else 0,
            is_disturbed=not is_undisturbed,
        )
        for entry in still_open:
            known.in_flight.put(await self._step(entry, situation, head))
        await self._fill(known, situation, head)

    async def _step(self, entry: Entry, situation: Situation, head: Head) -> Entry:
        step = next_step(entry, situation, self._policy.stuck_blocks)
        match step:
            case Step.LOOK:
                found, settled = await self._settlement.look(entry, head)
                if settled is not None:  # kept before it is written: a write may fail after it took
                    self._untold[entry.id] = settled
                return await self._record(entry, found)
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
        fee = bumped_fee(entry.newest.fee, await self._quotes.at(head), fees, cap)
        if fee is None:
            return entry if entry.newest.kind is not kind else await self._send(entry)
        return await self._send(await self._delivery.sign(entry, kind, fee, head.number))

    async def _fill(self, known: Known, situation: Situation, head: Head) -> None:
        """Uses nonces that the journal believed used and the chain does not.

        A stranger's transaction on which later nonces were built can be reorganised away; without
        this everything behind it would wait for ever.
        """
        still_open = known.in_flight.open()
        lowest = still_open[0] if still_open else None
        if lowest is None or lowest.nonce <= situation.next_nonce:
            return
        waited = situation.head - max(lowest.newest.block, situation.started_at)
        if waited < self._policy.stuck_blocks:
            return
        ours = {entry.nonce for entry in known.in_flight.mined()}
        for nonce in range(situation.next_nonce, lowest.nonce):
            if nonce not in ours:
                await self._fill_one(known, nonce, head)

    async def _fill_one(self, known: Known, nonce: int, head: Head) -> None:
        request = TransactionRequest(
            to=self._account,
            data=b"",
            gas_limit=TRANSFER_GAS,
            lane=Lane.HOUSEKEEPING,
            idempotency_key=f"nonce {nonce}",
            valid_until=head.number,
            purpose=f"uses nonce {nonce}, which nobody has used",
        )
        try:
            entry = await self._journal.reserve(request, nonce)
        except JournalConflict:  # one of ours was final there: the node is behind, or worse
            self.problem = f"nonce {nonce} is final in the journal and free on chain"
            return
        entry = await self._send(await self._sign_insistently(entry, head))
        known.in_flight.put(entry)

    async def _record(self, before: Entry, after: Entry) -> Entry:
        return after if after == before else await self._delivery.record(after)

    async def _sign_insistently(self, entry: Entry, head: Head) -> Entry:
        fee = insistent_fee(await self._quotes.at(head), self._policy.fees)
        return await self._delivery.sign(entry, wanted(entry, head.number), fee, head.number)

    async def _send(self, entry: Entry) -> Entry:
        entry, answer = await self._delivery.hand_over(entry)
        self.problem = answer.detail if entry.state is State.BROADCAST else None
        return entry

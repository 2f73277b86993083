"""Pushes everything in flight on by one head: looks, resends, replaces, withdraws.

What to do with an entry is decided in `attempt`; here it is done.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import assert_never

from fleet.transactions.attempt import (
    Entry,
    Kind,
    Situation,
    State,
    Step,
    next_step,
    wanted,
)
from fleet.transactions.delivery import Delivery
from fleet.transactions.fees import Fee, bumped_fee
from fleet.transactions.filling import Filler
from fleet.transactions.guard import SpendGuard
from fleet.transactions.in_flight import Known
from fleet.transactions.launch import payload_cap
from fleet.transactions.news import News
from fleet.transactions.policy import SenderPolicy
from fleet.transactions.quotes import Quotes
from fleet.transactions.recount import Recount
from fleet.transactions.rehearsal import Rehearsal, Rehearsed
from fleet.transactions.request import Lane
from fleet.transactions.settlement import Finding, Receipts, Settlement, mined_as
from fleet.transactions.signer import SigningFailed
from fleet.transactions.spending import Spend
from units import BlockNumber, Head

_GIVES_WAY = "it stood in the way of more urgent work"
_IS_DOUBLE = "another request works on the same"
_UNDOUBTED = Rehearsed(verdict="worth sending")


class Pursuit:
    """One key's entries, head after head.

    `problem` is the node's last word against an entry. An entry is worked on by one at a time:
    a head that is gone over, or urgent work that needs it out of its way.
    """

    def __init__(
        self,
        *,
        delivery: Delivery,
        settlement: Settlement,
        rehearsal: Rehearsal,
        recount: Recount,
        quotes: Quotes,
        guard: SpendGuard,
        filler: Filler,
        policy: SenderPolicy,
    ) -> None:
        self._delivery = delivery
        self._settlement = settlement
        self._rehearsal = rehearsal
        self._recount = recount
        self._quotes = quotes
        self._guard = guard
        self._filler = filler
        self._policy = policy
        self._started_at: BlockNumber | None = None
        self._doubtful: set[int] = set()
        self._owed: dict[Lane, Fee] = {}
        self._turns: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.news = News()
        self.problem: str | None = None

    async def go_over(self, known: Known, head: Head, *, is_undisturbed: bool) -> None:
        """All entries once. `is_undisturbed`: this head's parent is the head before."""
        started_at = head.number if self._started_at is None else self._started_at
        self._started_at = min(started_at, head.number)
        if not is_undisturbed:
            await self._confirm(known, known.in_flight.mined(), head)
        await self._advance(known, head, is_undisturbed=is_undisturbed)
        await self._clear_ways(known, head)
        await self._confirm_final(known, head)
        if known.nonces.is_held:
            await self._recount.resync(known.nonces, head)
        await self._filler.end_hold(known, head)
        self._forget_settled(known)

    async def make_way(self, known: Known, lane: Lane, fee: Fee, head: Head) -> None:
        """Sees to it that nothing less urgent, with a lower nonce, keeps `fee` from being mined.

        What a failure leaves undone is done at the next head.
        """
        for entry in known.in_flight.less_urgent(lane):
            async with self._turns[entry.id]:
                before = known.in_flight.still_open(entry)
                if before is not None:
                    after = await self._out_of_the_way(known, before, fee, head)
                    known.in_flight.put(after)

    def owe_way(self, lane: Lane, fee: Fee) -> None:
        """Makes way at the next head: it could not be done now."""
        self._owed[lane] = fee

    async def _clear_ways(self, known: Known, head: Head) -> None:
        for lane, fee in tuple(self._owed.items()):
            if any(entry.request.lane <= lane for entry in known.in_flight.open()):
                await self.make_way(known, lane, fee, head)
            self._owed.pop(lane, None)

    def doubt(self, entries: Iterable[Entry]) -> None:
        """What an earlier process left open is simulated anew before it is sent again."""
        self._doubtful |= {entry.id for entry in entries if entry.is_open}

    # --- what is mined ------------------------------------------------------------------------

    async def _confirm_final(self, known: Known, head: Head) -> None:
        mined = known.in_flight.mined()
        if not mined:
            return
        final = await self._settlement.final_block(head)
        old = [each for each in mined if each.inclusion and each.inclusion.block <= final]
        await self._confirm(known, old, head, final)

    async def _confirm(
        self,
        known: Known,
        mined: Sequence[Entry],
        head: Head,
        final: BlockNumber | None = None,
    ) -> None:
        if not mined:
            return
        if final is None:
            final = await self._settlement.final_block(head)
        receipts = await self._settlement.receipts(map(mined_as, mined))
        for entry in mined:
            found = await self._settlement.confirm(entry, receipts, final, head)
            if found.entry.is_open:
                self._doubtful.add(entry.id)
            known.in_flight.put(await self._record(entry, found))

    # --- what is in no block ------------------------------------------------------------------

    async def _advance(self, known: Known, head: Head, *, is_undisturbed: bool) -> None:
        """Entries in no block, lowest nonce first."""
        still_open = known.in_flight.open()
        if not still_open:
            return
        front = await self._recount.look(head)
        if front is None:  # whoever lags has no say: the next head will tell
            self.problem = f"no node has block {head.number} yet"
            return
        known.nonces.observe(front.nonce)
        is_any_waiting = still_open[-1].nonce >= front.nonce
        situation = Situation(
            head=head.number,
            next_nonce=front.nonce,
            started_at=head.number if self._started_at is None else self._started_at,
            in_front_since=front.since,
            base_fee=(await self._quotes.at(head)).base_fee if is_any_waiting else 0,
            is_disturbed=not is_undisturbed,
        )
        used = [entry for entry in still_open if entry.nonce < front.nonce]
        receipts = await self._settlement.receipts(each for one in used for each in one.attempts)
        for entry in still_open:
            async with self._turns[entry.id]:
                before = known.in_flight.still_open(entry)
                if before is not None:
                    after = await self._step(known, before, situation, receipts, head)
                    if after == before and known.in_flight.is_unwritten(before):
                        await self._delivery.record(after)
                    known.in_flight.put(after)
        await self._filler.fill_holes(known, situation, head)
        self.problem = self._filler.problem or self.problem

    async def _step(
        self, known: Known, entry: Entry, situation: Situation, receipts: Receipts, head: Head
    ) -> Entry:
        stuck = self._policy.stuck_blocks
        step, doubt = next_step(entry, situation, stuck), None
        if step in {Step.REPLACE, Step.RESEND}:
            judged = await self._judged(known, entry, head)
            if judged.verdict == "unknown":
                return entry
            doubt = judged.reason or None
            step = next_step(entry, situation, stuck, doubt)
        match step:
            case Step.LOOK:
                found = await self._settlement.look(entry, receipts, head)
                return await self._record(entry, found)
            case Step.REPLACE:
                return await self._replace(known, entry, wanted(entry, head.number, doubt), head)
            case Step.RESEND:
                return await self._send(entry)
            case Step.WAIT:
                return entry
            case _:
                assert_never(step)

    async def _judged(self, known: Known, entry: Entry, head: Head) -> Rehearsed:
        """Whether it may be sent again; asked at every head until it may or is withdrawn."""
        if entry.id not in self._doubtful or wanted(entry, head.number) is Kind.NOTHING:
            return _UNDOUBTED
        if known.in_flight.busy(entry.request.subjects, but=entry):
            return Rehearsed(verdict="pointless", reason=_IS_DOUBLE)
        judged = await self._rehearsal.run(entry.request, head.number)
        if judged.verdict == "worth sending":
            self._doubtful.discard(entry.id)
        return judged

    async def _replace(self, known: Known, entry: Entry, kind: Kind, head: Head) -> Entry:
        """Offers more for what is wanted now. Where the limits forbid it: the same again.

        Or nothing, when more urgent work waits behind it.
        """
        fee = await self._higher_fee(entry, kind, head)
        if fee is None and kind is Kind.PAYLOAD and known.in_flight.is_in_the_way(entry):
            kind = Kind.NOTHING
            fee = await self._higher_fee(entry, kind, head)
        if fee is None:
            return entry if entry.newest.kind is not kind else await self._send(entry)
        return await self._send_anew(entry, kind, fee, head)

    async def _higher_fee(
        self, entry: Entry, kind: Kind, head: Head, at_least: int = 0
    ) -> Fee | None:
        fees, quote = self._policy.fees, await self._quotes.at(head)
        quote = replace(quote, gas_price=max(quote.gas_price, at_least))
        cap = payload_cap(entry.request, self._policy) if kind is Kind.PAYLOAD else fees.ceiling
        fee = bumped_fee(entry.newest.fee, quote, fees, cap)
        return None if fee is None or fee.max_fee < at_least else fee

    async def _out_of_the_way(self, known: Known, entry: Entry, fee: Fee, head: Head) -> Entry:
        """Offers what the urgent one offers; in doubt or where its limits forbid that: nothing."""
        judged = await self._judged(known, entry, head)
        best = wanted(entry, head.number, judged.reason or None)
        if entry.newest.kind is best and entry.newest.fee.max_fee >= fee.max_fee:
            return entry if entry.state is State.SEEN else await self._send(entry)
        for kind in (best, wanted(entry, head.number, _GIVES_WAY)):
            higher = await self._higher_fee(entry, kind, head, at_least=fee.max_fee)
            if higher is not None:
                return await self._send_anew(entry, kind, higher, head)
        return entry if entry.newest.kind is not best else await self._send(entry)

    # --- writing and sending ------------------------------------------------------------------

    async def _record(self, before: Entry, found: Finding) -> Entry:
        """Kept before it is written, for a write may fail after it took effect."""
        if found.settled is not None:
            self.news.settled(before.id, found.settled)
        after = found.entry
        if found.spend is not None and after.state is State.FINAL:
            after = await self._conclude(after, found.spend)
        else:
            after = after if after == before else await self._delivery.record(after)
            self._guard.expect(after.id, found.spend)
            if found.spend is not None:
                await self._guard.enforce(found.spend.time)
        if found.included is not None:
            self.news.included(found.included)
        return after

    async def _conclude(self, entry: Entry, spend: Spend) -> Entry:
        stop = self._guard.would_stop(spend)
        entry = await self._delivery.conclude(entry, spend, stop)
        self._guard.expect(entry.id, None)
        self._guard.book(spend)
        return entry

    async def _send_anew(self, entry: Entry, kind: Kind, fee: Fee, head: Head) -> Entry:
        """Signed once more and sent; as it was where nobody signs now, to be tried at the next."""
        try:
            entry = await self._delivery.sign(entry, kind, fee, head.number)
        except SigningFailed as error:
            self.problem = f"not signed: {error}"
            return entry
        return await self._send(entry)

    async def _send(self, entry: Entry) -> Entry:
        after, answer = await self._delivery.hand_over(entry)
        self.problem = answer.detail if after.state is State.BROADCAST else None
        return after if after == entry else await self._delivery.record(after)

    def _forget_settled(self, known: Known) -> None:
        """Locks and doubts of entries that have left."""
        here = {entry.id for entry in known.in_flight.all()}
        self._doubtful &= here
        for gone in [each for each in self._turns if each not in here]:
            del self._turns[gone]

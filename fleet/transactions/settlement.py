"""Reads what became of entries: in a block, taken back, final, or taken by a stranger.

Gives findings, and neither writes nor sends anything.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fleet.transactions import attempt
from fleet.transactions.attempt import Attempt, Ending, Entry, Inclusion, Kind
from fleet.transactions.chain import Chain, Receipt
from fleet.transactions.policy import Finality, SenderPolicy
from fleet.transactions.rehearsal import Judge, Rehearsal
from fleet.transactions.request import (
    Expired,
    Final,
    Included,
    Outcome,
    Reverted,
    Settled,
    Superseded,
)
from fleet.transactions.spending import Spend
from units import Address, BlockNumber, Head, TxHash

Receipts = Mapping[TxHash, Receipt]
"""By the hash that was asked for; one that is missing is in no block that was indexed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An entry as the chain now has it, what is to be told of it, and what it cost.

    A cost is for good when the entry is final.
    """

    entry: Entry
    included: Included | None = None
    settled: Settled | None = None
    spend: Spend | None = None


class Settlement:
    """Findings about one key's entries at one head after another."""

    def __init__(
        self,
        *,
        chain: Chain,
        account: Address,
        rehearsal: Rehearsal,
        judge: Judge,
        policy: SenderPolicy,
    ) -> None:
        self._chain = chain
        self._account = account
        self._rehearsal = rehearsal
        self._judge = judge
        self._policy = policy

    async def final_block(self, head: Head) -> BlockNumber:
        """Blocks up to this one will not be reorganised away."""
        deep = BlockNumber(max(head.number - self._policy.confirmations, 0))
        if self._policy.finality is Finality.DEPTH:
            return deep
        finalized = await self._chain.finalized()
        # Who calls a block final that is above the head is not to be believed.
        return deep if finalized is None or finalized.number > head.number else finalized.number

    async def receipts(self, attempts: Iterable[Attempt]) -> Receipts:
        """The receipts that there are, asked for all at once."""
        hashes = [each.tx_hash for each in attempts]
        found = await self._chain.receipts(hashes) if hashes else ()
        return {each.tx_hash: each for each in found if each is not None}

    async def look(self, entry: Entry, receipts: Receipts, head: Head) -> Finding:
        """Finds out who used an open entry's nonce; unchanged when that can't be told yet."""
        for each in reversed(entry.attempts):
            receipt = receipts.get(each.tx_hash)
            if receipt is not None:
                found = attempt.mined(entry, _inclusion(receipt))
                return Finding(
                    entry=found,
                    included=_included(found, each, receipt),
                    spend=self._spend(entry, each, receipt, head),
                )
        if not await self._is_a_stranger_s(entry, head):
            return Finding(entry=entry)
        found = attempt.superseded(entry)
        return Finding(entry=found, settled=_settled(found, found.newest, Superseded()))

    async def confirm(
        self, entry: Entry, receipts: Receipts, final: BlockNumber, head: Head
    ) -> Finding:
        """What a mined entry's newest receipt says: final, still there, elsewhere, or gone.

        What it cost is booked at the head's time, which is at most finality's lag later.
        """
        which = mined_as(entry)
        receipt = receipts.get(which.tx_hash)
        if receipt is None:
            return Finding(entry=attempt.unmined(entry))
        spend = self._spend(entry, which, receipt, head)
        if receipt.block > final:
            return Finding(entry=attempt.mined(entry, _inclusion(receipt)), spend=spend)
        ending, outcome = await self._outcome(entry, which, receipt)
        report = self._judge.report(entry.request, outcome)
        found = attempt.final(entry, _inclusion(receipt), ending, report)
        return Finding(entry=found, settled=_settled(found, which, outcome), spend=spend)

    def _spend(self, entry: Entry, which: Attempt, receipt: Receipt, head: Head) -> Spend:
        is_done = which.kind is Kind.PAYLOAD and receipt.succeeded
        return Spend(
            nonce=entry.nonce,
            lane=entry.request.lane,
            fee=receipt.fee,
            time=head.time,
            had_effect=is_done and self._judge.had_effect(entry.request, receipt.logs),
        )

    async def _outcome(
        self, entry: Entry, which: Attempt, receipt: Receipt
    ) -> tuple[Ending, Outcome]:
        if which.kind is Kind.NOTHING:
            return Ending.EXPIRED, Expired(reason=_why_withdrawn(entry, which))
        if receipt.succeeded:
            outcome = Final(
                block=receipt.block,
                gas_used=receipt.gas_used,
                fee=receipt.fee,
                logs=receipt.logs,
            )
            return Ending.SUCCEEDED, outcome
        reason = await self._why(entry, receipt)
        return Ending.REVERTED, Reverted(
            block=receipt.block, gas_used=receipt.gas_used, fee=receipt.fee, reason=reason
        )

    async def _why(self, entry: Entry, receipt: Receipt) -> str:
        """Runs it again on the state before its block, then after: a receipt has no reason."""
        request = entry.request
        if receipt.gas_used >= request.gas_limit:
            return f"out of gas: all of its {request.gas_limit} were used"
        for block in (BlockNumber(receipt.block - 1), receipt.block):
            reason = await self._rehearsal.why_it_reverts(request, block)
            if reason is not None:
                return reason
        return "reverted for a reason that does not show before or after its block"

    async def _is_a_stranger_s(self, entry: Entry, head: Head) -> bool:
        """Was the nonce used, for good, by a transaction that we did not sign?

        No receipt is no proof: a node may index blocks later than it counts nonces. So the
        transaction that used the nonce is looked for by name.
        """
        final = await self.final_block(head)
        count = await self._chain.count_at(self._account, final)
        if count is None or count <= entry.nonce:
            return False
        before = BlockNumber(max(entry.attempts[0].block - 1, 0))
        spender = await self._chain.spender_of(self._account, entry.nonce, after=before, by=final)
        if spender is None:
            return head.number - entry.newest.block > self._policy.mystery_blocks
        return all(spender != each.tx_hash for each in entry.attempts)


def _included(entry: Entry, which: Attempt, receipt: Receipt) -> Included | None:
    """News of a request; a replacement that does nothing is none."""
    if which.kind is Kind.NOTHING:
        return None
    return Included(
        request=entry.request,
        tx_hash=which.tx_hash,
        block=receipt.block,
        succeeded=receipt.succeeded,
        logs=receipt.logs,
    )


def _inclusion(receipt: Receipt) -> Inclusion:
    return Inclusion(tx_hash=receipt.tx_hash, block=receipt.block, block_hash=receipt.block_hash)


def mined_as(entry: Entry) -> Attempt:
    """The attempt of a mined entry that stands in a block."""
    assert entry.inclusion is not None, "a mined entry has a block"
    tx_hash = entry.inclusion.tx_hash
    return next(each for each in entry.attempts if each.tx_hash == tx_hash)


def _why_withdrawn(entry: Entry, nothing: Attempt) -> str:
    """From when it was signed: the journal keeps no words."""
    if nothing.block >= entry.request.valid_until:
        return Expired().reason
    return "withdrawn: it would not have done anything any more, or stood in the way"


def _settled(entry: Entry, which: Attempt, outcome: Outcome) -> Settled:
    return Settled(request=entry.request, tx_hash=which.tx_hash, outcome=outcome)

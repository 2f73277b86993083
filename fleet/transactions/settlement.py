"""Reads what became of entries: mined, reverted, reorganised away, final, or taken by a stranger.

Gives findings, and neither writes nor sends anything.
"""

from collections.abc import Callable
from dataclasses import replace

from fleet.transactions import attempt
from fleet.transactions.attempt import Attempt, Ending, Entry, Inclusion, Kind, State
from fleet.transactions.chain import Chain, Receipt
from fleet.transactions.policy import SenderPolicy
from fleet.transactions.request import Expired, Mined, Outcome, Reverted, Settled, Superseded
from units import Address, BlockNumber, Head


class Settlement:
    """Findings about one key's entries at one head after another."""

    def __init__(
        self,
        *,
        chain: Chain,
        account: Address,
        decode_revert: Callable[[bytes], str],
        policy: SenderPolicy,
    ) -> None:
        self._chain = chain
        self._account = account
        self._decode_revert = decode_revert
        self._policy = policy

    async def final_block(self, head: Head) -> BlockNumber:
        """Blocks up to this one will not be reorganised away."""
        finalized = await self._chain.finalized()
        depth = self._policy.confirmations
        return BlockNumber(head.number - depth) if finalized is None else finalized.number

    async def look(self, entry: Entry, head: Head) -> tuple[Entry, Settled | None]:
        """Finds out who used an entry's nonce; unchanged when that can't be told yet.

        The outcome comes once: not again after a reorganisation.
        """
        for each in reversed(entry.attempts):
            receipt = await self._chain.receipt(each.tx_hash)
            if receipt is not None:
                return await self._included(entry, each, receipt)
        if not await self._is_a_stranger_s(entry, head):
            return entry, None
        found = attempt.superseded(entry)
        report = _settled(found, found.newest, Superseded())
        return found, report if entry.ending is None else None

    async def confirm(self, entry: Entry, final: BlockNumber) -> Entry:
        """Reads a mined entry's receipt again: final, still there, elsewhere, or gone."""
        inclusion = _included_in(entry)
        receipt = await self._chain.receipt(inclusion.tx_hash)
        if receipt is None:
            return attempt.unmined(entry)
        found = Inclusion(
            tx_hash=receipt.tx_hash, block=receipt.block, block_hash=receipt.block_hash
        )
        if found.block <= final:
            return replace(attempt.moved(entry, State.FINAL), inclusion=found)
        return replace(entry, inclusion=found)

    async def _included(
        self, entry: Entry, which: Attempt, receipt: Receipt
    ) -> tuple[Entry, Settled | None]:
        inclusion = Inclusion(
            tx_hash=which.tx_hash, block=receipt.block, block_hash=receipt.block_hash
        )
        ending, outcome = await self._outcome(entry, which, receipt)
        found = attempt.mined(entry, inclusion, ending)
        return found, _settled(found, which, outcome) if entry.ending is None else None

    async def _outcome(
        self, entry: Entry, which: Attempt, receipt: Receipt
    ) -> tuple[Ending, Outcome]:
        if which.kind is Kind.NOTHING:
            return Ending.EXPIRED, Expired()
        if receipt.succeeded:
            outcome = Mined(
                block=receipt.block,
                gas_used=receipt.gas_used,
                fee=receipt.fee,
                logs=receipt.logs,
            )
            return Ending.MINED, outcome
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
            found = await self._chain.simulate(
                sender=self._account,
                to=request.to,
                data=request.data,
                value=request.value,
                gas=request.gas_limit,
                block=block,
            )
            if found.outcome == "reverts":
                return self._decode_revert(found.data) if found.data else found.detail
        return "reverted for a reason that does not show before or after its block"

    async def _is_a_stranger_s(self, entry: Entry, head: Head) -> bool:
        """Was the nonce used, for good, by a transaction that we did not sign?

        No receipt is no proof: a node may index blocks later than it counts nonces. So the
        transaction that used the nonce is looked for by name.
        """
        final = await self.final_block(head)
        if await self._chain.transaction_count(self._account, final) <= entry.nonce:
            return False
        before = BlockNumber(entry.attempts[0].block - 1)
        spender = await self._chain.spender_of(self._account, entry.nonce, after=before, by=final)
        if spender is None:
            return head.number - entry.newest.block > self._policy.mystery_blocks
        return all(spender != each.tx_hash for each in entry.attempts)


def _settled(entry: Entry, which: Attempt, outcome: Outcome) -> Settled:
    return Settled(request=entry.request, tx_hash=which.tx_hash, outcome=outcome)


def _included_in(entry: Entry) -> Inclusion:
    assert entry.inclusion is not None, "a mined entry has a block"
    return entry.inclusion

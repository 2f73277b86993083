"""Uses nonces for nothing where nobody else will, so that what stands behind them can go on.

Holes: a stranger's transaction on which later nonces were built can be reorganised away. Strangers:
one that lies in the pool and is never mined, because it offers too little, would hold the key for
ever.
"""

from fleet.transactions.attempt import Kind, Situation, reserved
from fleet.transactions.delivery import TRANSFER_GAS, Delivery
from fleet.transactions.fees import insistent_fee
from fleet.transactions.in_flight import Known
from fleet.transactions.journal import JournalConflict
from fleet.transactions.nonces import Nonces
from fleet.transactions.policy import SenderPolicy
from fleet.transactions.quotes import Quotes
from fleet.transactions.request import Lane, TransactionRequest
from fleet.transactions.signer import SigningFailed
from units import Address, BlockNumber, Head


class Filler:
    """One key's. `problem`: why a nonce can't be filled."""

    def __init__(
        self,
        *,
        delivery: Delivery,
        quotes: Quotes,
        account: Address,
        policy: SenderPolicy,
    ) -> None:
        self._delivery = delivery
        self._quotes = quotes
        self._account = account
        self._policy = policy
        self._held_by: tuple[int, BlockNumber] | None = None
        self.problem: str | None = None

    async def fill_holes(self, known: Known, situation: Situation, head: Head) -> None:
        """Uses nonces that the journal believed used and the chain does not."""
        self.problem = None
        still_open = known.in_flight.open()
        if not still_open:
            return
        lowest = still_open[0]
        waited = situation.head - max(situation.in_front_since, lowest.attempts[0].block)
        if waited < self._policy.stuck_blocks:
            return
        ours = {entry.nonce for entry in known.in_flight.mined()}
        for nonce in range(situation.next_nonce, lowest.nonce):
            if nonce not in ours:
                try:
                    await self._fill(known, nonce, head)
                except SigningFailed as error:
                    self.problem = f"not signed: {error}"
                    return

    async def end_hold(self, known: Known, head: Head) -> None:
        """Puts nothing in the place of strangers that are not mined for long."""
        strangers = known.nonces.strangers
        if not known.nonces.is_held or not strangers:
            self._held_by = None
            return
        since = head.number
        if self._held_by is not None and self._held_by[0] == strangers[0]:
            since = min(since, self._held_by[1])
        self._held_by = strangers[0], since
        if head.number - since >= self._policy.hold_blocks_max:
            await self._replace(known, known.nonces, strangers, head)

    async def _replace(self, known: Known, nonces: Nonces, strangers: range, head: Head) -> None:
        for nonce in strangers:
            if nonces.next == nonce:  # a reorganisation may have lowered it meanwhile
                try:
                    await self._fill(known, nonces.take(), head)
                except SigningFailed as error:
                    nonces.give_back(nonce)
                    self.problem = f"not signed: {error}"
                    return

    async def _fill(self, known: Known, nonce: int, head: Head) -> None:
        request = TransactionRequest(
            to=self._account,
            data=b"",
            gas_limit=TRANSFER_GAS,
            lane=Lane.HOUSEKEEPING,
            idempotency_key=f"nonce {nonce}",
            valid_until=head.number,
            purpose=f"uses nonce {nonce}, which nobody has used",
        )
        fee = insistent_fee(await self._quotes.at(head), self._policy.fees)
        entry = reserved(request, nonce)
        try:
            entry = await self._delivery.sign(entry, Kind.NOTHING, fee, head.number)
        except JournalConflict:  # one of ours was final there: the node is behind, or worse
            self.problem = f"nonce {nonce} is final in the journal and free on chain"
            return
        entry, _ = await self._delivery.hand_over(entry)
        known.in_flight.put_unwritten(entry)

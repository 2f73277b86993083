"""Signs and hands over: the only path from a request to a node, with the journal before each step.

Knows one entry at a time; which one, and at what fee, is decided elsewhere.
"""

import asyncio

from fleet.transactions.attempt import Attempt, Entry, Kind, State, moved, signed
from fleet.transactions.chain import Broadcast, Chain
from fleet.transactions.envelope import Unsigned
from fleet.transactions.fees import Fee
from fleet.transactions.journal import Journal
from fleet.transactions.signer import Signer
from fleet.transactions.spending import Spend
from units import BlockNumber, Wei

TRANSFER_GAS = 21_000
"""What a transfer of nothing costs."""

_TURNS_TO_ASK = 2
"""Of the event loop, in which the question leaves that rehearses it: the node works on it while
the record is made and the disk is waited for."""


class Delivery:
    """Bytes reach a node only after the journal has them."""

    def __init__(self, *, chain: Chain, signer: Signer, journal: Journal, chain_id: int) -> None:
        self._chain = chain
        self._signer = signer
        self._journal = journal
        self._chain_id = chain_id

    async def sign(self, entry: Entry, kind: Kind, fee: Fee, head: BlockNumber) -> Entry:
        """One more attempt for this nonce, signed and in the journal, not yet sent.

        Raises:
            JournalConflict: it is the first one, and the nonce or the work is another entry's.
        """
        result = await self._signer.sign(self._unsigned(entry, kind, fee))
        attempt = Attempt(tx_hash=result.tx_hash, raw=result.raw, fee=fee, kind=kind, block=head)
        after = signed(entry, attempt)
        if entry.attempts:
            return await self.record(after)
        for _ in range(_TURNS_TO_ASK):
            await asyncio.sleep(0)
        return await self._journal.enter(after)

    async def hand_over(self, entry: Entry) -> tuple[Entry, Broadcast]:
        """Sends the newest bytes; the entry as the answer makes it, which is not written yet.

        Signed bytes count as sent, so a crash before it is written loses nothing.
        """
        answer = await self._chain.send_raw(entry.newest.raw)
        state = State.SEEN if answer.verdict in {"accepted", "already known"} else State.BROADCAST
        return entry if state is entry.state else moved(entry, state), answer

    async def release(self, entry: Entry) -> Entry:
        """Gives its nonce back: nothing of it is with any node."""
        return await self.record(moved(entry, State.RELEASED))

    async def withdraw(self, entry: Entry) -> None:
        """Gives its nonce back: its bytes never left."""
        await self._journal.withdraw(entry)

    async def record(self, entry: Entry) -> Entry:
        """Writes the entry's state, and gives it back."""
        await self._journal.save(entry)
        return entry

    async def conclude(self, entry: Entry, spend: Spend, stop: str | None) -> Entry:
        """Writes the entry's end and what it cost, and gives it back."""
        await self._journal.conclude(entry, spend, stop)
        return entry

    def _unsigned(self, entry: Entry, kind: Kind, fee: Fee) -> Unsigned:
        request, is_payload = entry.request, kind is Kind.PAYLOAD
        return Unsigned(
            chain_id=self._chain_id,
            nonce=entry.nonce,
            to=request.to if is_payload else self._signer.address,
            data=request.data if is_payload else b"",
            value=request.value if is_payload else Wei(0),
            gas_limit=request.gas_limit if is_payload else TRANSFER_GAS,
            fee=fee,
        )

"""The first sending of a request: what each answer of a node means while nothing is out yet.

Only here can a nonce still be given back. A refusal alone is no proof that the node has nothing:
a gateway may have passed the bytes on and answered with somebody else's no. So before a nonce is
given back the node is asked whether it knows the hash.

The request is rehearsed while its bytes are made and written: the disk and the node are waited for
at the same time. Nothing leaves before both are done.
"""

import asyncio

from fleet.transactions.attempt import Entry, Kind, reserved
from fleet.transactions.chain import Broadcast, Chain
from fleet.transactions.delivery import Delivery
from fleet.transactions.fees import Fee, Quoted, bumped_fee, first_fee, gas_price_cap
from fleet.transactions.in_flight import Known
from fleet.transactions.nonces import Nonces
from fleet.transactions.policy import SenderPolicy
from fleet.transactions.quotes import Quotes
from fleet.transactions.recount import Recount
from fleet.transactions.rehearsal import Rehearsed
from fleet.transactions.request import Refused, TransactionRequest
from fleet.transactions.signer import SigningFailed
from units import Head

_STRANGER = "a transaction of this key that the journal does not know is in flight or not final"
_OUT = frozenset({"accepted", "already known", "uncertain", "nonce too high"})
"""Answers after which the bytes may be on their way, or will be once those before them are."""
_COUNTED_WRONG = frozenset({"nonce too low", "replacement underpriced"})
"""Answers that say somebody else has used the nonce, in a block or in the pool."""


class Launch:
    """Sends new requests of one key, one at a time."""

    def __init__(
        self,
        *,
        chain: Chain,
        delivery: Delivery,
        quotes: Quotes,
        recount: Recount,
        policy: SenderPolicy,
    ) -> None:
        self._chain = chain
        self._delivery = delivery
        self._quotes = quotes
        self._recount = recount
        self._policy = policy

    async def launch(
        self,
        request: TransactionRequest,
        rehearsal: asyncio.Task[Rehearsed],
        quote: Quoted,
        head: Head,
        known: Known,
    ) -> Entry | Refused:
        """Takes a nonce, signs, journals and hands over; tries again where that can help."""
        nonces = known.nonces
        cap = payload_cap(request, self._policy)
        fee = first_fee(quote, self._policy.fees, cap)
        reason = f"gas costs {quote.base_fee} wei, the limit is {cap}"
        for _ in range(self._policy.attempts_max):
            if fee is None or nonces.is_held:
                break
            signed = await self._prepared(request, rehearsal, fee, head, nonces)
            if isinstance(signed, Refused):
                return signed
            entry, answer = await self._delivery.hand_over(signed)
            if await self._is_out(entry, answer):
                known.in_flight.put_unwritten(entry)
                return entry
            await self._release(entry, answer, nonces)
            reason = f"the node refused it: {answer.detail}"
            fee = await self._next_fee(fee, answer, cap)
        return Refused(reason=_STRANGER if nonces.is_held else reason)

    async def _prepared(
        self,
        request: TransactionRequest,
        rehearsal: asyncio.Task[Rehearsed],
        fee: Fee,
        head: Head,
        nonces: Nonces,
    ) -> Entry | Refused:
        """Signed and in the journal, once it is known to be worth sending."""
        if rehearsal.done() and (refusal := rehearsal.result().refusal) is not None:
            return refusal
        entry = reserved(request, nonces.take())
        try:
            entry = await self._delivery.sign(entry, Kind.PAYLOAD, fee, head.number)
        except SigningFailed as error:
            nonces.give_back(entry.nonce)
            return Refused(reason=f"not signed: {error}")
        refusal = (await rehearsal).refusal
        if refusal is None:
            return entry
        await self._delivery.withdraw(entry)
        nonces.give_back(entry.nonce)
        return refusal

    async def _is_out(self, entry: Entry, answer: Broadcast) -> bool:
        return answer.verdict in _OUT or await self._chain.knows(entry.newest.tx_hash)

    async def _release(self, entry: Entry, answer: Broadcast, nonces: Nonces) -> None:
        await self._delivery.release(entry)
        nonces.give_back(entry.nonce)
        if answer.verdict in _COUNTED_WRONG:
            await self._recount.resync(nonces, await self._chain.head())

    async def _next_fee(self, fee: Fee, answer: Broadcast, cap: int) -> Fee | None:
        """The offer of the next try; None when another try would end the same."""
        if answer.verdict in _COUNTED_WRONG:
            return fee
        if answer.verdict != "fee too low":
            return None
        return bumped_fee(fee, await self._quotes.again(), self._policy.fees, cap)


def payload_cap(request: TransactionRequest, policy: SenderPolicy) -> int:
    """The highest fee per gas that may be offered for a request."""
    ceiling = policy.fees.payload_ceiling
    return gas_price_cap(request.spend_limit, request.gas_limit, ceiling)

"""A sender in memory: a journal of requests by their work, without keys, nonces or a chain."""

from collections.abc import Iterable

from fleet.transactions.request import (
    AlreadyInFlight,
    Refused,
    Submission,
    Submitted,
    TransactionRequest,
)
from units import TxHash, Wei


class FakeSender:
    """`protocol.sending.Sender`: takes every piece of work once, refuses from `room` on.

    `taken` are subjects that somebody works on, `hidden` those of which that shows only when a
    request is submitted.
    """

    def __init__(self, *, room: int = 1_000) -> None:
        self.requests: list[TransactionRequest] = []
        self.asked = 0
        self.taken: set[str] = set()
        self.hidden: set[str] = set()
        self._room = room

    async def submit(self, request: TransactionRequest) -> Submission:
        self.asked += 1
        keys = [known.idempotency_key for known in self.requests]
        if request.idempotency_key in keys:
            return AlreadyInFlight(tx_hash=tx_hash(keys.index(request.idempotency_key)))
        busy = frozenset(request.subjects) & (self.taken | self.hidden)
        if busy:
            return Refused(reason="in flight", busy=busy)
        if len(keys) >= self._room:
            return Refused(reason="too many in flight")
        self.requests.append(request)
        return Submitted(tx_hash=tx_hash(len(keys)), nonce=len(keys))

    def busy(self, subjects: Iterable[str]) -> frozenset[str]:
        return frozenset(self.taken.intersection(subjects))

    async def gas_price(self) -> Wei:
        return Wei(20 * 10**9)


def tx_hash(number: int) -> TxHash:
    return TxHash(f"0x{number:064x}")

"""Asks the chain how many transactions a key has sent by the end of a block."""

from fleet.transactions.chain import Chain
from fleet.transactions.front import Front, advanced
from fleet.transactions.nonces import Counts, Nonces
from fleet.transactions.settlement import Settlement
from units import Address, Head


class Recount:
    """One key's counts."""

    def __init__(self, *, chain: Chain, settlement: Settlement, account: Address) -> None:
        self._chain = chain
        self._settlement = settlement
        self._account = account
        self._front: Front | None = None

    async def begin(self, journal: int, head: Head) -> Nonces:
        """The counter of a journal whose highest nonce is one below `journal`."""
        found = await self._counts(head, wants_final=False)
        if found.latest > journal:
            found = await self._counts(head, wants_final=True)
        return Nonces(journal=journal, counts=found)

    async def resync(self, nonces: Nonces, head: Head) -> None:
        """Lets a counter learn the chain's counts."""
        nonces.resync(await self._counts(head, wants_final=nonces.is_behind))

    async def look(self, head: Head) -> Front | None:
        """Which nonce is next at this head; None: no node that counts has that block."""
        count = await self._chain.count_at(self._account, head.number)
        return None if count is None else self._moved(count, head)

    async def _counts(self, head: Head, *, wants_final: bool) -> Counts:
        found = await self._chain.nonces(self._account, head.number)
        front = self._moved(found.latest, head)
        pending = max(front.nonce, found.pending)
        if not wants_final:
            return Counts(latest=front.nonce, pending=pending, final=None)
        final = await self._settlement.final_block(head)
        count = await self._chain.count_at(self._account, final)
        return Counts(latest=front.nonce, pending=pending, final=count)

    def _moved(self, count: int, head: Head) -> Front:
        self._front = front = advanced(self._front, count, head.number)
        return front

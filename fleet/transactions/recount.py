"""Asks the chain how many transactions a key has sent."""

from fleet.transactions.chain import Chain
from fleet.transactions.nonces import Counts, Nonces
from fleet.transactions.settlement import Settlement
from units import Address, Head


class Recount:
    """One key's counts."""

    def __init__(self, *, chain: Chain, settlement: Settlement, account: Address) -> None:
        self._chain = chain
        self._settlement = settlement
        self._account = account

    async def begin(self, journal: int, head: Head) -> Nonces:
        """The counter of a journal whose highest nonce is one below `journal`."""
        found = await self._counts(head, wants_final=False)
        if found.latest > journal:
            found = await self._counts(head, wants_final=True)
        return Nonces(journal=journal, counts=found)

    async def resync(self, nonces: Nonces, head: Head) -> None:
        """Lets a counter learn the chain's counts."""
        nonces.resync(await self._counts(head, wants_final=nonces.is_behind))

    async def _counts(self, head: Head, *, wants_final: bool) -> Counts:
        """The pool's first: it can only grow less by what is mined then."""
        pending = await self._chain.transaction_count(self._account, "pending")
        latest = await self._chain.transaction_count(self._account, "latest")
        if not wants_final:
            return Counts(latest=latest, pending=pending, final=None)
        block = await self._settlement.final_block(head)
        final = await self._chain.transaction_count(self._account, block)
        return Counts(latest=latest, pending=pending, final=final)

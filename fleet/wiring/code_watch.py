"""Sees to it that the fleet acts only on code that was accepted.

What is seen first is accepted, unless the settings pin another hash; a change, or a proxy that
points elsewhere, closes every lane until `keepers accept-code`. All of it is read at one block, so
that operators can agree on it: one node's word would be accepted, and then close every lane. Until
the code could be read once, nothing is sent; later a node that does not answer changes nothing.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Protocol

import structlog
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from sqlalchemy.exc import SQLAlchemyError

from fleet.chain.failures import ChainError
from fleet.runtime.clock import Clock
from fleet.runtime.loop import describe
from fleet.settings import ContractsSettings
from fleet.store.code_pins import Code, CodePin, keep_pin, read_pins
from fleet.store.engine import Database
from fleet.transactions.request import Refused, Submission, TransactionRequest
from fleet.wiring.code_judgement import CodeFacts, CodeVerdict, hash_of, judged
from fleet.wiring.troubles import Episodes, Trouble
from protocol.sending import Sender
from units import Address, BlockHash, BlockNumber, Head, Wei

EVERY_BLOCKS = 5
"""A minute: how long a change may go unseen."""

IMPLEMENTATION = int.from_bytes(keccak(text="eip1967.proxy.implementation"), "big") - 1
"""The slot in which a proxy keeps where it points (EIP-1967)."""

_REMEDY = "nothing is sent until somebody has looked and run: keepers accept-code"

_log = structlog.stdlib.get_logger("fleet")


class CodeReads(Protocol):
    """What is asked of a node; `fleet.chain.node.Node` is one. Raises ChainError."""

    async def head(self) -> Head:
        """The latest block."""
        ...

    async def code(self, account: Address, block: BlockNumber) -> bytes:
        """A contract's code at a block; empty when there is none."""
        ...

    async def storage(self, account: Address, slot: int, block: BlockNumber) -> bytes:
        """The 32 bytes of one slot at a block."""
        ...


class CodeWatch:
    """The contracts of one exchange. `opened` gives the store with what was accepted."""

    def __init__(
        self,
        *,
        node: CodeReads,
        contracts: ContractsSettings,
        opened: Callable[[], Awaitable[Database]],
        clock: Clock,
    ) -> None:
        self._node = node
        self._contracts = contracts
        self._opened = opened
        self._clock = clock
        self._episodes = Episodes(opened)
        self._looked_at: BlockNumber | None = None
        self._troubles: tuple[Trouble, ...] | None = None

    async def look(self, head: Head) -> None:
        """Compares when it is time to, and tells people of a change; raises StoreError.

        What can't be read now must not cost the outcomes that the step has settled: the next one
        looks again.
        """
        looked_at = self._looked_at
        if looked_at is not None and abs(head.number - looked_at) < EVERY_BLOCKS:
            return
        try:
            await self._compare(head.number)
        except (ChainError, SQLAlchemyError) as error:
            _log.warning("code_unread", reason=describe(error))
            return
        self._looked_at = head.number
        await self._episodes.tell(self._troubles or (), head.number, head.time)

    async def refusal(self) -> str | None:
        """Why nothing may be sent now; None when something may. Raises ChainError, StoreError."""
        if self._troubles is None:
            await self._compare((await self._node.head()).number)
        assert self._troubles is not None, "compared"
        return f"{self._troubles[0].title}: {_REMEDY}" if self._troubles else None

    async def facts(self, block: BlockNumber | None = None) -> tuple[CodeFacts, ...]:
        """Every contract, compared at one block, the latest by default.

        Raises ChainError, StoreError.
        """
        if block is None:
            block = (await self._node.head()).number
        accepted = await read_pins(await self._opened())
        return tuple(
            [
                judged(name, at, await self._read(at, block), accepted.get((name, at)), pinned)
                for name, at, pinned in self._addresses()
            ]
        )

    async def accept(self, facts: Iterable[CodeFacts]) -> None:
        """From now on the code that these found is the accepted one; raises StoreError."""
        database, now = await self._opened(), self._clock.now()
        for each in facts:
            pin = CodePin(name=each.name, address=each.address, code=each.found)
            await keep_pin(database, pin, now)

    async def _compare(self, block: BlockNumber) -> None:
        found = await self.facts(block)
        new = [each for each in found if each.verdict is CodeVerdict.FIRST_SEEN]
        await self.accept(new)
        for each in new:
            _log.info("code_accepted", contract=each.name, code_hash=each.found.code_hash)
        self._troubles = tuple(_trouble(each) for each in found if each.trouble is not None)

    async def _read(self, at: Address, block: BlockNumber) -> Code:
        code = await self._node.code(at, block)
        target = (await self._node.storage(at, IMPLEMENTATION, block))[-20:] if code else b""
        if not any(target):
            return Code(code_hash=hash_of(code))
        implementation = Address(to_checksum_address(target))
        return Code(
            code_hash=hash_of(code),
            implementation=implementation,
            implementation_hash=hash_of(await self._node.code(implementation, block)),
        )

    def _addresses(self) -> Iterator[tuple[str, Address, BlockHash | None]]:
        for name in ("exchange", "price_feed", "keeper_router"):
            address = getattr(self._contracts, name)
            pinned = getattr(self._contracts.code_hashes, name)
            if address is not None:
                yield name, Address(address), None if pinned is None else BlockHash(pinned)


class Gate:
    """A sender (`protocol.sending.Sender`) for as long as the code is the accepted one."""

    def __init__(self, sender: Sender, watch: CodeWatch) -> None:
        self._sender = sender
        self._watch = watch

    async def submit(self, request: TransactionRequest) -> Submission:
        """See the port."""
        reason = await self._watch.refusal()
        return await self._sender.submit(request) if reason is None else Refused(reason=reason)

    def busy(self, subjects: Iterable[str]) -> frozenset[str]:
        """See the port."""
        return self._sender.busy(subjects)

    async def gas_price(self) -> Wei | Refused:
        """See the port."""
        return await self._sender.gas_price()


def _trouble(facts: CodeFacts) -> Trouble:
    found, title = facts.found, facts.trouble or ""
    parts = (found.code_hash, found.implementation, found.implementation_hash)
    named = "-".join(part for part in parts if part is not None)
    return Trouble(
        id=f"code-{facts.name}-{keccak(text=named).hex()[:16]}",
        severity="page",
        title=title,
        body=f"{title}. Every lane is closed: {_REMEDY}",
    )

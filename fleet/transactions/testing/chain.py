"""A chain in memory with what a sender is afraid of.

Its pool forgets, its blocks are taken back, answers get lost after the transaction arrived, and
strangers hold the same key.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from fleet.transactions.chain import Verdict
from fleet.transactions.testing.answers import (
    Answer,
    GasQuote,
    KeyNonces,
    MinedReceipt,
    PooledTransaction,
    Rehearsal,
    SimulatedBlock,
    read_signed,
)
from fleet.transactions.testing.memory import Fuse
from units import BLOCK_TIME, Address, BlockHash, BlockNumber, Head, Timestamp, TxHash, Wei

_MIN_BUMP_PERCENT = 10


def _always_succeeds(_: bytes) -> bool:
    return True


def _replaces(sent: PooledTransaction, present: PooledTransaction) -> bool:
    """Nodes want more of both."""
    least = 100 + _MIN_BUMP_PERCENT
    return sent.fee * 100 >= present.fee * least and sent.tip * 100 >= present.tip * least


@dataclass(kw_only=True)
class SimulatedChain:
    """One key's view of a chain; drive it with `mine`, `reorganise` and the switches.

    `succeeds` says of a payload whether it reverts when mined; `rehearses` whether it would in a
    simulation. `loses_answers`: what is sent arrives, and the answer does not. `is_deaf`: nothing
    that is sent arrives. `is_slow`: others get their turn during a simulation, `is_slow_to_quote`:
    during a quote. `is_dark`: simulations get no answer. `lies`: what is sent arrives, and the
    answer is this refusal, as from a gateway that asks two nodes. `index_lag`: blocks without
    receipts below the head. `forgets_state`: it can't be told who used a nonce. `other_lag`: every
    second read is answered by a node so many blocks behind. `boast`: what it calls its latest
    block. `is_slow_to_pass_on`: what is sent is accepted and waits under way until `arrive`.
    `clock_offset`: what its clock is wrong by, in seconds.
    """

    fuse: Fuse = field(default_factory=Fuse)
    base_fee: int = 10 * 10**9
    finality_lag: int | None = 2
    succeeds: Callable[[bytes], bool] = _always_succeeds
    rehearses: Callable[[bytes], bool] = _always_succeeds
    loses_answers: bool = False
    is_deaf: bool = False
    is_poor: bool = False
    is_slow: bool = False
    is_slow_to_quote: bool = False
    is_dark: bool = False
    lies: Verdict | None = None
    index_lag: int = 0
    forgets_state: bool = False
    other_lag: int = 0
    boast: BlockNumber | None = None
    is_slow_to_pass_on: bool = False
    clock_offset: int = 0
    blocks: list[SimulatedBlock] = field(default_factory=list)
    pool: dict[int, PooledTransaction] = field(default_factory=dict)
    sent: list[bytes] = field(default_factory=list)
    under_way: list[PooledTransaction] = field(default_factory=list)
    _forks: int = 0
    _reads: int = 0

    def __post_init__(self) -> None:
        self.blocks.append(SimulatedBlock(head=self._next_head()))

    # --- what a test does to it ---------------------------------------------------------------

    def mine(self, limit: int = 1_000) -> Head:
        """One block with what the pool can put into it: nonces in order, offers high enough."""
        taken: list[PooledTransaction] = []
        nonce = self._count()
        while len(taken) < limit and (found := self.pool.get(nonce)) is not None:
            if found.fee < self.base_fee:
                break
            taken.append(self.pool.pop(nonce))
            nonce += 1
        self.blocks.append(SimulatedBlock(head=self._next_head(), transactions=tuple(taken)))
        self.pool = {each: tx for each, tx in self.pool.items() if each >= nonce}
        return self.blocks[-1].head

    def reorganise(self, depth: int, *, is_lossy: bool) -> Head:
        """Takes back the last `depth` blocks and grows one more than that.

        Their transactions return to the pool and are mined again, unless it is lossy.
        """
        gone, self.blocks = self.blocks[-depth:], self.blocks[:-depth]
        self._forks += 1
        for block in gone:
            for found in () if is_lossy else block.transactions:
                self.pool.setdefault(found.nonce, found)
        for _ in range(depth + 1):
            self.mine(limit=0 if is_lossy else 1_000)
        return self.blocks[-1].head

    def intrude(self, nonce: int, fee: int = 10**12) -> None:
        """A stranger with the same key sends."""
        name = f"stranger {nonce} {len(self.blocks)} {self._forks}"
        self.pool[nonce] = PooledTransaction(
            tx_hash=TxHash("0x" + hashlib.sha256(name.encode()).hexdigest()),
            nonce=nonce,
            fee=fee,
            tip=fee,
            gas=21_000,
            to="somebody",
            data=b"",
        )

    def arrive(self) -> None:
        """What was under way comes into the pool, the last first, as far as it still takes it."""
        while self.under_way:
            self._take(self.under_way.pop())

    def executed(self) -> tuple[PooledTransaction, ...]:
        """Everything that stands on the chain, in order."""
        return tuple(found for block in self.blocks for found in block.transactions)

    # --- what the sender sees -----------------------------------------------------------------

    async def head(self) -> Head:
        """See `Chain.head`."""
        found = self._read()[-1].head
        return found if self.boast is None else replace(found, number=self.boast)

    async def finalized(self) -> Head | None:
        """See `Chain.finalized`."""
        seen = self._read()
        if self.finality_lag is None:
            return None
        found = seen[max(0, len(seen) - 1 - self.finality_lag)].head
        return found if self.boast is None else replace(found, number=self.boast)

    async def nonces(self, account: Address, block: BlockNumber) -> KeyNonces:
        """See `Chain.nonces`."""
        del account
        self._read()
        nonce = latest = self._count(block)
        while nonce in self.pool:
            nonce += 1
        return KeyNonces(latest=latest, pending=nonce)

    async def count_at(self, account: Address, block: BlockNumber) -> int | None:
        """See `Chain.count_at`; a node that lags can't tell."""
        del account
        is_there = block <= self._read()[-1].head.number
        return self._count(block) if is_there else None

    async def receipts(self, hashes: Sequence[TxHash]) -> tuple[MinedReceipt | None, ...]:
        """See `Chain.receipts`."""
        seen = self._read()
        indexed = seen[: max(0, len(seen) - self.index_lag)]
        found = {
            each.tx_hash: self._receipt(block, each)
            for block in indexed
            for each in block.transactions
        }
        return tuple(found.get(each) for each in hashes)

    async def knows(self, tx_hash: TxHash) -> bool:
        """See `Chain.knows`."""
        self.fuse.before()
        return any(each.tx_hash == tx_hash for each in (*self.pool.values(), *self.executed()))

    async def spender_of(
        self, account: Address, nonce: int, *, after: BlockNumber, by: BlockNumber
    ) -> TxHash | None:
        """See `Chain.spender_of`."""
        del account
        within = [block for block in self._read() if after < block.head.number <= by]
        found = [tx for block in within for tx in block.transactions if tx.nonce == nonce]
        return found[0].tx_hash if found and not self.forgets_state else None

    async def fee_quote(self) -> GasQuote:
        """See `Chain.fee_quote`."""
        self.fuse.before()
        if self.is_slow_to_quote:
            await asyncio.sleep(0)
        return GasQuote(gas_price=self.base_fee, base_fee=self.base_fee)

    async def send_raw(self, raw: bytes) -> Answer:
        """See `Chain.send_raw`."""
        self.fuse.before()
        self.sent.append(raw)
        if self.is_deaf:
            return Answer(verdict="uncertain", detail="no answer")
        answer = self._receive(read_signed(raw))
        self.fuse.after()
        if self.loses_answers:
            return Answer(verdict="uncertain", detail="no answer")
        return answer if self.lies is None else Answer(verdict=self.lies, detail="another's no")

    async def simulate(
        self,
        *,
        sender: Address,
        to: Address,
        data: bytes,
        value: Wei,
        gas: int,
        block: BlockNumber,
    ) -> Rehearsal:
        """See `Chain.simulate`."""
        del sender, to, value, gas
        self.fuse.before()
        if self.is_slow:
            await asyncio.sleep(0)
        if self.is_dark:
            return Rehearsal(outcome="unknown", detail="no answer")
        is_past = block < self.blocks[-1].head.number
        succeeds = self.succeeds(data) if is_past else self.rehearses(data)
        return (
            Rehearsal(outcome="succeeds") if succeeds else Rehearsal(outcome="reverts", data=b"no")
        )

    # --- inside -------------------------------------------------------------------------------

    def _read(self) -> list[SimulatedBlock]:
        """The blocks as the node has them that answers now."""
        self.fuse.before()
        self._reads += 1
        lag = self.other_lag if self._reads % 2 else 0
        return self.blocks[: max(1, len(self.blocks) - lag)]

    def _receive(self, sent: PooledTransaction) -> Answer:
        """A gateway that lies passes on at once: none could say no and mean later."""
        if not self.is_slow_to_pass_on or self.lies is not None:
            return self._take(sent)
        answer = self._answer(sent)
        if answer.verdict == "accepted":
            self.under_way.append(sent)
        return answer

    def _take(self, sent: PooledTransaction) -> Answer:
        answer = self._answer(sent)
        if answer.verdict == "accepted":
            self.pool[sent.nonce] = sent
        return answer

    def _answer(self, sent: PooledTransaction) -> Answer:
        present = self.pool.get(sent.nonce)
        if present is not None and present.tx_hash == sent.tx_hash:
            return Answer(verdict="already known")
        if sent.nonce < self._count():
            return Answer(verdict="nonce too low", detail="nonce too low")
        if self.is_poor:
            return Answer(verdict="insufficient funds", detail="insufficient funds")
        if sent.fee < self.base_fee:
            return Answer(verdict="fee too low", detail="gas price less than block base fee")
        if present is not None and not _replaces(sent, present):
            return Answer(verdict="replacement underpriced", detail="underpriced")
        return Answer(verdict="accepted")

    def _receipt(self, block: SimulatedBlock, found: PooledTransaction) -> MinedReceipt:
        return MinedReceipt(
            tx_hash=found.tx_hash,
            block=block.head.number,
            block_hash=block.head.hash,
            succeeded=not found.data or self.succeeds(found.data),
            gas_used=21_000,
            fee=Wei(21_000 * found.fee),
        )

    def _count(self, last: int | None = None) -> int:
        within = self.blocks
        if last is not None:
            within = [block for block in self.blocks if block.head.number <= last]
        return sum(len(block.transactions) for block in within)

    def _next_head(self) -> Head:
        number = len(self.blocks)
        name = f"{number} {self._forks}"
        parent = self.blocks[-1].head.hash if self.blocks else BlockHash("0x" + "00" * 32)
        return Head(
            number=BlockNumber(number),
            hash=BlockHash("0x" + hashlib.sha256(name.encode()).hexdigest()),
            parent_hash=parent,
            time=Timestamp(max(0, number * BLOCK_TIME + self.clock_offset)),
        )

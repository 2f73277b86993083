"""One chain, one journal and one sender, in memory, and what a test does to them."""

from dataclasses import dataclass, field, replace

from fleet.transactions.attempt import State
from fleet.transactions.policy import SenderPolicy
from fleet.transactions.rehearsal import EverythingCounts, Judge
from fleet.transactions.request import Lane, Settled, Submission, TransactionRequest
from fleet.transactions.sender import Sender
from fleet.transactions.testing import Fuse, MemoryJournal, PlainSigner, SimulatedChain
from units import Address, BlockNumber

EXCHANGE = Address("0x00000000000000000000000000000000000000Ee")
GWEI = 10**9


class Killed(BaseException):
    """The process ends here."""


@dataclass
class World:
    """One chain, one journal, and the sender of the day."""

    policy: SenderPolicy = field(default_factory=SenderPolicy)
    fuse: Fuse = field(default_factory=Fuse)

    def __post_init__(self) -> None:
        self.chain = SimulatedChain(fuse=self.fuse)
        self.journal = MemoryJournal(self.fuse)
        self.signer = PlainSigner()
        self.judge: Judge = EverythingCounts()
        self.sender = self.another_process()

    def another_process(self) -> Sender:
        self.sender = Sender(
            chain=self.chain,
            signer=self.signer,
            journal=self.journal,
            chain_id=964,
            decode_revert=lambda data: f"decoded {data.decode()}",
            judge=self.judge,
            policy=self.policy,
        )
        return self.sender

    async def submit(self, key: str = "work", **changes: object) -> Submission:
        return await self.sender.submit(request(key, **changes))

    async def mine(self, blocks: int = 1) -> tuple[Settled, ...]:
        settled: tuple[Settled, ...] = ()
        for _ in range(blocks):
            settled += await self.sender.settle(self.chain.mine())
        return settled

    async def conclude(self, blocks: int = 1) -> tuple[Settled, ...]:
        """So many blocks, and those that make them final."""
        return await self.mine(blocks + (self.chain.finality_lag or 0))

    async def stall(self, blocks: int) -> tuple[Settled, ...]:
        """Blocks come and take nothing."""
        settled: tuple[Settled, ...] = ()
        for _ in range(blocks):
            settled += await self.sender.settle(self.chain.mine(limit=0))
        return settled

    def states(self) -> list[State]:
        return [entry.state for entry in self.journal.entries.values()]

    def payloads(self) -> list[bytes]:
        return [found.data for found in self.chain.executed() if found.data]


def request(key: str = "work", **changes: object) -> TransactionRequest:
    plain = TransactionRequest(
        to=EXCHANGE,
        data=key.encode(),
        gas_limit=100_000,
        lane=Lane.LIQUIDATION,
        idempotency_key=key,
        valid_until=BlockNumber(1_000),
        purpose="test",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # a test names real fields

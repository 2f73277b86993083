"""Two chains whose heads a test gives by hand, a devnet, a sender, and a clock to move."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any

from fleet.chain.failures import ChainError, NodeUnavailable
from fleet.runtime.clock import ChainClock
from fleet.runtime.lockstep import WokenBy
from fleet.runtime.wakes import Closed, Inbox
from fleet.settings import Settings
from fleet.transactions.attempt import State
from fleet.transactions.request import (
    Final,
    Included,
    Lane,
    Outcome,
    Settled,
    Submission,
    Submitted,
    TransactionRequest,
)
from fleet.transactions.sender import SenderStatus
from oracle.quotes import SourceHead
from tests.unit.fleet.runtime.streams import head, until_idle
from tests.unit.oracle.simulated import source_head
from units import Address, BlockNumber, Head, Timestamp, TxHash, Wei

KEY = Address("0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A")
EXCHANGE = Address("0x" + "11" * 20)
HASH = TxHash("0x" + "ab" * 32)
DOCUMENT: dict[str, Any] = {
    "network": {"name": "devnet", "kind": "devnet", "chain_id": 964},
    "evm": {"endpoints": [{"operator": "anvil", "url": "http://127.0.0.1:8545"}]},
    "subtensor": {
        "genesis": "0x" + "ab" * 32,
        "endpoints": [{"operator": "stand-in", "url": "ws://127.0.0.1:9944"}],
    },
    "contracts": {"exchange": EXCHANGE, "price_feed": "0x" + "22" * 20},
    "markets": [
        {"netuid": 8, "symbol": "VANTA", "registered_at": 5},
        {"netuid": 64, "symbol": "CHUTES", "registered_at": 5},
    ],
}
LOCKSTEP = {"url": "ws://127.0.0.1:9944"}


def settings(**sections: Any) -> Settings:
    """A devnet's settings with other values in some sections."""
    return Settings(**(DOCUMENT | sections))


class Wall(ChainClock):
    """A wall clock that a test moves."""

    def __init__(self) -> None:
        super().__init__(Timestamp(1_000))

    async def pass_(self, seconds: int) -> None:
        """Second by second, so that whoever sleeps again wakes again."""
        for _ in range(seconds):
            self.advance(Timestamp(self.now() + 1))
            await until_idle()


class Stream:
    """Values for any number of readers, each of whom sees the newest."""

    def __init__(self) -> None:
        self._readers: list[Inbox[Any]] = []
        self._newest: Any = None
        self._failure: Exception | None = None
        self.openings = 0
        self.reading = 0

    def put(self, value: Any) -> None:
        self._newest = value
        for reader in self._readers:
            reader.put(value)

    def fail(self, error: Exception) -> None:
        """Whoever reads now is told so; later readers are not."""
        self._failure = error
        for reader in self._readers:
            reader.discard()

    async def read(self) -> AsyncIterator[Any]:
        inbox = Inbox[Any]()
        if self._newest is not None:
            inbox.put(self._newest)
        self._readers.append(inbox)
        self.openings += 1
        self.reading += 1
        try:
            while not isinstance(value := await inbox.take(), Closed):
                yield value
        finally:
            self.reading -= 1
            self._readers.remove(inbox)
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure


class Blocks:
    """Blocks of chain 964 as they come."""

    def __init__(self) -> None:
        self.stream = Stream()
        self.problem: str | None = None
        self.age: float | None = None
        self.is_running = False

    def heads(self) -> AsyncIterator[Head]:
        return self.stream.read()

    def age_s(self) -> float | None:
        return self.age

    async def run(self) -> None:
        self.is_running = True
        await asyncio.Event().wait()

    async def arrive(self, number: int) -> None:
        self.stream.put(head(number))
        await until_idle()


class Finalized:
    """Finalized heads of Subtensor as they come."""

    def __init__(self) -> None:
        self.stream = Stream()

    def heads(self) -> AsyncIterator[SourceHead]:
        return self.stream.read()

    async def arrive(self, number: int) -> None:
        self.stream.put(source_head(number))
        await until_idle()


class World:
    """A devnet in lock-step: who joined, who finished what. It ends when a test says so."""

    def __init__(self) -> None:
        self.joined: list[tuple[str, WokenBy, int]] = []
        self.finishes: list[tuple[str, int]] = []
        self._released: dict[str, asyncio.Queue[BlockNumber | None]] = {}
        self._ended = asyncio.Event()

    async def run(self) -> None:
        await self._ended.wait()

    async def end(self) -> None:
        self._ended.set()
        for queue in self._released.values():
            queue.put_nowait(None)
        await until_idle()

    async def join(self, *, name: str, woken_by: WokenBy, order: int) -> None:
        self.joined.append((name, woken_by, order))
        self._released[name] = asyncio.Queue()

    async def release(self, name: str, block: int) -> None:
        self._released[name].put_nowait(BlockNumber(block))
        await until_idle()

    async def released(self, name: str) -> AsyncIterator[BlockNumber]:
        while (block := await self._released[name].get()) is not None:
            yield block

    async def finished(self, name: str, block: BlockNumber) -> None:
        self.finishes.append((name, block))


class Chain:
    """A node: blocks up to `height`, one key's balance; `outage` is how it fails."""

    def __init__(self, height: int = 100) -> None:
        self.height = height
        self.outage: ChainError | None = None
        self.asked = 0
        self.used_nonces = 3

    async def head(self) -> Head:
        self._answer()
        return head(self.height)

    async def block(self, number: BlockNumber) -> Head | None:
        self._answer()
        return head(number) if number <= self.height else None

    async def transaction_count(self, account: Address, block: BlockNumber) -> int:
        self._answer()
        return self.used_nonces

    async def balance(self, account: Address, block: BlockNumber) -> Wei:
        self._answer()
        return Wei(5 * 10**18)

    async def check(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.asked += 1
        if self.outage is not None:
            raise self.outage

    def is_down(self, retry_after_s: float = 0.0) -> None:
        self.outage = NodeUnavailable("anvil: no answer in 5 s", retry_after_s=retry_after_s)


class Post:
    """A sender: what is `on_its_way` gets its outcome at the block that a test names."""

    account = KEY

    def __init__(self) -> None:
        self.on_its_way: dict[str, tuple[int, Outcome]] = {}
        self.in_a_block: list[Included] = []
        self._seen: list[Included] = []
        self.stopped: dict[Lane, str] = {}
        self.is_journal_read = True
        self.heads: list[int] = []
        self.failure: Exception | None = None

    def send(self, key: str, *, settles_at: int, outcome: Outcome | None = None) -> None:
        self.on_its_way[key] = settles_at, outcome or mined(settles_at)

    def include(self, key: str, *, block: int) -> None:
        """It is in a block from now on, and has its outcome at the head after it."""
        found = Included(
            request=request(key), tx_hash=HASH, block=BlockNumber(block), succeeded=True, logs=()
        )
        del self.on_its_way[key]
        self.in_a_block.append(found)
        self._seen.append(found)

    def inclusions(self) -> tuple[Included, ...]:
        seen, self._seen = tuple(self._seen), []
        return seen

    @property
    def status(self) -> SenderStatus | None:
        if not self.is_journal_read:
            return None
        return SenderStatus(
            in_flight={Lane.PRICE: len(self.on_its_way), Lane.FUNDING: 0},
            unsettled=+Counter(
                {State.SEEN: len(self.on_its_way), State.MINED: len(self.in_a_block)}
            ),
            next_nonce=3 + len(self.on_its_way),
            is_held=False,
            stopped=dict(self.stopped),
            half_spent=frozenset(),
            day={},
            oldest=None,
            problem=None,
        )

    async def submit(self, request: TransactionRequest) -> Submission:
        self.send(request.idempotency_key, settles_at=10**9)
        return Submitted(tx_hash=HASH, nonce=3)

    async def settle(self, head: Head) -> tuple[Settled, ...]:
        if self.failure is not None:
            raise self.failure
        self.is_journal_read = True
        self.heads.append(head.number)
        done = [key for key, (at, _) in self.on_its_way.items() if at <= head.number]
        final = [each for each in self.in_a_block if each.block < head.number]
        self.in_a_block = [each for each in self.in_a_block if each not in final]
        return (
            *(settled(key, self.on_its_way.pop(key)[1]) for key in done),
            *(settled(each.request.idempotency_key, mined(each.block)) for each in final),
        )

    def busy(self, subjects: Iterable[str]) -> frozenset[str]:
        del subjects
        return frozenset()

    async def gas_price(self) -> Wei:
        return Wei(10**10)


def mined(block: int = 7, logs: tuple[dict[str, Any], ...] = ()) -> Final:
    return Final(block=BlockNumber(block), gas_used=100_000, fee=Wei(10**15), logs=logs)


def request(key: str = "work", lane: Lane = Lane.PRICE) -> TransactionRequest:
    return TransactionRequest(
        to=EXCHANGE,
        data=b"",
        gas_limit=1,
        lane=lane,
        idempotency_key=key,
        valid_until=BlockNumber(9),
        purpose=f"the {key}",
    )


def settled(key: str, outcome: Outcome, lane: Lane = Lane.PRICE) -> Settled:
    return Settled(request=request(key, lane), tx_hash=HASH, outcome=outcome)


async def give(values: AsyncIterator[Any], take: Callable[[Any], object]) -> None:
    """Every value as it comes, until there are no more."""
    async for value in values:
        take(value)


@asynccontextmanager
async def running(*services: Coroutine[Any, Any, Any]) -> AsyncIterator[list[asyncio.Task[Any]]]:
    """Services that run for a while and are then cancelled."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(service) for service in services]
        await until_idle()
        yield tasks
        for task in tasks:
            task.cancel()

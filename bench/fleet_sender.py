"""Ours, as it runs in production: Sender over Node over one endpoint, journal in a SQLite file."""

import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

from bench.ground import FOREVER, Ground
from devnet.anvil import CHAIN_ID
from devnet.chaos.tally import GAS_LIMIT, TALLY, tally_call
from fleet.chain.endpoint import Endpoint
from fleet.chain.node import Node
from fleet.chain.pool import Pool
from fleet.runtime.interpreter import settle_in
from fleet.runtime.process import this_process
from fleet.store.engine import open_database
from fleet.store.journal import StoredJournal
from fleet.store.lease import Claim, acquire
from fleet.transactions.policy import SenderPolicy
from fleet.transactions.rehearsal import Judge
from fleet.transactions.request import Lane, Submission, TransactionRequest
from fleet.transactions.sender import Sender
from fleet.transactions.signer import LocalSigner

_LEASE_SECONDS = 3_600.0
"""Longer than any run: nobody else wants it."""

_BATCH_MAX = 20
"""Requests in one exchange, as the settings have it."""

IN_FLIGHT_MAX = 128
"""As many as a node's pool takes of one account, so that the limits of the policy do not."""


@dataclass(slots=True)
class Stopwatch:
    """Seconds that calls to something took, by a name for them, in their order.

    `covered`: seconds in which at least one of them was under way: some overlap. `ended`: when the
    last one ended, by the clock, and `computed` this process's processor time by then, where
    `watches_processor`: to ask for it takes a call as long as a signature.
    """

    taken: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    ended: dict[str, float] = field(default_factory=dict)
    computed: dict[str, float] = field(default_factory=dict)
    covered: float = 0.0
    watches_processor: bool = False
    _under_way: int = 0
    _since: float = 0.0

    def clear(self) -> None:
        """Begins anew."""
        self.taken.clear()
        self.covered = 0.0

    @contextlib.contextmanager
    def apart(self) -> Iterator[None]:
        """What the body calls is not counted."""
        before = {name: len(each) for name, each in self.taken.items()}, self.covered
        yield
        counts, self.covered = before
        for name, each in self.taken.items():
            del each[counts.get(name, 0) :]

    @contextlib.contextmanager
    def one(self, name: str) -> Iterator[None]:
        """The body is one call."""
        began = perf_counter()
        if not self._under_way:
            self._since = began
        self._under_way += 1
        try:
            yield
        finally:
            self.ended[name] = ended = perf_counter()
            if self.watches_processor:
                self.computed[name] = process_time()
            self._under_way -= 1
            if not self._under_way:
                self.covered += ended - self._since
            self.taken[name].append(ended - began)

    def around(self, watched: Any, name: str, *, apart: tuple[str, ...] = ()) -> Any:
        """The same thing, watched; calls named in `apart` are counted under their own names."""
        return _Watched(watched, self, name, frozenset(apart))


class _Watched:
    """Passes everything on, and notes how long its coroutines take."""

    def __init__(
        self, watched: Any, stopwatch: Stopwatch, name: str, apart: frozenset[str]
    ) -> None:
        self._watched = watched
        self._stopwatch = stopwatch
        self._name = name
        self._apart = apart

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._watched, name)
        if not callable(found):
            return found
        label = name if name in self._apart else self._name

        async def timed(*args: Any, **kwargs: Any) -> Any:
            with self._stopwatch.one(label):
                return await found(*args, **kwargs)

        return timed


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSender:
    """A sender and what it is made of."""

    sender: Sender
    node: Node
    stopwatch: Stopwatch
    folder: Path

    async def submit(self, piece: int) -> Submission:
        """Hands over one piece of work."""
        return await self.sender.submit(
            TransactionRequest(
                to=TALLY,
                data=tally_call(piece, last_block=FOREVER),
                gas_limit=GAS_LIMIT,
                lane=Lane.LIQUIDATION,
                idempotency_key=f"piece {piece}",
                valid_until=FOREVER,
                purpose="bench",
            )
        )

    async def settle(self) -> int:
        """At the latest head; how many outcomes were told."""
        return len(await self.sender.settle(await self.node.head()))


@contextlib.asynccontextmanager
async def opened_sender(
    ground: Ground, *, url: str | None = None, judge: Judge | None = None
) -> AsyncIterator[FleetSender]:
    """A new journal; `url`: another way to the ground's node; `judge`: who reads what calls do."""
    endpoint = Endpoint(
        name="anvil", url=url or ground.url, rate=None, timeout_s=10, batch_max=_BATCH_MAX
    )
    node = Node(Pool([endpoint], chain_id=CHAIN_ID))
    stopwatch = Stopwatch()
    with TemporaryDirectory(prefix="bench-") as folder:
        database = await open_database(f"sqlite+aiosqlite:///{Path(folder) / 'store.sqlite3'}")
        signer = LocalSigner(ground.fleet.private_key)
        claim = Claim(name="bench", account=signer.address)
        (lease,) = await acquire(database, claim, process=this_process(), ttl_s=_LEASE_SECONDS)
        sender = Sender(
            chain=stopwatch.around(node, "other reads", apart=("simulate", "send_raw")),
            signer=stopwatch.around(signer, "signing"),
            journal=stopwatch.around(StoredJournal(database, lease), "journal"),
            chain_id=CHAIN_ID,
            decode_revert=bytes.hex,
            judge=judge,
            policy=SenderPolicy(lane_in_flight_max=dict.fromkeys(Lane, IN_FLIGHT_MAX)),
        )
        try:
            await sender.recover()
            settle_in()  # as every process that runs bots does
            yield FleetSender(sender=sender, node=node, stopwatch=stopwatch, folder=Path(folder))
        finally:
            await node.close()
            await database.close()

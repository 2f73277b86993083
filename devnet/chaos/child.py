"""The process that is killed: a real sender with a real journal, key and node.

Run as a module with one argument, its orders as JSON. It imports everything, says "ready", and
starts when it is told to on standard input; so its lives overlap with nobody's.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from devnet.accounts import seeded_account
from devnet.anvil import CHAIN_ID
from devnet.chaos.caller import REVERTS, Caller, Notes, read_notes
from devnet.chaos.ledger import ended_pieces
from devnet.chaos.workload import REFUSED, make_workload
from fleet.chain.endpoint import Endpoint
from fleet.chain.failures import ChainError
from fleet.chain.node import Node
from fleet.chain.pool import Pool
from fleet.chain.replies import Patience
from fleet.runtime.process import this_process
from fleet.store.engine import Database, open_database
from fleet.store.journal import StoredJournal
from fleet.store.lease import Claim, acquire
from fleet.transactions.policy import SenderPolicy
from fleet.transactions.sender import Sender
from fleet.transactions.signer import LocalSigner
from units import Address

WORKLOAD = "chaos"
READY = "ready"
ACTED = "acted"
_TIMEOUT_SECONDS = 1.0
_LEASE_SECONDS = 3_600.0
"""Longer than any life: what lets the next one in is that this one is seen to be dead."""
_PATIENCE = Patience(refusal_wait_s=0.15)
"""A block of this chain, as the standard one is a block of chain 964."""
_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What a life is about.

    Attributes:
        url: the node.
        folder: where store and notes lie.
        seed: of the workload and of the key.
        count: pieces of the whole run.
        until: pieces that may be asked for in this life.
        life: its number; the last one ends by itself.
        is_last: go on until nothing is in flight, then end.
    """

    url: str
    folder: str
    seed: int
    count: int
    until: int
    life: int
    is_last: bool

    def as_argument(self) -> str:
        """One argument of a command line."""
        return json.dumps(asdict(self))


def store_url(folder: Path) -> str:
    """Where the store of a run lies."""
    return f"sqlite+aiosqlite:///{folder / 'store.sqlite3'}"


def namespace(account: Address) -> str:
    """Whose journal the store of a run holds."""
    return f"{WORKLOAD}:{account}"


def notes_path(folder: Path) -> Path:
    """Where the caller's notes of a run lie."""
    return folder / "notes.jsonl"


async def live(orders: Orders) -> None:
    """One life: adopts what is in flight, asks for what has not ended, until killed or done."""
    async with _opened(orders) as (node, database):
        signer = LocalSigner(seeded_account(seed=orders.seed, role="chaos").private_key)
        claim = Claim(name=WORKLOAD, account=signer.address)
        (lease,) = await acquire(database, claim, process=this_process(), ttl_s=_LEASE_SECONDS)
        journal = StoredJournal(database, lease)
        policy = SenderPolicy()
        sender = Sender(
            chain=node,
            signer=signer,
            journal=journal,
            chain_id=CHAIN_ID,
            decode_revert=lambda _: REVERTS,
            policy=policy,
        )
        notes = notes_path(Path(orders.folder))
        refused = {piece for piece, ending in read_notes(notes) if ending == REFUSED}
        caller = Caller(
            sender=sender,
            pieces=make_workload(count=orders.count, seed=orders.seed)[: orders.until],
            ended=refused | await ended_pieces(database, lease.namespace),
            lane_in_flight_max=policy.lane_in_flight_max,
            notes=Notes(notes, life=orders.life),
        )
        await _work(orders, node, caller, journal)


async def _work(orders: Orders, node: Node, caller: Caller, journal: StoredJournal) -> None:
    has_acted = False
    while True:
        try:
            await caller.step(await node.head())
            if not has_acted:
                print(ACTED, flush=True)  # noqa: T201 - the parent reads it
            has_acted = True
        except ChainError as failure:
            sys.stderr.write(f"{failure}\n")
        if orders.is_last and caller.is_done and not await journal.unfinished():
            return
        await asyncio.sleep(_POLL_SECONDS)


@asynccontextmanager
async def _opened(orders: Orders) -> AsyncIterator[tuple[Node, Database]]:
    endpoint = Endpoint(
        name="anvil", url=orders.url, rate=None, timeout_s=_TIMEOUT_SECONDS, patience=_PATIENCE
    )
    node = Node(Pool([endpoint], chain_id=CHAIN_ID))
    database = await open_database(store_url(Path(orders.folder)))
    try:
        yield node, database
    finally:
        await node.close()
        await database.close()


def main(argument: str) -> None:
    """Waits for the word and lives; ends at once when the parent is gone."""
    orders = Orders(**json.loads(argument))
    print(READY, flush=True)  # noqa: T201 - the parent reads it
    if sys.stdin.readline():
        asyncio.run(live(orders))


if __name__ == "__main__":
    main(sys.argv[1])

"""A real node, a real journal and a real key, and the levers a test pulls."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from devnet.accounts import DEPLOYER_KEY, Unsigned, account_of, sign
from devnet.anvil import CHAIN_ID, Genesis, running_anvil
from devnet.rpc import NodeClient
from fleet.chain.endpoint import Endpoint
from fleet.chain.node import Node
from fleet.chain.pool import Pool
from fleet.store.engine import Database, open_database
from fleet.store.journal import StoredJournal
from fleet.transactions.chain import Chain
from fleet.transactions.journal import Journal
from fleet.transactions.policy import SenderPolicy
from fleet.transactions.request import Lane, Settled, TransactionRequest
from fleet.transactions.sender import Sender
from fleet.transactions.signer import LocalSigner
from tests.unit.fleet.store.inheritance import inherit
from units import Address, BlockNumber, Head, Timestamp, Wei

KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"
COUNTER = Address("0x00000000000000000000000000000000000c0dE5")
LOOP = Address("0x0000000000000000000000000000000000001001")
GENESIS = Genesis(block=BlockNumber(5_072_232), time=Timestamp(1_741_305_600))
GWEI = 10**9

# slot 0 set: reverts with 0xdeadbeef; else adds one to slot 1 and logs nothing
_COUNTER_CODE = "0x600054601057600154600101600155005b63deadbeef60e01b60005260046000fd"
_SLOT_0 = "0x" + "00" * 32
_SLOT_1 = "0x" + "00" * 31 + "01"


def open_endpoint(url: str) -> Endpoint:
    return Endpoint(name="anvil", url=url, rate=None, timeout_s=30, batch_max=20)


def open_node(url: str) -> Node:
    return Node(Pool([open_endpoint(url)], chain_id=CHAIN_ID))


def build_sender(chain: Chain, journal: Journal, policy: SenderPolicy | None = None) -> Sender:
    return Sender(
        chain=chain,
        signer=LocalSigner(KEY),
        journal=journal,
        chain_id=CHAIN_ID,
        decode_revert=lambda data: f"error {data.hex()}",
        policy=policy,
    )


WORKLOAD = "test"


async def journal_of(database: Database) -> StoredJournal:
    """The key's journal, taken over from whoever had it."""
    return await inherit(database, WORKLOAD, LocalSigner(KEY).address)


FINALITY_LAG = 2
"""Blocks between anvil's newest and its finalized one, as it is started here."""


def request(key: str = "count", **changes: Any) -> TransactionRequest:
    plain: dict[str, Any] = {
        "to": COUNTER,
        "data": b"\x01",
        "gas_limit": 100_000,
        "lane": Lane.LIQUIDATION,
        "idempotency_key": key,
        "valid_until": BlockNumber(GENESIS.block + 1_000),
        "purpose": "test",
    }
    return TransactionRequest(**(plain | changes))


class Ground:
    """One chain with a counter on it."""

    def __init__(
        self, *, url: str, ws_url: str, lever: NodeClient, node: Node, database: Database
    ) -> None:
        self.url = url
        self.ws_url = ws_url
        self.node = node
        self.lever = lever
        self.database = database
        self._time = GENESIS.time

    async def prepare(self) -> None:
        await self.lever.call("anvil_setCode", COUNTER, _COUNTER_CODE)
        await self.lever.call("anvil_setBalance", LocalSigner(KEY).address, hex(10**21))
        await self.another_process()

    async def another_process(self, policy: SenderPolicy | None = None) -> Sender:
        self.journal = await journal_of(self.database)
        self.sender = build_sender(self.node, self.journal, policy)
        return self.sender

    async def seal(self, *, base_fee: int = 10 * GWEI) -> Head:
        self._time = Timestamp(self._time + 12)
        await self.lever.call("anvil_setNextBlockBaseFeePerGas", hex(base_fee))
        await self.lever.call("evm_setNextBlockTimestamp", self._time)
        await self.lever.call("evm_mine")
        return await self.node.head()

    async def settle(self, blocks: int = 1, *, base_fee: int = 10 * GWEI) -> tuple[Settled, ...]:
        settled: tuple[Settled, ...] = ()
        for _ in range(blocks):
            settled += await self.sender.settle(await self.seal(base_fee=base_fee))
        return settled

    async def conclude(self, blocks: int = 1, *, base_fee: int = 10 * GWEI) -> tuple[Settled, ...]:
        """So many blocks, and those after which anvil calls them final."""
        return await self.settle(blocks + FINALITY_LAG, base_fee=base_fee)

    async def counted(self) -> int:
        return int(await self.lever.call("eth_getStorageAt", COUNTER, _SLOT_1, "latest"), 16)

    async def make_counter_revert(self) -> None:
        await self.lever.call("anvil_setStorageAt", COUNTER, _SLOT_0, "0x" + "00" * 31 + "01")

    async def pooled(self) -> list[dict[str, Any]]:
        """Every transaction in the node's pool, ready or waiting."""
        content = await self.lever.call("txpool_content")
        return [
            found
            for part in ("pending", "queued")
            for by_nonce in content[part].values()
            for found in by_nonce.values()
        ]

    async def pooled_to(self, account: Address) -> list[dict[str, Any]]:
        return [found for found in await self.pooled() if found["to"] == account.lower()]

    async def fill_blocks(self, count: int) -> None:
        """The next `count` blocks have room for nothing that comes after this."""
        await self.lever.call("anvil_setCode", LOOP, "0x5b600056")
        await self.lever.call("evm_setBlockGasLimit", hex(150_000))
        await self.seal()
        for nonce in range(count):
            filler = Unsigned(
                to=LOOP, data=b"", nonce=nonce, gas=120_000, gas_price=Wei(100 * GWEI)
            )
            raw = sign(account_of(DEPLOYER_KEY), filler)
            await self.lever.call("eth_sendRawTransaction", raw)

    async def unfinished(self) -> int:
        return len(await self.journal.unfinished())


@asynccontextmanager
async def opened(store: Path) -> AsyncIterator[Ground]:
    """A fresh chain; the store lies at `store`."""
    database = await open_database(f"sqlite+aiosqlite:///{store}")
    async with running_anvil(GENESIS) as anvil, aiohttp.ClientSession() as session:
        node = open_node(anvil.rpc_url)
        lever = NodeClient(session=session, url=anvil.rpc_url)
        ground = Ground(
            url=anvil.rpc_url, ws_url=anvil.ws_url, lever=lever, node=node, database=database
        )
        try:
            await ground.prepare()
            yield ground
        finally:
            await node.close()
            await database.close()

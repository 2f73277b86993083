"""A caller whose node is behind a bad network, and what must hold when the weather clears.

The sender sees the chain through the fault proxy only; the test pulls anvil's levers directly, and
judges by its own walk over the blocks.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devnet.accounts import account_of
from devnet.anvil import CHAIN_ID
from devnet.chaos.ledger import read_rows
from devnet.chaos.tally import GAS_LIMIT, TALLY, deploy_tally, tally_call
from devnet.chaos.workload import LANDED, PREFIX, piece_number
from devnet.faults.plan import Plan
from devnet.faults.proxy import FaultProxy, running_proxy
from devnet.rpc import Request
from fleet.chain.endpoint import Endpoint
from fleet.chain.failures import ChainError
from fleet.chain.node import Node
from fleet.chain.pool import Pool, PoolPolicy
from fleet.chain.replies import Patience
from fleet.transactions.request import (
    Lane,
    Refused,
    Settled,
    Submission,
    TransactionRequest,
)
from tests.anvil.fleet.ground import (
    GENESIS,
    GWEI,
    KEY,
    WORKLOAD,
    Ground,
    build_sender,
    journal_of,
    opened,
)
from units import BlockNumber, Wei

FOREVER = BlockNumber(2**40)
PRICE_MAX = 100 * GWEI
SPEND_LIMIT = Wei(GAS_LIMIT * PRICE_MAX)
_ACCOUNT = account_of(KEY).address
_NAMESPACE = f"{WORKLOAD}:{_ACCOUNT}"
_CALM_BLOCKS_MAX = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One of the account's transactions on chain. `piece` is None for one that does nothing."""

    nonce: int
    piece: int | None
    succeeded: bool
    price: int


class Storm:
    """One caller, one key, a proxy before each node. `told` counts the outcomes heard, by piece."""

    def __init__(self, ground: Ground, proxies: Sequence[FaultProxy]) -> None:
        self.ground = ground
        self.proxies = proxies
        self.proxy = proxies[0]
        self.told: Counter[int] = Counter()
        self.waiting: set[int] = set()
        self.ended: set[int] = set()
        self.failures: Counter[str] = Counter()
        self._node = open_stormy_node(proxies)
        self.sender = build_sender(self._node, ground.journal)

    async def close(self) -> None:
        await self._node.close()

    async def restart(self) -> None:
        """A new process: it knows what the journal knows."""
        await self._node.close()
        self._node = open_stormy_node(self.proxies)
        self.ground.journal = await journal_of(self.ground.database)
        self.sender = build_sender(self._node, self.ground.journal)
        self.waiting, self.ended = set(), set(await self.endings())

    async def submit(self, piece: int, *, valid_until: BlockNumber = FOREVER) -> Submission | None:
        """None: nobody answered; the journal knows what came of it."""
        try:
            answer = await self.sender.submit(_request(piece, valid_until))
        except ChainError as failure:
            self.failures[type(failure).__name__] += 1
            return None
        if not isinstance(answer, Refused):
            self.waiting.add(piece)
        return answer

    async def block(self, *, base_fee: int = 10 * GWEI) -> None:
        """A new block, seen through the proxy if it lets itself be seen."""
        await self.ground.seal(base_fee=base_fee)
        await self.look()

    async def look(self) -> None:
        """Settles at whatever head the proxy shows."""
        try:
            for settled in await self.sender.settle(await self._node.head()):
                self._hear(settled)
        except ChainError as failure:
            self.failures[type(failure).__name__] += 1

    async def send(self, pieces: Iterable[int]) -> None:
        """Asks for all that have not ended and are not on their way."""
        for piece in pieces:
            if piece not in self.waiting and piece not in self.ended:
                await self.submit(piece)

    async def clear_up(self, pieces: Iterable[int] = ()) -> None:
        """Fair weather until these pieces have ended and nothing is in flight.

        Raises:
            AssertionError: that is not so within a number of blocks.
        """
        wanted = set(pieces)
        for proxy in self.proxies:
            proxy.follow(Plan())
        for _ in range(_CALM_BLOCKS_MAX):
            await self.look()
            await self.send(wanted)
            await self.block()
            if wanted <= self.ended and not await self.ground.unfinished():
                return
        raise AssertionError(await self.ground.journal.unfinished())

    async def endings(self) -> dict[int, list[str]]:
        """What the journal says each piece ended with."""
        found: dict[int, list[str]] = {}
        for row in await read_rows(self.ground.database, _NAMESPACE):
            if row.piece is not None and row.ending is not None:
                found.setdefault(row.piece, []).append(row.ending)
        return found

    async def on_chain(self) -> list[Found]:
        """All of the account's transactions, by nonce."""
        blocks = await self._blocks()
        mine = [each for block in blocks for each in block["transactions"] if _is_ours(each)]
        asked = [
            Request(method="eth_getTransactionReceipt", params=(each["hash"],)) for each in mine
        ]
        receipts = await self.ground.lever.batch(asked)
        return [_found(sent, receipt) for sent, receipt in zip(mine, receipts, strict=True)]

    async def _blocks(self) -> list[dict[str, Any]]:
        tip = int(await self.ground.lever.call("eth_blockNumber"), 16)
        return await self.ground.lever.batch(
            [
                Request(method="eth_getBlockByNumber", params=(hex(number), True))
                for number in range(GENESIS.block, tip + 1)
            ]
        )

    def _hear(self, settled: Settled) -> None:
        piece = piece_number(settled.request.idempotency_key)
        if piece is not None:
            self.told[piece] += 1
            self.ended.add(piece)
            self.waiting.discard(piece)


def open_stormy_node(proxies: Sequence[FaultProxy]) -> Node:
    """More than half of them must agree; each is an operator's."""
    endpoints = [
        Endpoint(
            name=f"stormy {number}",
            url=proxy.rpc_url,
            rate=None,
            timeout_s=0.4,
            patience=Patience(refusal_wait_s=0.01, wait_s_max=0.01),
        )
        for number, proxy in enumerate(proxies)
    ]
    policy = PoolPolicy(agreement=len(proxies) // 2 + 1, hedge_s=0.1)
    return Node(Pool(endpoints, chain_id=CHAIN_ID, policy=policy))


@asynccontextmanager
async def brewed(store: Path, *, nodes: int = 1) -> AsyncIterator[Storm]:
    """A fresh chain with the tally on it, fair-weather proxies and a sender behind them."""
    async with opened(store) as ground, AsyncExitStack() as closing:
        proxies = [
            await closing.enter_async_context(running_proxy(ground.url)) for _ in range(nodes)
        ]
        await deploy_tally(ground.lever)
        await ground.seal()
        storm = Storm(ground, proxies)
        try:
            yield storm
        finally:
            await storm.close()


async def assert_all_is_well(storm: Storm, endings: Mapping[int, str]) -> None:
    """Every piece ended once and so, with one effect or none; no nonce open; spend in its limit."""
    found = await storm.on_chain()
    assert [each.nonce for each in found] == list(range(len(found))), "nonces without a gap"
    assert await storm.ground.pooled() == []
    ended = await storm.endings()
    assert ended == {piece: [ending] for piece, ending in endings.items()}, ended
    effects = Counter(each.piece for each in found if each.succeeded and each.piece is not None)
    assert effects == {p: 1 for p, ending in endings.items() if ending == LANDED}, effects
    assert all(times == 1 for times in storm.told.values()), storm.told
    assert all(each.price <= PRICE_MAX for each in found if each.piece is not None)


def _request(piece: int, valid_until: BlockNumber) -> TransactionRequest:
    return TransactionRequest(
        to=TALLY,
        data=tally_call(piece, last_block=FOREVER),
        gas_limit=GAS_LIMIT,
        lane=list(Lane)[piece % 2],
        idempotency_key=f"{PREFIX}{piece}",
        valid_until=valid_until,
        purpose="storm",
        spend_limit=SPEND_LIMIT,
    )


def _is_ours(transaction: dict[str, Any]) -> bool:
    return bool(transaction["from"] == _ACCOUNT.lower())


def _found(sent: dict[str, Any], receipt: dict[str, Any]) -> Found:
    is_payload = sent["to"] == TALLY.lower()
    return Found(
        nonce=int(sent["nonce"], 16),
        piece=int(sent["input"][2:66], 16) if is_payload else None,
        succeeded=receipt["status"] == "0x1",
        price=int(receipt["effectiveGasPrice"], 16),
    )

"""Nodes that are played, and a pool of them."""

import asyncio
from typing import Any

from fleet.chain.endpoint import Endpoint
from fleet.chain.failures import (
    ChainError,
    NodeUnavailable,
)
from fleet.chain.pool import Pool, PoolPolicy
from fleet.chain.states import NodeState
from fleet.chain.throttle import Urgency
from units import BlockHash, BlockNumber, Head, Timestamp


def head(number: int, fork: str = "a", *, time: int | None = None) -> Head:
    """A block of a chain whose blocks are 12 s apart; `time` where it says another."""
    return Head(
        number=BlockNumber(number),
        hash=BlockHash(f"0x{number}{fork}"),
        parent_hash=BlockHash(f"0x{number - 1}{fork}"),
        time=Timestamp(number * 12 if time is None else time),
    )


def log(number: int, block: str) -> dict[str, Any]:
    """A log as a node gives it."""
    where = {"blockNumber": hex(number), "blockHash": block, "logIndex": "0x0"}
    return where | {"address": "0x" + "11" * 20, "topics": [], "data": "0x"}


DOWN = NodeUnavailable("down")
BUSY = NodeUnavailable("too many requests", retry_after_s=30)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


class PlayedEndpoint(Endpoint):
    """Answers what it is told to; an exception is raised. `height` is what it says of its head."""

    def __init__(
        self, name: str, answer: object = "0x1", chain_id: int = 964, operator: str | None = None
    ) -> None:
        super().__init__(
            name=name, url="http://nowhere.invalid", rate=None, timeout_s=1, operator=operator
        )
        self.answer = answer
        self.chain_id = chain_id
        self.height = 100
        self.boast = 0
        self.fork = 0
        self.time: int | None = None
        self.asked: list[str] = []
        self.hangs = False

    async def request(self, method: str, params: list[Any], urgency: Urgency) -> Any:
        self.asked.append(method)
        if self.hangs:
            await asyncio.Event().wait()
        if isinstance(self.answer, NodeUnavailable):
            raise self.answer
        match method:
            case "eth_chainId":
                return hex(self.chain_id)
            case "eth_syncing":
                return False
            case "eth_getBlockByNumber":
                return self._block(params[0])
            case _:
                pass
        if isinstance(self.answer, ChainError):
            raise self.answer
        return self.answer

    def _block(self, tag: str) -> Any:
        latest = max(self.height, self.boast)
        number = {"earliest": 0, "latest": latest, "finalized": self.height - 2}.get(tag)
        number = int(tag, 16) if number is None else number
        if tag != "latest" and number > self.height:
            return None
        fork = 0 if number < self.height else self.fork
        return {
            "number": hex(number),
            "hash": f"0x{fork:032x}{number:032x}",
            "parentHash": f"0x{max(number - 1, 0):064x}",
            "timestamp": hex(12 * number if self.time is None else self.time),
        }


class Heard:
    """Notes what becomes of nodes."""

    def __init__(self) -> None:
        self.states: list[tuple[str, NodeState | None, NodeState]] = []
        self.votes: list[str] = []
        self.results: list[tuple[str, str]] = []

    def state_changed(
        self, endpoint: str, before: NodeState | None, state: NodeState, why: str
    ) -> None:
        self.states.append((endpoint, before, state))

    def requested(self, endpoint: str, result: str) -> None:
        self.results.append((endpoint, result))

    def outvoted(self, endpoint: str) -> None:
        self.votes.append(endpoint)

    def waited(self, endpoint: str, seconds: float) -> None: ...


def pool(*endpoints: PlayedEndpoint, agreement: int = 1, clock: Clock | None = None) -> Pool:
    policy = PoolPolicy(agreement=agreement, hedge_s=0.02)
    return Pool(endpoints, chain_id=964, policy=policy, now=clock or Clock())


async def ask(nodes: Pool) -> Any:
    return await nodes.request("eth_blockNumber", [], Urgency.DECIDING)

"""A node without a socket: answers from a table, and says so when it is asked something else."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from oracle.sources.client import RefusedError, SourceFailureError

Answer = Callable[[Sequence[Any]], Any]


async def until(condition: Callable[[], bool]) -> None:
    """Let others run until it is so; a test that waits in vain fails."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what is waited for is another's state
            await asyncio.sleep(0)


@dataclass
class TableNode:
    """What every connection to it answers; an exception in the table is raised."""

    answers: dict[str, Any] = field(default_factory=dict)
    connections: list["TableClient"] = field(default_factory=list)
    asked: list[tuple[str, Sequence[Any]]] = field(default_factory=list)
    is_down: bool = False

    async def connect(self, _socket_s_max: float) -> "TableClient":
        if self.is_down:
            raise SourceFailureError("connection refused")
        client = TableClient(node=self)
        self.connections.append(client)
        return client

    def methods(self) -> list[str]:
        return [method for method, _ in self.asked]


@dataclass
class TableClient:
    """One connection; `put` is where its subscription goes."""

    node: TableNode
    is_aborted: bool = False
    put: Callable[[Any], None] | None = None

    async def request(self, method: str, params: Sequence[Any]) -> Any:
        if self.is_aborted:
            raise AssertionError("an aborted client is used again")
        self.node.asked.append((method, params))
        answer = self.node.answers.get(method, RefusedError(f"{method}: method not found"))
        if isinstance(answer, Exception):
            raise answer
        return await answer(params) if callable(answer) else answer

    def follow(self, method: str, put: Callable[[Any], None]) -> None:
        self.node.asked.append((method, ()))
        self.put = put

    def abort(self) -> None:
        if not self.is_aborted and self.put is not None:
            self.put(SourceFailureError("aborted"))
        self.is_aborted = True

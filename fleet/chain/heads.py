"""New heads of chain 964: pushed over a WebSocket of its own, polled by HTTP while that is silent.

Consumers get the newest head only: in order, none twice, another block of the same height (a
reorganisation) as well. Knows nothing of what is done at a head. A socket that also carried calls
would starve: a few hundred unread heads make a call on it time out.
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from fleet.chain import answers
from fleet.chain.failures import ChainError, NodeUnavailable
from units import BlockHash, BlockNumber, Head

_SEEN_MAX = 512
# a str, so that it goes out as a text frame: some proxies read no binary ones
_SUBSCRIBE = json.dumps(
    {"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}
)


class HeadSource(Protocol):
    """Where heads come from."""

    def heads(self) -> AsyncIterator[Head]:
        """The newest head now if there is one, then every newer one that is not overtaken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadPolicy:
    """How heads are waited for, in wall-clock seconds.

    `poll_s`: between polls while the subscription is silent or there is none.
    `silence_s_max`: without a pushed head, polling begins. 18: a block and a half.
    `redial_s`: without a pushed head, the socket is given up. 60: five blocks.
    `open_s_max`: for the socket to open.
    `backoff_s_min`, `backoff_s_max`: between attempts to subscribe; doubles.
    """

    poll_s: float = 2.0
    silence_s_max: float = 18.0
    redial_s: float = 60.0
    open_s_max: float = 10.0
    backoff_s_min: float = 1.0
    backoff_s_max: float = 30.0


class HeadOrder:
    """Tells a head that is news from one that is not; remembers the last few hundred.

    A lower head is news only as a reorganisation: another block at a height seen before. A lower
    head of unknown height is taken for a node that lags behind.
    """

    def __init__(self) -> None:
        self._seen: dict[BlockNumber, BlockHash] = {}
        self.newest: Head | None = None

    def admit(self, head: Head) -> bool:
        """Is it news? Then it is the newest from now on."""
        if self.newest is not None and head.number <= self.newest.number:
            known = self._seen.get(head.number)
            if known is None or known == head.hash:
                return False
        self._forget(head.number)
        self._seen[head.number] = head.hash
        self.newest = head
        return True

    def _forget(self, number: BlockNumber) -> None:
        """Blocks from `number` on are no longer on the chain; very old ones need no memory."""
        kept = {each: name for each, name in self._seen.items() if each < number}
        self._seen = dict(itertools.islice(kept.items(), max(0, len(kept) - _SEEN_MAX), None))


class EthHeads:
    """`run` keeps it going; any number of consumers iterate over `heads()`."""

    def __init__(
        self,
        *,
        latest: Callable[[], Awaitable[Head]],
        ws_url: str | None,
        policy: HeadPolicy | None = None,
    ) -> None:
        self._latest = latest
        self._ws_url = ws_url
        self._policy = policy or HeadPolicy()
        self._order = HeadOrder()
        self._changed = asyncio.Condition()
        self._pushed_at: float | None = None
        self._arrived_at: float | None = None
        self._poll_problem: str | None = None
        self._push_problem: str | None = None

    @property
    def newest(self) -> Head | None:
        """The newest head so far."""
        return self._order.newest

    def age_s(self) -> float | None:
        """Wall-clock seconds since the newest head came; None before the first.

        A chain or a node that stands still shows here and nowhere else.
        """
        return None if self._arrived_at is None else _now() - self._arrived_at

    @property
    def problem(self) -> str | None:
        """What fails now, in one line; the other way may still deliver."""
        return self._push_problem or self._poll_problem

    async def heads(self) -> AsyncIterator[Head]:
        """The newest head now if there is one, then every newer one that is not overtaken."""
        seen: Head | None = None
        while True:
            async with self._changed:
                while (head := self._order.newest) is None or head == seen:
                    await self._changed.wait()
            seen = head
            yield head

    async def run(self) -> None:
        """Subscribes and polls until cancelled; failures are waited out and told by `problem`."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._poll(), name="heads: poll")
            if self._ws_url is not None:
                tasks.create_task(self._subscribe(self._ws_url), name="heads: subscription")

    async def _poll(self) -> None:
        while True:
            if self._is_silent():
                try:
                    await self._arrive(await self._latest())
                    self._poll_problem = None
                except ChainError as failure:
                    self._poll_problem = f"polling for heads: {failure}"
            await asyncio.sleep(self._policy.poll_s)

    def _is_silent(self) -> bool:
        pushed_at = self._pushed_at
        return pushed_at is None or _now() - pushed_at > self._policy.silence_s_max

    async def _subscribe(self, ws_url: str) -> None:
        backoff_s = self._policy.backoff_s_min
        while True:
            connected_at = _now()
            try:
                await self._listen(ws_url)
            except (OSError, TimeoutError, WebSocketException, ChainError, ValueError) as failure:
                self._push_problem = f"head subscription: {type(failure).__name__}"
            if _now() - connected_at > self._policy.redial_s:
                backoff_s = self._policy.backoff_s_min
            await asyncio.sleep(backoff_s)
            backoff_s = min(2 * backoff_s, self._policy.backoff_s_max)

    async def _listen(self, ws_url: str) -> None:
        """One connection, until it fails or falls silent."""
        async with connect(ws_url, open_timeout=self._policy.open_s_max) as socket:
            await socket.send(_SUBSCRIBE)
            while True:
                async with asyncio.timeout(self._policy.redial_s):
                    message = json.loads(await socket.recv())
                header = _header(message)
                if header is not None:
                    self._pushed_at, self._push_problem = _now(), None
                    await self._arrive(answers.head(header))

    async def _arrive(self, head: Head) -> None:
        if self._order.admit(head):
            self._arrived_at = _now()
            async with self._changed:
                self._changed.notify_all()


def _header(message: Any) -> Any:
    """The header in a notification; None in the answer to the subscription itself."""
    if not isinstance(message, dict) or message.get("error") is not None:
        raise NodeUnavailable("the node does not push heads")
    if message.get("method") != "eth_subscription":
        return None
    return answers.field(message.get("params"), "result")


def _now() -> float:
    return asyncio.get_running_loop().time()

"""A light client as an endpoint: no node's word is taken, every answer is proven to it.

substrate-interface's smoldot runs in a child process (light_node.py) that is killed when it does
not answer. It is ready only once it has peers and a finalized head has arrived: until then its
calls hang, and it is said to be away.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from oracle.sources.client import RefusedError, SourceFailureError, WrongChainError
from units import BlockHash

_PROGRAM = Path(__file__).with_name("light_node.py")
_START_S_MAX = 60.0
_LINE_BYTES_MAX = 16 * 1024 * 1024
_WORDS_BYTES_MAX = 4 * 1024
_SUBSCRIBE = "chain_subscribeFinalizedHeads"
_HEAD = "chain_finalizedHead"

Put = Callable[[Any], None]


class LightNode:
    """One child process and what is asked of it; started at the first `connect`."""

    def __init__(
        self,
        *,
        name: str,
        chain_spec: Path,
        genesis: BlockHash | None,
        program: Path = _PROGRAM,
        start_s_max: float = _START_S_MAX,
    ) -> None:
        """One light client, not started yet.

        Args:
            name: what errors call it.
            chain_spec: of the network, with a checkpoint.
            genesis: the hash of block 0; None: any chain will do.
            program: answers JSON-RPC by lines; tests have others than the light client.
            start_s_max: a child that has said nothing is given so long, a start on a machine with
                other work.
        """
        self._name = name
        self._arguments = (sys.executable, "-P", str(program), str(chain_spec))
        self._genesis = genesis
        self._start_s_max = start_s_max
        self._child: _Child | None = None
        self._starting = asyncio.Lock()

    async def connect(self, answer_s_max: float) -> "LightClient":
        """A client of the child, if it is ready; raises SourceFailureError.

        A child that does not say within `answer_s_max` whether it has peers hangs, and is killed,
        unless it is still starting; the next call starts another.
        """
        child = await self._running()
        try:
            async with asyncio.timeout(answer_s_max):
                await self._see_ready(child)
        except TimeoutError as error:
            if child.is_starting(self._start_s_max):
                raise SourceFailureError(f"{self._name} is starting") from error
            if self._child is child:  # else somebody has started another meanwhile
                await self.kill()
            raise SourceFailureError(f"{self._name} hangs: it was killed") from error
        return LightClient(child)

    async def kill(self) -> None:
        """End the child; may be called twice."""
        child, self._child = self._child, None
        if child is not None:
            await child.kill()

    async def _running(self) -> "_Child":
        async with self._starting:
            if self._child is None or self._child.has_ended:
                await self.kill()
                self._child = await _Child.start(self._arguments)
            return self._child

    async def _see_ready(self, child: "_Child") -> None:
        if child.has_ended:
            raise SourceFailureError(f"{self._name} has ended: {child.last_words}")
        health = await child.request("system_health", [])
        if not isinstance(health, dict) or not health.get("peers"):
            raise SourceFailureError(f"{self._name} has no peers yet")
        if child.newest_head is None:
            raise SourceFailureError(f"{self._name} has no finalized head yet")
        if self._genesis is None:
            return
        found = await child.request("chain_getBlockHash", [0])
        if found != self._genesis:
            raise WrongChainError(f"{self._name} is another chain: its genesis is {found}")


class LightClient:
    """Implements `Client` over the child, whose one subscription all of them share."""

    def __init__(self, child: "_Child") -> None:
        self._child = child
        self._put: Put | None = None

    async def request(self, method: str, params: Sequence[Any]) -> Any:
        """See `Client`."""
        return await self._child.request(method, params)

    def follow(self, method: str, put: Put) -> None:
        """See `Client`; finalized heads are all that can be followed."""
        assert method == _SUBSCRIBE, "the child follows nothing else"
        self._put = put
        self._child.followers.add(put)
        if self._child.has_ended:
            put(SourceFailureError("the light client has ended"))
        elif self._child.newest_head is not None:
            put(self._child.newest_head)

    def abort(self) -> None:
        """See `Client`. The child lives on: others use it, and it would have to sync again."""
        if self._put is not None:
            self._child.followers.discard(self._put)
            self._put(SourceFailureError("the connection was cut"))
            self._put = None


class _Child:
    """A running child process; every request has its own number."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._started = asyncio.get_running_loop().time()
        self._has_spoken = False
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._listening = asyncio.ensure_future(self._listen())
        self._words = asyncio.ensure_future(self._overhear())
        self.newest_head: Any = None
        self.followers: set[Put] = set()
        self.last_words = "no reason given"

    @classmethod
    async def start(cls, arguments: Sequence[str]) -> "_Child":
        """Start it and have it follow finalized heads; raises SourceFailureError."""
        try:
            process = await asyncio.create_subprocess_exec(
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=_LINE_BYTES_MAX,
            )
        except OSError as error:
            raise SourceFailureError(f"the light client can't be started: {error}") from error
        child = cls(process)
        child.send(0, _SUBSCRIBE, [])
        return child

    @property
    def has_ended(self) -> bool:
        """Whether there is nobody to ask any more."""
        return self._listening.done()

    def is_starting(self, start_s_max: float) -> bool:
        """Whether it has not said anything, and need not have yet."""
        age_s = asyncio.get_running_loop().time() - self._started
        return not self._has_spoken and not self.has_ended and age_s < start_s_max

    async def request(self, method: str, params: Sequence[Any]) -> Any:
        """The `result` of one call; waits as long as whoever calls lets it."""
        number = next(self._numbers)
        self._waiting[number] = answer = asyncio.get_running_loop().create_future()
        try:
            self.send(number, method, params)
            return await answer
        finally:
            self._waiting.pop(number, None)

    def send(self, number: int, method: str, params: Sequence[Any]) -> None:
        """Write one request; raises SourceFailureError when nobody reads it."""
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}
        stdin = self._process.stdin
        if self.has_ended or stdin is None or stdin.is_closing():
            raise SourceFailureError(f"the light client has ended: {self.last_words}")
        stdin.write(json.dumps(request).encode() + b"\n")

    async def kill(self) -> None:
        """End it at once, whatever it does."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
        await self._process.wait()
        await self._listening
        await self._words

    async def _listen(self) -> None:
        assert self._process.stdout is not None, "it is a pipe"
        try:
            async for line in self._process.stdout:
                self._hear(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self.last_words = f"it said something else than JSON-RPC: {error!r}"[:200]
        else:
            said = (await self._words).decode(errors="replace").strip()
            self.last_words = (said.splitlines() or [self.last_words])[-1][:200]
        self._end()

    async def _overhear(self) -> bytes:
        """The end of what it wrote for people, read all along: a full pipe would stop it."""
        assert self._process.stderr is not None, "it is a pipe"
        words = b""
        while piece := await self._process.stderr.read(_WORDS_BYTES_MAX):
            words = (words + piece)[-_WORDS_BYTES_MAX:]
        return words

    def _hear(self, message: dict[str, Any]) -> None:
        self._has_spoken = True
        if message.get("method") == _HEAD:
            self.newest_head = message["params"]["result"]
            for put in tuple(self.followers):
                put(self.newest_head)
            return
        answer = self._waiting.get(message.get("id", 0))
        if answer is None or answer.done():
            return
        if "error" in message:
            answer.set_exception(RefusedError(f"refused: {message['error']}"))
        else:
            answer.set_result(message["result"])

    def _end(self) -> None:
        failure = SourceFailureError(f"the light client has ended: {self.last_words}")
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(failure)
        for put in tuple(self.followers):
            put(failure)

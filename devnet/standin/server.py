"""The Subtensor stand-in: a WebSocket server that a real Substrate client takes for a node."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

from devnet.standin.jsonrpc import Params, answer
from devnet.standin.lockstep import LockStep
from devnet.standin.methods import ReadMethods
from devnet.standin.node import CHAIN_NAME, STATE_BLOCKS, Node
from devnet.standin.runtime import RuntimeProfile
from devnet.standin.session import Session, Topic
from devnet.standin.state import MarketOverride
from devnet.tape import Tape
from units import BlockHash, BlockNumber

_HOST = "127.0.0.1"
_REQUEST_BYTES_MAX = 15 * 1024 * 1024
_CLOSE_S_MAX = 1.0
_UNREAD_BYTES_MAX = 4 * 1024 * 1024


Forgery = Callable[[Any], Any]
"""What a node makes of its own true result before it says it."""


@dataclass(slots=True)
class Faults:
    """What a test has the node do wrong, from now on.

    `is_finality_withheld`: no head is finalized. `answer_delay_s`: every answer waits that long.
    `is_mute`: requests are taken and never answered, subscriptions never fed. `forged`: what is
    made of the true results, by method. `split_s`: every answer comes in three pieces, with so
    long a pause between two.
    """

    is_finality_withheld: bool = False
    answer_delay_s: float = 0.0
    is_mute: bool = False
    forged: dict[str, Forgery] = field(default_factory=dict)
    split_s: float | None = None


class SubtensorStandIn:
    """One node that replays a tape; as many as a test likes can stand beside each other.

    Use as an async context manager, or `start` and `stop`. Nothing moves by itself: `advance` it,
    or `import_block` and `lock_step.release` when bots take part in lock-step.

    Every block hash, the genesis included, follows from `chain_name` and `start`: nodes that share
    both are nodes of one chain.

    Attributes:
        node: blocks, state, overrides.
        faults: what it does wrong.
        lock_step: who takes part in lock-step.
        asked: how often each method was called.
    """

    def __init__(
        self,
        tape: Tape,
        *,
        start: BlockNumber | None = None,
        finality_lag: int = 2,
        runtime: RuntimeProfile | None = None,
        state_blocks: int | None = STATE_BLOCKS,
        turn_s_max: float = 60.0,
        chain_name: str = CHAIN_NAME,
    ) -> None:
        self.node = Node(
            tape=tape,
            start=tape.first_block if start is None else start,
            runtime=runtime or RuntimeProfile.synthetic(),
            finality_lag=finality_lag,
            state_blocks=state_blocks,
            chain_name=chain_name,
        )
        self.faults = Faults()
        self.asked: Counter[str] = Counter()
        self.lock_step = LockStep(publish=self.finalize, turn_s_max=turn_s_max)
        self._reads = ReadMethods(self.node)
        self._connections: dict[ServerConnection, Session] = {}
        self._server: Server | None = None
        self._port = 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """Where it listens; stays the same over `stop` and `start`."""
        return f"ws://{_HOST}:{self._port}"

    @property
    def is_up(self) -> bool:
        """Between `start` and `stop`."""
        return self._server is not None

    @property
    def genesis(self) -> BlockHash:
        """The hash of block 0."""
        return self.node.chain.genesis

    @property
    def best(self) -> BlockNumber:
        """The highest block."""
        return self.node.best

    @property
    def finalized(self) -> BlockNumber:
        """The last finalized block that was shown."""
        return self.node.finalized

    async def start(self, port: int = 0) -> None:
        """Listen on the loopback interface; port 0 picks a free one, or takes up the last one."""
        self._server = await serve(
            self._serve,
            _HOST,
            port or self._port,
            compression=None,
            max_size=_REQUEST_BYTES_MAX,
            close_timeout=_CLOSE_S_MAX,
            # The blocking client answers pings only while it waits for something.
            ping_interval=None,
        )
        self._port = next(
            listening.getsockname()[1]
            for listening in self._server.sockets
            if listening.family == socket.AF_INET
        )

    async def stop(self) -> None:
        """Close every connection and stop listening: the node is down."""
        if self._server is None:
            return
        self._server.close()
        try:
            async with asyncio.timeout(2 * _CLOSE_S_MAX):
                await self._server.wait_closed()
        except TimeoutError:
            # A client that never reads can't be told good-bye.
            self.drop_connections()
            await self._server.wait_closed()
        self._server = None

    def advance(self, best: BlockNumber) -> None:
        """Have blocks up to `best` and finalize those `finality_lag` behind, at once.

        As a real node does when several blocks become final together, subscribers hear of the
        last one only.

        Raises:
            ValueError: `best` is below the present one.
            TapeError: the tape has ended before it.
        """
        self.import_block(best)
        self.finalize(self.node.lagging(best))

    def import_block(self, best: BlockNumber) -> None:
        """Have blocks up to `best`, none of them final yet; raises as `advance`."""
        version = self.node.profile_at(self.best)
        is_new = best > self.best
        self.node.import_block(best)
        if is_new:
            self._publish(Topic.BEST)
            self._publish(Topic.ALL)
        if self.node.profile_at(best) != version:
            self._publish(Topic.RUNTIME)

    def finalize(self, block: BlockNumber) -> bool:
        """Finalize a block and show it to the subscribers; whether it is new and not withheld."""
        if self.faults.is_finality_withheld or not self.finalized < block <= self.best:
            return False
        self.node.finalized = block
        self._publish(Topic.FINALIZED)
        return True

    def reorganise(self, first: BlockNumber) -> None:
        """Replace all blocks from `first` on by others of the same heights and contents.

        Raises:
            ValueError: `first` is final already, or does not exist.
        """
        self.node.reorganise(first)
        self._publish(Topic.BEST)
        self._publish(Topic.ALL)

    async def release(self, best: BlockNumber) -> None:
        """Have blocks up to `best` and give everybody in lock-step a turn at it.

        Raises:
            LateParticipantError: somebody did not finish; also as `advance`.
        """
        self.import_block(best)
        await self.lock_step.release(best, self.node.lagging(best))

    def upgrade_at(self, block: BlockNumber, profile: RuntimeProfile) -> None:
        """From this future block on another runtime rules; ValueError for a block that exists."""
        self.node.upgrade_at(block, profile)

    def override(self, override: MarketOverride) -> None:
        """Change what the node says of one subnet; later overrides go on top of earlier ones."""
        self.node.overrides.append(override)

    def drop_connections(self) -> None:
        """Cut every connection without a word, as a dying node does; new ones are taken."""
        for connection in list(self._connections):
            connection.transport.abort()

    def _publish(self, topic: Topic) -> None:
        if self.faults.is_mute:
            return
        for session in list(self._connections.values()):
            session.publish(topic)

    async def _serve(self, connection: ServerConnection) -> None:
        session = Session(
            node=self.node,
            reads=self._reads,
            lock_step=self.lock_step,
            send=lambda message: _tell(connection, message),
        )
        self._connections[connection] = session
        try:
            await self._answer_all(connection, session)
        except ConnectionClosed:
            return  # a client may go whenever it likes
        finally:
            del self._connections[connection]
            session.close()

    async def _answer_all(self, connection: ServerConnection, session: Session) -> None:
        async for message in connection:
            if self.faults.answer_delay_s:
                await _dawdle(connection, self.faults.answer_delay_s)
            if self.faults.is_mute:
                continue
            answered = answer(message, lambda *asked: self._said(session, *asked))
            if answered is not None:
                await connection.send(self._pieces(answered))
            session.activate()

    def _said(self, session: Session, method: str, params: Params) -> Any:
        self.asked[method] += 1
        true = session.call(method, params)
        forge = self.faults.forged.get(method)
        return true if forge is None else forge(true)

    def _pieces(self, answered: str) -> str | AsyncIterator[str]:
        pause_s = self.faults.split_s
        return answered if pause_s is None else _in_pieces(answered, pause_s)


async def _dawdle(connection: ServerConnection, seconds: float) -> None:
    """So long, and no longer than there is somebody who waits for the answer."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await connection.wait_closed()


async def _in_pieces(text: str, pause_s: float) -> AsyncIterator[str]:
    third = len(text) // 3 + 1
    for start in range(0, len(text), third):
        yield text[start : start + third]
        await asyncio.sleep(pause_s)


def _tell(connection: ServerConnection, message: str) -> None:
    """Send without waiting; a client that never reads is cut off, as a node's limit would do."""
    if connection.transport.get_write_buffer_size() > _UNREAD_BYTES_MAX:
        connection.transport.abort()
        return
    broadcast((connection,), message)

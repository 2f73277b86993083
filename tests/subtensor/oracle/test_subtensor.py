"""The real client against the stand-in, over a loopback socket."""

import asyncio
import socket
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from devnet.standin import MarketOverride, RuntimeProfile, SubtensorStandIn
from devnet.tape import Tape, TapeRow
from oracle.aggregation import aggregate
from oracle.quotes import Identity, NoPrice, NoPriceReason, Price, Reading, SourceHead, Unavailable
from oracle.sources.lone_client import LoneClient, SeverableSocket
from oracle.sources.policy import SourcePolicy
from oracle.sources.subtensor import SubtensorEndpoint
from units import BLOCK_TIME, BlockHash, BlockNumber, Netuid, Rao, Timestamp

pytestmark = pytest.mark.subtensor

SN, OTHER = Netuid(64), Netuid(8)
FIRST = BlockNumber(5_000_000)
START = BlockNumber(FIRST + 50)
POLICY = SourcePolicy(
    request_s_max=120, metadata_s_max=240, backoff_s_first=0.02, backoff_s_max=0.05
)
SOON_S = 30.0
"""Long for a busy machine, and far less than a wait on the socket lasts."""
THREAD = "subtensor"


def made_up(blocks: int = 400) -> Tape:
    """A price a block: different at every block and for every subnet."""
    return Tape.of_rows(
        [
            TapeRow(
                block=BlockNumber(FIRST + number),
                time=Timestamp(1_741_300_000 + number * BLOCK_TIME),
                prices={SN: Rao(200_000_000 + number), OTHER: Rao(70_000_000 + 3 * number)},
            )
            for number in range(blocks)
        ]
    )


@asynccontextmanager
async def standing_in(**options: object) -> AsyncIterator[SubtensorStandIn]:
    async with SubtensorStandIn(made_up(), start=START, **options) as node:  # type: ignore[arg-type]
        yield node


@pytest.fixture
async def node() -> AsyncIterator[SubtensorStandIn]:
    async with standing_in() as node:
        yield node


@pytest.fixture(autouse=True)
async def _no_thread_is_left() -> AsyncIterator[None]:
    yield
    async with asyncio.timeout(SOON_S):  # a thread that nobody woke is still there
        while any(thread.name.startswith(THREAD) for thread in threading.enumerate()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def endpoint(
    node: SubtensorStandIn,
    *,
    policy: SourcePolicy = POLICY,
    genesis: BlockHash | None = None,
    reported: list[str] | None = None,
) -> SubtensorEndpoint:
    return SubtensorEndpoint(
        url=node.url,
        markets=(SN, OTHER),
        policy=policy,
        genesis=genesis or node.genesis,
        report=([] if reported is None else reported).append,
    )


def head_of(node: SubtensorStandIn, number: int) -> SourceHead:
    block = BlockNumber(number)
    return SourceHead(number=block, hash=node.node.chain.hash_of(block))


def pins(node: SubtensorStandIn) -> dict[Netuid, BlockNumber]:
    tape = node.node.tape
    return {netuid: tape.registered_at(netuid) or BlockNumber(0) for netuid in (SN, OTHER)}


async def reasons(source: SubtensorEndpoint, node: SubtensorStandIn) -> dict[Netuid, str]:
    """What is wrong with each market at the finalized head; "" where it has a price."""
    said = await source.read(head_of(node, node.finalized))
    priced = aggregate(said, (SN, OTHER), pins(node))
    return {
        netuid: each.reason.name if isinstance(each, NoPrice) else ""
        for netuid, each in priced.items()
    }


async def test_heads__blocks_become_final__come_in_order_with_their_true_hashes(
    node: SubtensorStandIn,
) -> None:
    async with endpoint(node) as source, aclosing(source.heads()) as heads:
        seen = [await anext(heads)]
        for _ in range(20):
            node.advance(BlockNumber(node.best + 1))
            seen.append(await anext(heads))
    first = START - 2
    assert seen == [head_of(node, number) for number in range(first, first + 21)]


async def test_read__every_finalized_head__says_what_the_tape_says(node: SubtensorStandIn) -> None:
    tape = node.node.tape
    async with endpoint(node) as source, aclosing(source.heads()) as heads:
        async for head in heads:
            said = await source.read(head)
            assert isinstance(said, Reading)
            row = tape.row_at(head.number)
            assert said.prices == {Netuid(0): 10**9, **row.prices}
            assert said.block.time == row.time
            assert said.identities == {
                netuid: Identity(exists=True, registered_at=pins(node)[netuid], mechanism=1)
                for netuid in (SN, OTHER)
            }
            if head.number == START + 10:
                break
            node.advance(BlockNumber(node.best + 1))


async def test_finalized_and_block__asked_for__are_the_nodes(node: SubtensorStandIn) -> None:
    async with endpoint(node) as source:
        assert await source.finalized() == head_of(node, START - 2)
        assert await source.block(BlockNumber(START - 20)) == head_of(node, START - 20)
        assert isinstance(await source.block(BlockNumber(START + 99)), Unavailable)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"exists": False}, NoPriceReason.UNKNOWN_SUBNET),
        ({"registered_at": BlockNumber(START + 1)}, NoPriceReason.REREGISTERED),
        ({"mechanism": 0}, NoPriceReason.NOT_DYNAMIC),
        ({"price": Rao(0)}, NoPriceReason.ZERO_PRICE),
    ],
)
async def test_read__a_subnet_is_changed__only_that_one_has_no_price_from_that_block_on(
    node: SubtensorStandIn, change: dict[str, object], reason: NoPriceReason
) -> None:
    node.override(
        MarketOverride(netuid=SN, first=BlockNumber(START + 1), **change)  # type: ignore[arg-type]
    )
    async with endpoint(node) as source:
        node.advance(BlockNumber(START + 2))
        assert await reasons(source, node) == {SN: "", OTHER: ""}
        node.advance(BlockNumber(START + 3))
        assert await reasons(source, node) == {SN: reason.name, OTHER: ""}


async def test_read__the_runtime_has_no_price_api__is_said_as_such() -> None:
    async with (
        standing_in(runtime=RuntimeProfile.synthetic(has_price_api=False)) as node,
        endpoint(node) as source,
    ):
        assert await reasons(source, node) == {SN: "NO_PRICE_API", OTHER: "NO_PRICE_API"}


async def test_read__the_state_is_gone__is_unavailable_and_the_next_read_is_not(
    node: SubtensorStandIn,
) -> None:
    async with endpoint(node) as source:
        old = head_of(node, START - 2)
        node.advance(BlockNumber(START + 340))
        said = await source.read(old)
        assert isinstance(said, Unavailable)
        assert "discarded" in said.detail
        assert await reasons(source, node) == {SN: "", OTHER: ""}


async def test_read__another_chain__is_refused() -> None:
    other_genesis = BlockHash("0x" + "ab" * 32)
    async with standing_in() as node, endpoint(node, genesis=other_genesis) as source:
        said = await source.read(head_of(node, START - 2))
        assert isinstance(said, Unavailable)
        assert "is another chain" in said.detail


async def test_read__the_node_dies_and_comes_back__is_unavailable_meanwhile(
    node: SubtensorStandIn,
) -> None:
    async with endpoint(node) as source:
        head = head_of(node, START - 2)
        assert isinstance(await source.read(head), Reading)
        await node.stop()
        for _ in range(3):
            assert isinstance(await source.read(head), Unavailable)
        await node.start()
        assert isinstance(await source.read(head), Reading)


async def test_read__the_connection_is_cut__one_read_fails_at_most(node: SubtensorStandIn) -> None:
    async with endpoint(node) as source:
        head = head_of(node, START - 2)
        for _ in range(5):
            assert isinstance(await source.read(head), Reading)
            node.drop_connections()
            await asyncio.sleep(0.01)
            assert isinstance(await source.read(head), Unavailable)


async def test_heads__the_node_dies_and_comes_back__go_on_without_a_repeat(
    node: SubtensorStandIn,
) -> None:
    reported: list[str] = []
    async with endpoint(node, reported=reported) as source, aclosing(source.heads()) as heads:
        assert await anext(heads) == head_of(node, START - 2)
        await node.stop()
        await asyncio.sleep(0.2)
        await node.start()
        node.advance(BlockNumber(START + 7))
        async with asyncio.timeout(SOON_S):
            assert await anext(heads) == head_of(node, START + 5)
    assert reported


async def test_heads__the_node_falls_silent__the_subscription_is_set_up_again(
    node: SubtensorStandIn,
) -> None:
    reported: list[str] = []
    policy = SourcePolicy(heads_gap_s_max=0.2, backoff_s_first=0.02, backoff_s_max=0.05)
    async with (
        endpoint(node, policy=policy, reported=reported) as source,
        aclosing(source.heads()) as heads,
    ):
        await anext(heads)
        waiting = asyncio.ensure_future(anext(heads))
        async with asyncio.timeout(SOON_S):
            while not any("none came for" in line or "timed out" in line for line in reported):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            node.advance(BlockNumber(START + 1))
            assert await waiting == head_of(node, START - 1)


async def test_read__the_node_is_slow__gives_up_in_time(node: SubtensorStandIn) -> None:
    policy = SourcePolicy(request_s_max=0.1)
    async with endpoint(node, policy=policy) as source:
        head = head_of(node, START - 2)
        node.faults.answer_delay_s = 600
        async with asyncio.timeout(SOON_S):
            assert isinstance(await source.read(head), Unavailable)


async def test_close__everything_waits__everything_ends_soon(
    node: SubtensorStandIn,
) -> None:
    async with endpoint(node) as source:
        heads = source.heads()
        head = await anext(heads)
        following = asyncio.ensure_future(_rest_of(heads))
        assert isinstance(await source.read(head), Reading)
        node.faults.answer_delay_s = 600
        reading = asyncio.ensure_future(source.read(head))
        await asyncio.sleep(0.1)
        source.close()
        async with asyncio.timeout(SOON_S):
            assert isinstance(await reading, Unavailable)
            assert await following == []


async def test_close__the_node_never_shakes_hands__everything_ends_soon() -> None:
    met = asyncio.Semaphore(0)

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.release()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(mute, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"ws://127.0.0.1:{port}"
        async with SubtensorEndpoint(url=url, markets=(SN,), policy=POLICY) as source:
            following = asyncio.ensure_future(_rest_of(source.heads()))
            finalized = asyncio.ensure_future(source.finalized())
            for _ in range(2):
                await met.acquire()
            source.close()
            async with asyncio.timeout(SOON_S):
                assert isinstance(await finalized, Unavailable)
                assert await following == []
            assert isinstance(await source.finalized(), Unavailable)


def test_sever__before_the_connection_stands__it_is_cut_as_soon_as_it_does() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        client = SeverableSocket(timeout_s=1)
        client.sever()
        client.sock = ours
        assert theirs.recv(1) == b""  # the other side hears of the end
        assert ours.recv(1) == b""


async def test_follow__cut_before_it_began__says_so_and_raises_nothing(
    node: SubtensorStandIn,
) -> None:
    client = LoneClient(name="it", url=node.url, socket_s_max=SOON_S, genesis=None)
    await client.connect()
    client.abort()
    said: list[object] = []
    client.follow("chain_subscribeFinalizedHeads", said.append)
    assert [str(each) for each in said] == ["the connection was cut"]


async def _rest_of(heads: AsyncGenerator[SourceHead, None]) -> list[SourceHead]:
    async with aclosing(heads):
        return [head async for head in heads]


async def test_heads__a_slow_reader__gets_the_newest_only(node: SubtensorStandIn) -> None:
    async with endpoint(node) as source, aclosing(source.heads()) as heads:
        await anext(heads)
        for _ in range(30):
            node.advance(BlockNumber(node.best + 1))
            await asyncio.sleep(0)
        async with asyncio.timeout(SOON_S):
            newest = START - 2
            while newest < START + 28:
                newest = (await anext(heads)).number


async def test_read__many_at_once__take_turns_and_are_all_right(node: SubtensorStandIn) -> None:
    async with endpoint(node) as source:
        node.advance(BlockNumber(START + 20))
        numbers = range(START, START + 18)
        async with asyncio.TaskGroup() as tasks:
            said = [tasks.create_task(source.read(head_of(node, number))) for number in numbers]
        for number, task in zip(numbers, said, strict=True):
            each = task.result()
            assert isinstance(each, Reading)
            assert each.prices is not None
            assert each.prices[SN] == 200_000_000 + number - FIRST
            assert isinstance(aggregate(each, (SN,), pins(node))[SN], Price)

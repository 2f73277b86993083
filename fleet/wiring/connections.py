"""Opens what a process talks to: nodes, Subtensor, the database, its key, what wakes it."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Protocol

from asyncio_throttle.throttler import Throttler

from fleet.chain.endpoint import Endpoint
from fleet.chain.failures import NodeUnavailable
from fleet.chain.heads import EthHeads
from fleet.chain.node import Node
from fleet.chain.pool import Pool
from fleet.chain.subscription import Socket
from fleet.chain.throttle import Urgency
from fleet.chain.tracing import ChainListener, Tracer
from fleet.runtime.clock import Clock
from fleet.runtime.lockstep import LockstepClient
from fleet.runtime.service import Service
from fleet.settings import EvmEndpoint, Settings
from fleet.settings import SubtensorEndpoint as SubtensorSettingsEndpoint
from fleet.store.checkpoint import CheckpointFile
from fleet.store.engine import Database, StoreError, open_database
from fleet.store.stamp import Stamp, claim, recognise
from fleet.wiring import node_policies, policies
from fleet.wiring.chain_rhythm import ChainRhythm
from fleet.wiring.lockstep_rhythm import LockstepRhythm
from fleet.wiring.rhythm import FinalizedHeads, Rhythm
from fleet.wiring.watch import watching
from keepers.liquidation.checkpoint import Stamp as BookStamp
from oracle.sources.endpoint import Endpoint as SourceEndpoint
from oracle.sources.layouts import DecodeLayout, SharedDecoding
from oracle.sources.light import LightNode
from oracle.sources.quorum import QuorumSource
from oracle.sources.runtime import decode_layout
from oracle.sources.subtensor import SubtensorEndpoint
from protocol.deployment import Deployment
from units import Address, BlockHash, BlockNumber, Netuid


class Check(Protocol):
    """Nodes that say which chain they serve; `fleet.chain.node.Node` is one."""

    async def check(self) -> None:
        """Raises WrongChain when all serve another, NodeUnavailable when not one serves it."""
        ...


@asynccontextmanager
async def open_node(settings: Settings, only: str | None = None) -> AsyncIterator[Node]:
    """The chain behind the configured endpoints; chain ids are checked at first use.

    Args:
        settings: the fleet's.
        only: the name of one endpoint, to hear what it alone says.
    """
    named = zip(settings.evm.names, settings.evm.endpoints, strict=True)
    opened = [_endpoint(settings, *each) for each in named if only in {None, each[0]}]
    genesis = _block_hash(settings.evm.genesis)
    policy = node_policies.pool(settings)
    pool = Pool(
        opened,
        chain_id=settings.network.chain_id,
        genesis=genesis,
        policy=policy if only is None else replace(policy, agreement=1),
    )
    known = settings.evm.known_event_block
    node = Node(
        pool,
        log_policy=node_policies.logs(settings),
        genesis=genesis,
        landmarks=() if known is None else (known,),
    )
    try:
        yield node
    finally:
        await node.close()


def _endpoint(settings: Settings, name: str, endpoint: EvmEndpoint) -> Endpoint:
    evm = settings.evm
    return Endpoint(
        name=name,
        operator=endpoint.operator,
        url=endpoint.address(),
        rate=node_policies.rate(endpoint, evm.reserved_share_percent),
        timeout_s=evm.timeout_s,
        batch_max=evm.batch_max,
    )


def _block_hash(found: str | None) -> BlockHash | None:
    return None if found is None else BlockHash(found)


@asynccontextmanager
async def open_source(
    settings: Settings, report: Callable[[str, str], None]
) -> AsyncIterator[QuorumSource]:
    """Every Subtensor endpoint as one; `report` hears whose subscription broke, and how."""
    subtensor, decode = settings.subtensor, SharedDecoding(decode_layout)
    async with AsyncExitStack() as closing:
        endpoints = [
            SourceEndpoint(
                name=name,
                operator=endpoint.operator,
                source=await closing.enter_async_context(
                    subtensor_endpoint(
                        settings, name, endpoint, partial(report, name), decode=decode
                    )
                ),
            )
            for name, endpoint in zip(subtensor.names, subtensor.endpoints, strict=True)
        ]
        yield await closing.enter_async_context(QuorumSource(endpoints, policies.quorum(settings)))


def subtensor_endpoint(
    settings: Settings,
    name: str,
    endpoint: SubtensorSettingsEndpoint,
    report: Callable[[str], None],
    *,
    any_chain: bool = False,
    decode: DecodeLayout = decode_layout,
) -> SubtensorEndpoint:
    """One endpoint, to be entered; `any_chain` to be told which chain it serves."""
    rate = node_policies.rate(endpoint, 0)
    genesis = None if any_chain else BlockHash(settings.subtensor.genesis)
    spec = endpoint.chain_spec
    return SubtensorEndpoint(
        url=endpoint.address() if spec is None else "",
        light=None if spec is None else LightNode(name=name, chain_spec=spec, genesis=genesis),
        name=name,
        markets=market_netuids(settings),
        policy=policies.source(settings),
        genesis=genesis,
        throttle=None if rate is None else Throttler(rate.requests, rate.period_s),
        report=report,
        decode=decode,
    )


@asynccontextmanager
async def open_store(settings: Settings, node: Node) -> AsyncIterator[Database]:
    """The database, which must belong to this chain and exchange.

    Raises:
        StoreError: it can't be opened, or belongs to another world.
    """
    database = await open_database(settings.store_address)
    try:
        stamp = Stamp(
            chain_id=settings.network.chain_id,
            genesis=await node.genesis(),
            exchange=Address(settings.contracts.exchange),
        )
        await claim(database, stamp)
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def open_archive(settings: Settings) -> AsyncIterator[Database]:
    """The database as it lies there, to look something up: no node needs to answer.

    Raises:
        StoreError: there is none, it can't be opened, or it belongs to another exchange.
    """
    file = settings.store.file(settings.network.name)
    if file is not None and not file.exists():
        raise StoreError(f"there is no store {file}: name the fleet's own in store.sqlite_file")
    database = await open_database(settings.store_address)
    try:
        exchange = Address(settings.contracts.exchange)
        await recognise(database, chain_id=settings.network.chain_id, exchange=exchange)
        yield database
    finally:
        await database.close()


def open_checkpoint(settings: Settings, name: str) -> CheckpointFile:
    """The file of the book for all processes of that name."""
    return CheckpointFile(
        settings.store.book(settings.network.name, name),
        BookStamp(
            chain_id=settings.network.chain_id, exchange=Address(settings.contracts.exchange)
        ),
    )


def open_rhythm(
    settings: Settings,
    *,
    node: Node,
    source: FinalizedHeads,
    clock: Clock,
    changes: ChainListener,
) -> Rhythm:
    """What wakes the bots: the chains, or a devnet that waits for them."""
    if settings.lockstep.url is not None:
        client = LockstepClient(settings.lockstep.url)
        return LockstepRhythm(client=client, node=node, source=source)
    heads = EthHeads(
        latest=node.head,
        sockets=_sockets(settings),
        chain_id=settings.network.chain_id,
        policy=node_policies.heads(settings),
        tracer=Tracer(block=partial(node.block, urgency=Urgency.BACKFILL), listener=changes),
        listener=changes,
    )
    return ChainRhythm(
        heads=heads,
        source=source,
        quiet_blocks=settings.oracle.quiet_blocks,
        services=(watching(heads, clock, stall_s=settings.evm.head_stall_s),),
    )


def _sockets(settings: Settings) -> tuple[Socket, ...]:
    evm = settings.evm
    own = [Socket(name=each.operator, url=each.address()) for each in evm.subscriptions]
    short = [] if evm.ws_url is None else [Socket(name="evm.ws_url", url=evm.ws_url)]
    return (*own, *short)


def checking(node: Check, clock: Clock, *, every_s: float) -> Service:
    """A service: sees to it that nodes serve the configured chain, once one does.

    The service raises WrongChain when none does: that is a configuration to correct, while a node
    that is down comes back, and one alone that says another chain must not end the fleet.
    """

    async def check() -> None:
        while True:
            try:
                await node.check()
            except NodeUnavailable as failure:
                await clock.sleep(max(every_s, failure.retry_after_s))
            else:
                return

    return check


def node_services(settings: Settings, node: Node, clock: Clock) -> tuple[Service, ...]:
    """What keeps an eye on the nodes; in lock-step there is one, and no time of its own."""
    check = checking(node, clock, every_s=settings.evm.poll_s)
    return (check,) if policies.is_lockstep(settings) else (check, node.watch)


def deployment(settings: Settings) -> Deployment:
    """Where the exchange stands; not every one has a router."""
    contracts, router = settings.contracts, settings.contracts.keeper_router
    return Deployment(
        exchange=Address(contracts.exchange),
        price_feed=Address(contracts.price_feed),
        keeper_router=None if router is None else Address(router),
    )


def market_netuids(settings: Settings) -> tuple[Netuid, ...]:
    """The markets that are served, in the configuration's order."""
    return tuple(market.netuid for market in settings.enabled_markets)


def pins(settings: Settings) -> Mapping[Netuid, BlockNumber]:
    """The registration blocks that are confirmed; a market without one gets no price."""
    return {
        market.netuid: market.registered_at
        for market in settings.enabled_markets
        if market.registered_at is not None
    }

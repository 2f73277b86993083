"""Finds out the facts that `keepers doctor` judges. Nothing here raises for a silent endpoint."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from eth_abi.exceptions import DecodingError

from fleet.chain.failures import ChainError, NodeUnavailable, WrongChain
from fleet.chain.node import Node
from fleet.runtime.clock import Clock
from fleet.settings import Settings, SettingsError, SubtensorEndpoint, Workload
from fleet.wiring import connections
from fleet.wiring.code_judgement import hash_of
from fleet.wiring.facts import (
    AccountFacts,
    AdminCall,
    ContractFacts,
    MarketFacts,
    NodeFacts,
    RoleFacts,
    SourceFacts,
    Unread,
)
from fleet.wiring.signing import open_signer
from oracle.ports import PriceSource
from oracle.quotes import Reading, Unavailable
from oracle.sources.endpoint import Source
from protocol import calls
from protocol.abi import decode_output, entry
from protocol.deployment import Deployment
from protocol.markets import netuid_of
from protocol.roles import Role, keeper, of_router, reporter
from units import Address, BlockNumber, Bps, Netuid, Seconds

REPORTERS = frozenset({Workload.ALL, Workload.FEEDER, Workload.OPERATOR, Workload.STANDBY})
KEEPERS = frozenset(Workload)
"""The feeder liquidates in the same transaction; every workload that signs needs this one."""

_NEEDS_NODE = "needs a node that answers"
_OTHER_CHAIN = "remove it from evm.endpoints or correct network.chain_id"
_MEND_KEY = "mend that file, or the key in [keys] that names it; until then no key is looked at"


class WorldInspector:
    """Asks each endpoint by itself, and the chain about contracts, keys, roles and markets."""

    def __init__(
        self,
        *,
        settings: Settings,
        node: Node,
        source: PriceSource,
        deployment: Deployment,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._node = node
        self._source = source
        self._deployment = deployment
        self._clock = clock

    async def nodes(self) -> Mapping[str, NodeFacts | Unread]:
        """Every EVM endpoint by its name."""
        return {name: await self._node_facts(name) for name in self._settings.evm.names}

    async def sources(self) -> Mapping[str, SourceFacts | Unread]:
        """Every Subtensor endpoint by its name."""
        subtensor = self._settings.subtensor
        named = zip(subtensor.names, subtensor.endpoints, strict=True)
        return {name: await self._source_facts(name, endpoint) for name, endpoint in named}

    async def contracts(self) -> tuple[ContractFacts, ...] | Unread:
        """The exchange's contracts."""
        try:
            return tuple(
                [
                    ContractFacts(
                        name=name, address=at, code_hash=hash_of(await self._node.code(at))
                    )
                    for name, at in self._addresses()
                ]
            )
        except ChainError as error:
            return Unread(reason=str(error))

    async def accounts(self) -> tuple[AccountFacts, ...] | Unread:
        """Every configured key with its balance."""
        try:
            return tuple(
                [
                    AccountFacts(
                        workload=workload.value,
                        address=address,
                        balance=await self._node.balance(address),
                    )
                    for workload, address in (await self._keys()).items()
                ]
            )
        except SettingsError as error:
            return Unread(reason=str(error), remedy=_MEND_KEY)
        except ChainError as error:
            return Unread(reason=str(error))

    async def roles(self) -> tuple[RoleFacts, ...] | Unread:
        """Every role that a configured key or the router needs."""
        try:
            return await self._roles(await self._keys())
        except SettingsError as error:
            return Unread(reason=str(error), remedy=_MEND_KEY)

    async def roles_of(
        self, workload: Workload, account: Address
    ) -> tuple[RoleFacts, ...] | Unread:
        """Every role that one key, or the router for it, needs."""
        return await self._roles({workload: account})

    async def _roles(self, keys: Mapping[Workload, Address]) -> tuple[RoleFacts, ...] | Unread:
        try:
            needed = list(self._needed(keys))
            return tuple([await self._role_facts(role, why) for role, why in needed])
        except NodeUnavailable as error:
            return Unread(reason=str(error), remedy=_NEEDS_NODE)
        except (ChainError, DecodingError) as error:
            return Unread(reason=str(error))

    def clearing(self, netuids: Sequence[Netuid]) -> AdminCall:
        """See `fleet.cli.ports.Inspector`."""
        return AdminCall(
            to=self._deployment.price_feed,
            data=calls.resume(netuids),
            text=f"PriceFeed.resume([{', '.join(map(str, netuids))}])",
        )

    async def markets(self) -> tuple[MarketFacts, ...] | Unread:
        """Every enabled market, as the exchange and Subtensor have it."""
        netuids = connections.market_netuids(self._settings)
        try:
            exchange = self._deployment.exchange
            data = await self._node.call(exchange, calls.markets(netuids), "latest")
            views = decode_output("Exchange", "markets", data)[0]
        except NodeUnavailable as error:
            return Unread(reason=str(error), remedy=_NEEDS_NODE)
        except (ChainError, DecodingError) as error:
            return Unread(reason=str(error))
        registered = await self._registrations()
        return tuple(_market_facts(view, registered) for view in views)

    async def _node_facts(self, name: str) -> NodeFacts | Unread:
        try:
            async with connections.open_node(self._settings, only=name) as node:
                head = await node.head()
        except WrongChain as error:
            return Unread(reason=str(error), remedy=_OTHER_CHAIN)
        except (ChainError, SettingsError) as error:
            return Unread(reason=str(error))
        return NodeFacts(
            chain_id=self._settings.network.chain_id,  # or WrongChain was raised
            head=head.number,
            head_time=head.time,
            read_at=self._clock.now(),
        )

    async def _source_facts(self, name: str, endpoint: SubtensorEndpoint) -> SourceFacts | Unread:
        try:
            async with connections.subtensor_endpoint(
                self._settings, name, endpoint, lambda _: None, any_chain=True
            ) as source:
                return await _source_facts(source)
        except SettingsError as error:
            return Unread(reason=str(error))

    async def _registrations(self) -> Mapping[Netuid, BlockNumber | None] | Unread:
        head = await self._source.finalized()
        reading = head if isinstance(head, Unavailable) else await self._source.read(head.number)
        if isinstance(reading, Unavailable):
            return Unread(reason=reading.detail)
        if reading.identities is None:
            return Unread(reason=reading.detail)
        return {
            netuid: identity.registered_at if identity.exists else None
            for netuid, identity in reading.identities.items()
        }

    async def _keys(self) -> dict[Workload, Address]:
        async with AsyncExitStack() as closing:
            signers = {w: await open_signer(self._settings, w, closing) for w in Workload}
        return {w: signer.address for w, signer in signers.items() if signer is not None}

    def _needed(self, keys: Mapping[Workload, Address]) -> Iterator[tuple[Role, str]]:
        yield from ((role, "pushAndLiquidate") for role in of_router(self._deployment))
        for workload, address in keys.items():
            if workload in REPORTERS:
                yield reporter(self._deployment, address), f"the key of {workload}"
            yield keeper(self._deployment, address), f"the key of {workload}"

    async def _role_facts(self, role: Role, why: str) -> RoleFacts:
        data = await self._node.call(role.at, role.question, "latest")
        return RoleFacts(
            role=role.name,
            contract=role.contract,
            account=role.account,
            needed_for=why,
            is_granted=decode_output(role.contract, "hasRole", data)[0],
            grant=AdminCall(to=role.at, data=role.grant, text=role.grant_text),
        )

    def _addresses(self) -> Iterator[tuple[str, Address]]:
        yield "exchange", self._deployment.exchange
        yield "price_feed", self._deployment.price_feed
        if self._deployment.keeper_router is not None:
            yield "keeper_router", self._deployment.keeper_router


async def _read(source: Source) -> Reading | Unavailable:
    head = await source.finalized()
    return head if isinstance(head, Unavailable) else await source.read(head)


async def _source_facts(source: Source) -> SourceFacts | Unread:
    genesis = await source.block(BlockNumber(0))
    reading = await _read(source)
    if isinstance(genesis, Unavailable):
        return Unread(reason=genesis.detail)
    if isinstance(reading, Unavailable):
        return Unread(reason=reading.detail)
    return SourceFacts(
        genesis=genesis.hash,
        spec_version=reading.block.spec_version,
        finalized=reading.block.number,
        has_price_api=reading.prices is not None,
        has_identities=reading.identities is not None,
    )


def _market_facts(
    view: tuple[Any, ...], registered: Mapping[Netuid, BlockNumber | None] | Unread
) -> MarketFacts:
    names = _names()
    market = dict(zip(names[0], view, strict=True))
    parameters = dict(zip(names[1], market["parameters"], strict=True))
    netuid = netuid_of(int(market["market"], 16))
    return MarketFacts(
        netuid=netuid,
        is_listed=market["listed"],
        registered_at=registered if isinstance(registered, Unread) else registered[netuid],
        trading_price_age=Seconds(parameters["tradingAgeMax"]),
        open_fee=Bps(parameters["openFeeBps"]),
        close_fee=Bps(parameters["closeFeeBps"]),
        maintenance=Bps(parameters["maintenanceBps"]),
        funding_interval=Seconds(parameters["fundingInterval"]),
    )


def _names() -> tuple[list[str], list[str]]:
    """The fields of a MarketView, and of the parameters that are its last one."""
    components = entry("Exchange", "function", "markets")["outputs"][0]["components"]
    fields = [component["name"] for component in components]
    return fields, [component["name"] for component in components[-1]["components"]]

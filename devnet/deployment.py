"""Puts the reference exchange on a fresh chain: contracts, parameters, roles, money; in one block.

Addresses follow from the deployer's key and nonces, so they are the same on every devnet. Prices
are not pushed here: the first feed row comes from the fleet.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from devnet.accounts import Account, Unsigned, sign
from devnet.base_fee import BASE_FEE_FLOOR
from devnet.chain import Chain, SealedBlock, StorageWrite
from devnet.contract import Contract, load_contract
from devnet.parameters import Beta
from devnet.precompile import installation
from devnet.rpc import NodeClient, Request
from units import Address, Netuid, Timestamp, Wei

_GAS_PRICE = Wei(2 * BASE_FEE_FLOOR)
_CREATION_GAS = 8_000_000
_CALL_GAS = 600_000


class DeploymentError(Exception):
    """A step of the deployment failed; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """Who may do what, besides the router and the admin."""

    reporters: tuple[Address, ...]
    keepers: tuple[Address, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """A contract at its address."""

    address: Address
    contract: Contract


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The exchange as it stands, and the interface of each of its contracts."""

    price_feed: Deployed
    exchange: Deployed
    keeper_router: Deployed
    netuids: tuple[Netuid, ...]

    @property
    def contracts(self) -> dict[str, Contract]:
        """The interfaces by lower-case address."""
        every = (self.price_feed, self.exchange, self.keeper_router)
        return {one.address.lower(): one.contract for one in every}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One transaction of the deployer."""

    name: str
    to: Address | None
    data: bytes
    value: Wei = Wei(0)


def planned_deployment(deployer: Address, netuids: Iterable[Netuid]) -> Deployment:
    """Where everything will stand when this deployer's first three transactions create it.

    Raises:
        ArtifactError: a contract was not compiled.
    """
    return Deployment(
        price_feed=_planned("PriceFeed", deployer, nonce=0),
        exchange=_planned("Exchange", deployer, nonce=1),
        keeper_router=_planned("KeeperRouter", deployer, nonce=2),
        netuids=tuple(netuids),
    )


async def deploy(
    *,
    node: NodeClient,
    chain: Chain,
    deployer: Account,
    deployment: Deployment,
    beta: Beta,
    grants: Grants,
    time: Timestamp,
    prices: Sequence[StorageWrite],
) -> SealedBlock:
    """Seals the block at `time` that holds the whole deployment.

    Raises:
        DeploymentError: a step failed.
    """
    steps = list(_steps(deployment, deployer.address, beta, grants))
    await node.batch([installation(), *_transactions(steps, deployer)])
    block = await chain.seal(time, prices)
    if len(block.receipts) != len(steps):
        raise DeploymentError(f"{len(steps)} steps, but {len(block.receipts)} were mined")
    for step, receipt in zip(steps, block.receipts, strict=True):
        if not receipt.succeeded:
            raise DeploymentError(f"{step.name} failed in block {block.head.number}")
    return block


def _planned(name: str, deployer: Address, *, nonce: int) -> Deployed:
    return Deployed(address=created_address(deployer, nonce), contract=load_contract(name))


def created_address(creator: Address, nonce: int) -> Address:
    """Where the contract of a creator's transaction with this nonce (below 128) will stand.

    keccak256(rlp([creator, nonce])); for small nonces the encoding is these 23 bytes.
    """
    assert 0 <= nonce < 0x80, "larger nonces have another encoding"  # noqa: PLR2004
    encoded = b"\xd6\x94" + bytes.fromhex(creator[2:]) + bytes([nonce or 0x80])
    return Address(to_checksum_address(keccak(encoded)[12:]))


def _steps(deployment: Deployment, admin: Address, beta: Beta, grants: Grants) -> Iterator[_Step]:
    feed, exchange = deployment.price_feed, deployment.exchange
    yield _creation(feed, admin)
    yield _creation(exchange, feed.address, admin)
    yield _creation(deployment.keeper_router, feed.address, exchange.address)
    yield _call(exchange, "setLimits", beta.limit_words)
    for netuid in deployment.netuids:
        yield _call(exchange, "listMarket", netuid, beta.market_words)
        yield _call(exchange, "setWarningTiers", netuid, beta.warning_tiers_bps)
    yield _call(exchange, "fundVault", value=beta.reserves)
    yield _call(exchange, "fundInsurance", value=beta.insurance)
    for address in (deployment.keeper_router.address, *grants.reporters):
        yield _grant(feed, "REPORTER_ROLE", address)
    for address in (deployment.keeper_router.address, *grants.keepers):
        yield _grant(exchange, "KEEPER_ROLE", address)
    yield _grant(feed, "GUARDIAN_ROLE", admin)
    yield _grant(exchange, "GUARDIAN_ROLE", admin)


def _creation(deployed: Deployed, *arguments: object) -> _Step:
    contract = deployed.contract
    return _Step(name=f"creating {contract.name}", to=None, data=contract.creation(*arguments))


def _call(deployed: Deployed, function: str, *arguments: object, value: int = 0) -> _Step:
    return _Step(
        name=f"{deployed.contract.name}.{function}",
        to=deployed.address,
        data=deployed.contract.encode(function, *arguments),
        value=Wei(value),
    )


def _grant(deployed: Deployed, role: str, address: Address) -> _Step:
    return _call(deployed, "grantRole", keccak(text=role), address)


def _transactions(steps: Iterable[_Step], deployer: Account) -> Iterator[Request]:
    for nonce, step in enumerate(steps):
        transaction = Unsigned(
            to=step.to,
            data=step.data,
            nonce=nonce,
            gas=_CALL_GAS if step.to else _CREATION_GAS,
            gas_price=_GAS_PRICE,
            value=step.value,
        )
        yield Request(method="eth_sendRawTransaction", params=(sign(deployer, transaction),))

"""Which chains, contracts and markets the fleet works on.

Data only: addresses and limits are the operator's, the code knows none of them.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from fleet.settings.fields import (
    EvmAddress,
    FromJson,
    Hash,
    HttpUrl,
    Section,
    WebSocketUrl,
)
from fleet.settings.places import Endpoint, Place, Witnesses
from units import BlockNumber, Seconds


class NetworkKind(StrEnum):
    """What is at stake; only a devnet may run in lock-step."""

    DEVNET = "devnet"
    TESTNET = "testnet"
    MAINNET = "mainnet"


class NetworkSettings(Section):
    """What the network is called and how to recognise it."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")]
    """Lower-case name for logs, metrics and the name of the database file."""

    kind: NetworkKind
    """devnet, testnet or mainnet."""

    chain_id: Annotated[int, Field(gt=0)]
    """EVM chain id; a node that answers another one is refused at start (964 mainnet, 945 test)."""


class EvmEndpoint(Endpoint):
    """One JSON-RPC node of the EVM chain."""

    url: HttpUrl | None = None
    """Its http:// or https:// address."""


class EvmSubscription(Place):
    """One socket on which a node of the EVM chain pushes its heads."""

    url: WebSocketUrl | None = None
    """Its ws:// or wss:// address."""


class EvmSettings(Witnesses):
    """How the EVM chain is read and written."""

    endpoints: Annotated[tuple[EvmEndpoint, ...], FromJson, Field(min_length=1)]
    """Nodes in the order in which they are tried: those that are alive first, whatever their
    place. Several of one operator stand in for each other and are one witness."""

    agreement: Annotated[int, Field(ge=1)] | None = None
    """Operators that must say the same of a block before anything is decided by it: more than
    half of those in evm.endpoints. Absent = the smallest such number, so two operators must both
    agree, and of three any two. With one operator its word is believed ("single-source")."""

    genesis: Hash | None = None
    """Hash of the EVM chain's block 0; a node that has another one is refused. Absent = only the
    chain id is compared, and the store is stamped with what the nodes say. Needed where nodes no
    longer have block 0."""

    lag_blocks_max: Annotated[int, Field(ge=1, le=100)] = 3
    """Blocks that a node may be behind the others and still be asked first. 3: what propagation
    and the time between two looks come to."""

    sync_blocks_max: Annotated[int, Field(ge=2)] = 25
    """Blocks behind the others from which a node is out of sync instead of lagging. 25: five
    minutes, the oldest price the feed takes."""

    failures_max: Annotated[int, Field(ge=1, le=100)] = 3
    """Failures in a row that make a node unreachable: asked last, and for its chain id again when
    it is back. 3: one lost request proves nothing."""

    recheck_s: Annotated[float, Field(ge=1)] = 12.0
    """Seconds between two looks at a node that is not otherwise asked. 12: once a block, a
    twelfth of a public node's allowance."""

    hedge_s: Annotated[float, Field(gt=0)] = 1.0
    """Seconds of an operator's silence after which another is asked in its place. 1: far above
    a healthy answer, far below evm.timeout_s."""

    batch_max: Annotated[int, Field(ge=1, le=1_000)] = 20
    """Requests sent to a node in one exchange where several belong together; 1 = never. A node
    that refuses a batch is asked one by one. Each request counts against the rate."""

    subscriptions: Annotated[tuple[EvmSubscription, ...], FromJson] = ()
    """Sockets on which heads are pushed, in the order in which they are tried: one at a time, the
    next when one fails, falls silent or lags. Nothing else is asked on them. Without any, heads
    are polled. What a socket of an operator that is not in evm.endpoints pushes is asked of those
    before it counts."""

    ws_url: WebSocketUrl | None = None
    """One more such socket, tried last; the short form where there is one without a key in it."""

    timeout_s: Annotated[float, Field(gt=0, le=60)] = 5.0
    """Wall-clock seconds for one request. 5: well inside a block of 12 s, so there is time for
    one more attempt at another node."""

    poll_s: Annotated[float, Field(gt=0, le=12)] = 2.0
    """Seconds between polls for a new head when there is no subscription. 2: a sixth of a block,
    half a request a second of a public node's allowance."""

    subscription_silence_s: Annotated[float, Field(ge=12)] = 18.0
    """Seconds without a pushed head after which polling begins. 18: a block and a half."""

    subscription_redial_s: Annotated[float, Field(ge=12)] = 60.0
    """Seconds without a pushed head after which the socket is given up. 60: five blocks."""

    reserved_share_percent: Annotated[int, Field(ge=0, le=90)] = 50
    """Share of an endpoint's requests kept for deciding and sending; backfill gets the rest.
    50: a backfill never delays a liquidation by more than the other half."""

    log_horizon_blocks: Annotated[int, Field(ge=16)] = 250
    """How far back logs may be asked. Public nodes keep about 300 blocks, and beyond that answer
    an empty list instead of an error; 250 stays clear of it. A node that is seen to have forgotten
    an event within it is "pruned" and not asked so far back."""

    known_event_block: Annotated[BlockNumber, Field(gt=0)] | None = None
    """A settled block in which the exchange or the price feed logged something, such as its
    deployment. A node that has its logs is taken to remember everything since, and may be asked
    beyond evm.log_horizon_blocks; blocks seen with logs later serve as well."""

    log_range_blocks_max: Annotated[int, Field(ge=1)] = 100
    """Blocks of logs asked for in one request; public proxies refuse wide ranges. A range that is
    refused or answered too late is halved, and grows again while it goes well."""

    head_stall_s: Annotated[Seconds, Field(ge=24)] = Seconds(60)
    """Age of the newest head, against this machine's clock, at which `keepers doctor` fails, and
    wall-clock seconds without a new one after which a running process logs `no_new_block`. 60:
    five missed blocks, a node that lags, or a clock that is wrong."""


class CodeHashes(Section):
    """Keccak-256 of the code that the contracts must have when they are first seen.

    Other code closes every lane until `keepers accept-code`, and so does any later change.
    """

    exchange: Hash | None = None
    """Of the exchange; absent = what is seen first is accepted."""

    price_feed: Hash | None = None
    """Of the price feed; absent = what is seen first is accepted."""

    keeper_router: Hash | None = None
    """Of the keeper router; absent = what is seen first is accepted."""


class ContractsSettings(Section):
    """Where the exchange stands."""

    exchange: EvmAddress
    """The exchange."""

    price_feed: EvmAddress
    """The price feed that the exchange reads."""

    keeper_router: EvmAddress | None = None
    """Pushes prices and liquidates in one transaction; absent where the exchange has none."""

    code_hashes: CodeHashes = CodeHashes()
    """What must stand at these addresses, so that an upgrade is seen before it is served."""

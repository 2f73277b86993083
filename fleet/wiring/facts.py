"""What wiring finds out for the commands: values only, judged and shown elsewhere.

A fact that could not be had is `Unread` with its reason, never a default. Pure.
"""

from dataclasses import dataclass
from enum import StrEnum

from units import Address, BlockHash, BlockNumber, Bps, Netuid, Seconds, Timestamp, Wei


class BotName(StrEnum):
    """The bots that `keepers run` can run."""

    FEEDER = "feeder"
    LIQUIDATOR = "liquidator"
    FUNDING = "funding"
    WARNINGS = "warnings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """It could not be read; `reason` is one line, `remedy` what to do where that is known."""

    reason: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """One EVM endpoint.

    `head_time` is its latest block's; `read_at` the machine's clock when it was read.
    """

    chain_id: int
    head: BlockNumber
    head_time: Timestamp
    read_at: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """One Subtensor endpoint. `finalized` is its newest finalized height."""

    genesis: BlockHash
    spec_version: int
    finalized: BlockNumber
    has_price_api: bool
    has_identities: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractFacts:
    """One contract: the hash of its code, None where there is no code."""

    name: str
    address: Address
    code_hash: BlockHash | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminCall:
    """A call that only the exchange's admin can make: what to sign, and in words."""

    to: Address
    data: bytes
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleFacts:
    """Whether an account holds a role that it needs, and how the admin would grant it."""

    role: str
    contract: str
    account: Address
    needed_for: str
    is_granted: bool
    grant: AdminCall


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketFacts:
    """What the exchange and Subtensor say of one configured market.

    `registered_at` is the subnet's registration block; None when the subnet does not exist.
    """

    netuid: Netuid
    is_listed: bool
    registered_at: BlockNumber | Unread | None
    trading_price_age: Seconds
    open_fee: Bps
    close_fee: Bps
    maintenance: Bps
    funding_interval: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """The key that would sign."""

    workload: str
    address: Address
    balance: Wei


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultView:
    """What stands behind the traders' claims, in wei at the head."""

    reserves: Wei
    insurance: Wei
    claims: Wei
    bad_debt: Wei
    is_opening_paused: bool

"""Judges the facts of an inspection: each line passes or fails, and says what to do.

Pure: facts and settings in, checks out.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from fleet.cli.words import seconds_text, tao
from fleet.settings import NetworkKind, Settings
from fleet.wiring.facts import (
    AccountFacts,
    ContractFacts,
    MarketFacts,
    NodeFacts,
    RoleFacts,
    SourceFacts,
    Unread,
)
from units import ONE


class Verdict(StrEnum):
    """What a check came to; only a failure makes `keepers doctor` fail."""

    PASSED = "pass"
    NOTED = "note"
    FAILED = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line: what was looked at, what was found, and what to do about it."""

    subject: str
    verdict: Verdict
    found: str
    remedy: str = ""


CLOCK_AHEAD_S_MAX = 5
"""A head may be this far in the machine's future; block authors' clocks differ."""

_UNREACHABLE = "check the address, the rate and the operator"
_NEEDS_NODE = "needs a node that answers"
_NOT_REFERENCE = "is this the reference exchange? The adapter in protocol/ must speak its ABI"


def _passed(subject: str, found: str) -> Check:
    return Check(subject=subject, verdict=Verdict.PASSED, found=found)


def _noted(subject: str, found: str, remedy: str = "") -> Check:
    return Check(subject=subject, verdict=Verdict.NOTED, found=found, remedy=remedy)


def _failed(subject: str, found: str, remedy: str) -> Check:
    return Check(subject=subject, verdict=Verdict.FAILED, found=found, remedy=remedy)


def node_checks(nodes: Mapping[str, NodeFacts | Unread], settings: Settings) -> Iterator[Check]:
    """Each EVM endpoint: reachable, the right chain, its head near the machine's clock."""
    for operator, facts in nodes.items():
        subject = f"node {operator}"
        if isinstance(facts, Unread):
            yield _failed(subject, facts.reason, facts.remedy or _UNREACHABLE)
        else:
            yield from _node(subject, facts, settings)


def _node(subject: str, facts: NodeFacts, settings: Settings) -> Iterator[Check]:
    yield _passed(subject, f"chain {facts.chain_id}, block {facts.head}")
    age = facts.read_at - facts.head_time
    if settings.network.kind is NetworkKind.DEVNET:
        yield _noted(f"{subject}: clock", "a devnet lives in the time of its prices")
    elif age < -CLOCK_AHEAD_S_MAX:
        remedy = "set this machine's clock (NTP): it is behind the chain"
        yield _failed(f"{subject}: clock", f"the head is {-age} s in the future", remedy)
    elif age > settings.evm.head_stall_s:
        remedy = "the node lags, the chain stands still, or this machine's clock is ahead"
        yield _failed(f"{subject}: clock", f"the head is {seconds_text(age)} old", remedy)
    else:
        yield _passed(f"{subject}: clock", f"{age} s from the head")


def source_checks(
    sources: Mapping[str, SourceFacts | Unread], settings: Settings
) -> Iterator[Check]:
    """Each Subtensor endpoint: reachable, the right chain, able to give prices."""
    for operator, facts in sources.items():
        subject = f"subtensor {operator}"
        if isinstance(facts, Unread):
            yield _failed(subject, facts.reason, _UNREACHABLE)
        else:
            yield from _source(subject, facts, settings)


def _source(subject: str, facts: SourceFacts, settings: Settings) -> Iterator[Check]:
    if facts.genesis != settings.subtensor.genesis:
        remedy = "remove it from subtensor.endpoints or correct subtensor.genesis"
        yield _failed(subject, f"another chain: genesis {facts.genesis}", remedy)
        return
    found = f"spec {facts.spec_version}, finalized block {facts.finalized}"
    if facts.has_price_api:
        yield _passed(subject, found)
    else:
        remedy = "the runtime changed: the fleet suspends every market until it is supported"
        yield _failed(subject, f"{found}: no SwapRuntimeApi_current_alpha_price_all", remedy)
    if not facts.has_identities:
        remedy = "the runtime changed: nobody sees a netuid given to another project"
        yield _failed(f"{subject}: identity", "registration blocks cannot be read", remedy)


def contract_checks(
    contracts: tuple[ContractFacts, ...] | Unread, settings: Settings
) -> Iterator[Check]:
    """Each contract: there, and the code that was pinned."""
    if isinstance(contracts, Unread):
        yield _failed("contracts", contracts.reason, _NEEDS_NODE)
        return
    for contract in contracts:
        subject = f"{contract.name} {contract.address}"
        pinned = getattr(settings.contracts.code_hashes, contract.name)
        key = f"contracts.code_hashes.{contract.name}"
        if contract.code_hash is None:
            yield _failed(subject, "no code at this address", f"correct contracts.{contract.name}")
        elif pinned is None:
            remedy = f'once reviewed, set {key} = "{contract.code_hash}"'
            yield _noted(subject, "code is there, its hash is not pinned", remedy)
        elif contract.code_hash != pinned:
            remedy = f"review the upgrade, then set {key}"
            yield _failed(subject, f"code is {contract.code_hash}, pinned is {pinned}", remedy)
        else:
            yield _passed(subject, "the pinned code")


def account_checks(
    accounts: tuple[AccountFacts, ...] | Unread, settings: Settings
) -> Iterator[Check]:
    """Each key: enough to pay fees with."""
    if isinstance(accounts, Unread):
        yield _failed("keys", accounts.reason, accounts.remedy or _NEEDS_NODE)
        return
    if not accounts:
        remedy = "give keys.<workload>.private_key_file or keystore_file to act"
        yield _noted("keys", "none is configured: everything is a dry run", remedy)
    low = settings.transactions.balance_low_tao
    for account in accounts:
        subject = f"key {account.workload} {account.address}"
        found = f"{tao(account.balance)} TAO"
        if account.balance < low * ONE:
            remedy = f"send it TAO: transactions.balance_low_tao is {low}"
            yield _failed(subject, found, remedy)
        else:
            yield _passed(subject, found)


def role_checks(roles: tuple[RoleFacts, ...] | Unread) -> Iterator[Check]:
    """Each role that somebody needs: granted, or the exact call that the admin must sign."""
    if isinstance(roles, Unread):
        yield _failed("roles", roles.reason, roles.remedy or _NOT_REFERENCE)
        return
    for role in roles:
        subject = f"{role.role} of {role.contract} for {role.account}"
        if role.is_granted:
            yield _passed(subject, f"granted ({role.needed_for})")
            continue
        call = role.grant
        remedy = f"the admin signs {call.text}: to {call.to} data 0x{call.data.hex()}"
        yield _failed(subject, f"not granted ({role.needed_for})", remedy)


def market_checks(markets: tuple[MarketFacts, ...] | Unread, settings: Settings) -> Iterator[Check]:
    """Each market: listed, its subnet the pinned one, its parameters as the settings say."""
    if isinstance(markets, Unread):
        yield _failed("markets", markets.reason, markets.remedy or _NOT_REFERENCE)
        return
    for market in markets:
        subject = f"market {settings.symbol(market.netuid)} ({market.netuid})"
        if market.is_listed:
            yield _differences(subject, market, settings)
        else:
            remedy = "the admin lists it, or set enabled = false"
            yield _failed(subject, "not listed on the exchange", remedy)
        yield _pin(f"{subject}: identity", market, settings)


def _differences(subject: str, market: MarketFacts, settings: Settings) -> Check:
    expected = settings.exchange
    pairs = {
        "trading_price_age_s_max": (market.trading_price_age, expected.trading_price_age_s_max),
        "open_fee_bps": (market.open_fee, expected.open_fee_bps),
        "close_fee_bps": (market.close_fee, expected.close_fee_bps),
        "maintenance_bps": (market.maintenance, expected.maintenance_bps),
        "funding_interval_s": (market.funding_interval, expected.funding_interval_s),
    }
    wrong = [f"{key} is {is_}, not {said}" for key, (is_, said) in pairs.items() if is_ != said]
    if wrong:
        remedy = "put what the chain says into [exchange]; contradictions then show at start"
        return _failed(subject, "; ".join(wrong), remedy)
    return _passed(subject, "listed, with the parameters of [exchange]")


def _pin(subject: str, market: MarketFacts, settings: Settings) -> Check:
    configured = {each.netuid: each for each in settings.markets}[market.netuid]
    if configured.is_index:
        return _passed(subject, "an index of all subnets")
    pin, registered_at = configured.registered_at, market.registered_at
    if isinstance(registered_at, Unread):
        return _failed(subject, registered_at.reason, "needs a Subtensor endpoint that answers")
    if registered_at is None:
        return _failed(subject, "the subnet does not exist", "the admin suspends the market")
    if pin is None:
        remedy = f"confirm the project, then set registered_at = {registered_at}"
        return _failed(subject, "not pinned: the market has no price", remedy)
    if pin != registered_at:
        remedy = "it may be another project now; if it is the one meant: keepers oracle accept-pin"
        return _failed(subject, f"registered at {registered_at}, pinned is {pin}", remedy)
    return _passed(subject, f"registered at {registered_at}, as pinned")


def is_healthy(checks: Iterable[Check]) -> bool:
    """Whether nothing failed."""
    return all(check.verdict is not Verdict.FAILED for check in checks)

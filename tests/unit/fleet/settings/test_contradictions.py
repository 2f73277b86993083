from collections.abc import Callable
from typing import Any

import pytest

Document = dict[str, Any]
Problems = Callable[[Document], list[str]]

CONTRADICTIONS: list[tuple[str, Document, str]] = [
    (
        "a heartbeat and a late push outlive the trading maximum",
        {"oracle": {"heartbeat_s": 601}},
        (
            "oracle.heartbeat_s: 601 s and a push 25 blocks old make a price of 901 s:"
            " exchange.trading_price_age_s_max is 900"
        ),
    ),
    (
        "a market's own heartbeat outlives it",
        {"markets": [{"netuid": 3, "symbol": "A", "heartbeat_s": 601}]},
        (
            "markets[0].heartbeat_s: 601 s and a push 25 blocks old make a price of 901 s:"
            " exchange.trading_price_age_s_max is 900"
        ),
    ),
    (
        "a market's own band as wide as a round trip's fee",
        {"markets": [{"netuid": 3, "symbol": "A", "deviation_bps": 20}]},
        (
            "markets[0].deviation_bps: 20 is not below a round trip's fee of 20 bps:"
            " trading against the band would pay"
        ),
    ),
    (
        "prices too old to push before they count as a stall",
        {"oracle": {"stall_blocks": 12}, "exchange": {"push_age_blocks_max": 11}},
        (
            "oracle.stall_blocks: 12 is more than exchange.push_age_blocks_max 11: prices between"
            " the two are too old to push and would not be called a stall"
        ),
    ),
    (
        "tiers that rise",
        {"warnings": {"tiers_bps": [2500, 3500, 2000]}},
        "warnings.tiers_bps: must descend strictly, the earliest warning first",
    ),
    (
        "a last tier that is not maintenance",
        {"warnings": {"tiers_bps": [3500, 2500]}},
        "warnings.tiers_bps: the last tier 2500 is not exchange.maintenance_bps 2000",
    ),
    (
        "fewer severities than tiers",
        {"warnings": {"tiers_bps": [3500, 2000], "tier_severities": ["page"]}},
        "warnings.tier_severities: has 1 for 2 tiers in warnings.tiers_bps",
    ),
    (
        "one netuid twice",
        {"markets": [{"netuid": 3, "symbol": "A"}, {"netuid": 3, "symbol": "B"}]},
        "markets[1].netuid: 3 is also markets[0]",
    ),
    (
        "one symbol twice",
        {"markets": [{"netuid": 3, "symbol": "A"}, {"netuid": 4, "symbol": "A"}]},
        "markets[1].symbol: A is also markets[0]",
    ),
    (
        "agreement of half the operators",
        {
            "evm": {
                "agreement": 1,
                "endpoints": [
                    {"operator": "a", "url": "http://127.0.0.1:1"},
                    {"operator": "b", "url": "http://127.0.0.1:2"},
                ],
            }
        },
        (
            "evm.agreement: 1 is not more than half of 2 operators:"
            " two answers could both be agreed on"
        ),
    ),
    (
        "agreement of more operators than there are: two endpoints of one are one witness",
        {
            "evm": {
                "agreement": 2,
                "endpoints": [
                    {"operator": "a", "url": "http://127.0.0.1:1"},
                    {"operator": "a", "url": "http://127.0.0.1:2"},
                ],
            }
        },
        "evm.agreement: 2 must agree and evm.endpoints has 1 different operators",
    ),
    (
        "a price that half of the operators may make",
        {
            "subtensor": {
                "genesis": "0x" + "ab" * 32,
                "agreement": 2,
                "endpoints": [
                    {"operator": name, "url": f"ws://127.0.0.1:{port}"}
                    for port, name in enumerate("abcdd", 1)
                ],
            }
        },
        (
            "subtensor.agreement: 2 is not more than half of 4 operators:"
            " two answers could both be agreed on"
        ),
    ),
    (
        "an operator called as another's second endpoint",
        {
            "evm": {
                "endpoints": [
                    {"operator": "a", "url": "http://127.0.0.1:1"},
                    {"operator": "a", "url": "http://127.0.0.1:2"},
                    {"operator": "a-2", "url": "http://127.0.0.1:3"},
                ],
            }
        },
        "evm.endpoints[2].operator: 'a-2' is what another is called",
    ),
    (
        "one address that two operators have: it would count twice",
        {
            "evm": {
                "endpoints": [
                    {"operator": "a", "url": "http://127.0.0.1:1"},
                    {"operator": "b", "url": "http://127.0.0.1:1/"},
                ],
            }
        },
        "evm.endpoints[1].url: is the address that 'a' has",
    ),
    (
        "lagging from where a node is out of sync",
        {
            "evm": {
                "lag_blocks_max": 5,
                "sync_blocks_max": 5,
                "endpoints": [{"operator": "a", "url": "http://127.0.0.1:1"}],
            }
        },
        "evm.lag_blocks_max: is not below evm.sync_blocks_max 5",
    ),
    (
        "a gas share without room for one liquidation",
        {"liquidation": {"gas_share_bps": 100}},
        (
            "liquidation.gas_share_bps: 100 bps of 75000000 are 750000 gas, and one liquidation"
            " needs 808600: nothing would be liquidated"
        ),
    ),
    (
        "every market off",
        {"markets": [{"netuid": 3, "symbol": "A", "enabled": False}]},
        "markets: not one is enabled",
    ),
    (
        "lock-step on a real network",
        {
            "network": {"name": "testnet", "kind": "testnet", "chain_id": 945},
            "lockstep": {"url": "ws://127.0.0.1:9944"},
        },
        "lockstep.url: only a devnet runs in lock-step, network.kind is testnet",
    ),
    (
        "lock-step with another machine",
        {"lockstep": {"url": "ws://example.org:9944"}},
        "lockstep.url: must be on this machine",
    ),
    (
        "mainnet with another chain id",
        {"network": {"name": "mainnet", "kind": "mainnet", "chain_id": 945}},
        "network.chain_id: mainnet is 964, not 945",
    ),
    (
        "logs asked beyond the horizon",
        {"evm": {"log_horizon_blocks": 199}, "warnings": {"log_blocks_max": 100}},
        (
            "liquidation.rebuild_gap_blocks: 200 is beyond evm.log_horizon_blocks 199:"
            " logs from there may come back empty"
        ),
    ),
    (
        "a fee floor at the ceiling",
        {"transactions": {"fee_floor_gwei": 177}},
        (
            "transactions.fee_floor_gwei: raised once by transactions.bump_percent is above"
            " transactions.fee_ceiling_gwei"
        ),
    ),
    (
        "one key for two workloads",
        {
            "keys": {
                "feeder": {"private_key_file": "/key"},
                "operator": {"private_key_file": "/key"},
            }
        },
        "keys.operator: /key is also the key of feeder: one key, one job",
    ),
    (
        "two stores",
        {"store": {"sqlite_file": "/a", "url_file": "/b"}},
        "store: give one of sqlite_file and url_file",
    ),
    (
        "a key of two kinds",
        {"keys": {"feeder": {"private_key_file": "/a", "keystore_file": "/b"}}},
        (
            "keys.feeder: give exactly one of private_key_file, keystore_file, web3signer_url,"
            " aws_kms_key and google_kms_version"
        ),
    ),
    (
        "a keystore without its password",
        {"keys": {"feeder": {"keystore_file": "/b"}}},
        "keys.feeder: keystore_file and password_file go together",
    ),
    (
        "a Web3Signer without the account",
        {"keys": {"feeder": {"web3signer_url": "http://signer:9000"}}},
        "keys.feeder: web3signer_url and address go together",
    ),
    (
        "an account of a key in a file",
        {"keys": {"feeder": {"private_key_file": "/a", "address": "0x" + "11" * 20}}},
        "keys.feeder: web3signer_url and address go together",
    ),
    (
        "a region for a key in a file",
        {"keys": {"feeder": {"private_key_file": "/a", "aws_region": "eu-central-1"}}},
        "keys.feeder: aws_region goes with aws_kms_key",
    ),
    (
        "one key of a service for two workloads",
        {"keys": {"feeder": {"aws_kms_key": "k"}, "funding": {"aws_kms_key": "k"}}},
        "keys.funding: k is also the key of feeder: one key, one job",
    ),
]


def _laid_over(document: Document, change: Document) -> Document:
    for section, value in change.items():
        if isinstance(value, dict):
            document[section] = {**document.get(section, {}), **value}
        else:
            document[section] = value
    return document


@pytest.mark.parametrize(
    ("change", "line"),
    [(change, line) for _, change, line in CONTRADICTIONS],
    ids=[name for name, _, _ in CONTRADICTIONS],
)
def test_load__contradiction__is_refused_with_one_line(
    document: Document, problems: Problems, change: Document, line: str
) -> None:
    assert problems(_laid_over(document, change)) == [line]


def test_load__heartbeat_at_the_very_limit__is_let_in(
    document: Document, problems: Problems
) -> None:
    assert problems(_laid_over(document, {"oracle": {"heartbeat_s": 600}})) == []


@pytest.mark.parametrize(
    ("endpoint", "what"),
    [
        (
            {"operator": "a", "url": "https://lite.chain.opentensor.ai"},
            "give requests_per_second: only a node on this machine has no limit",
        ),
        (
            {"operator": "a", "url": "http://127.0.0.1", "url_file": "/url"},
            "give exactly one of url and url_file",
        ),
    ],
)
def test_load__endpoint_that_is_not_whole__is_refused(
    document: Document, problems: Problems, endpoint: Document, what: str
) -> None:
    document["evm"]["endpoints"] = [endpoint]

    assert problems(document) == [f"evm.endpoints[0]: {what}"]


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("ftp://127.0.0.1", "must begin with http:// or https://"),
        ("http://", "names no host"),
        (
            "http://user:secret@127.0.0.1",
            "holds a password: put the whole address into a file and name url_file",
        ),
    ],
)
def test_load__address_that_cannot_be(
    document: Document, problems: Problems, url: str, what: str
) -> None:
    document["evm"]["endpoints"] = [{"operator": "a", "url": url}]

    assert problems(document) == [f"evm.endpoints[0].url: {what}"]


def test_load__rate_of_zero__is_refused(document: Document, problems: Problems) -> None:
    document["evm"]["endpoints"][0]["requests_per_second"] = 0

    assert problems(document) == [
        "evm.endpoints[0].requests_per_second: input should be greater than 0, got 0"
    ]

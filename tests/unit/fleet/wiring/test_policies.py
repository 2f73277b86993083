"""Every setting reaches the policy that decides by it; none is forgotten, none swapped."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from fleet.settings import MarketSettings, OracleSettings, Settings, Workload
from fleet.wiring import node_policies, policies
from keepers.liquidation.exchange_log import Unreadable
from keepers.warnings.alerts import Severity
from oracle.feeder import FeederPolicy
from tests.unit.fleet.wiring.simulated import DOCUMENT, LOCKSTEP, settings
from tests.unit.fleet.wiring.ways import READ_ELSEWHERE, TIERS, WAYS
from units import Bps, Netuid

SECTIONS = (
    "evm",
    "subtensor",
    "exchange",
    "oracle",
    "liquidation",
    "funding",
    "warnings",
    "transactions",
)


def keys(model: type[BaseModel], path: str) -> Iterator[str]:
    """The dotted keys of a section and of the sections in it."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from keys(inner, f"{path}.{name}")
        else:
            yield f"{path}.{name}"


def with_value(key: str, value: object) -> Settings:
    section, *path, name = key.split(".")
    changed: dict[str, Any] = {name: value}
    for part in reversed(path):
        changed = {part: changed}
    return settings(**{section: DOCUMENT.get(section, {}) | changed})


def test_settings__of_every_section_that_decides__have_a_way_into_a_policy_or_a_reader() -> None:
    fields = Settings.model_fields
    found = [
        key
        for section in SECTIONS
        for key in keys(fields[section].annotation, section)  # type: ignore[arg-type] # sections are models
    ]

    assert sorted(found) == sorted([*WAYS, *READ_ELSEWHERE])


@pytest.mark.parametrize("key", WAYS)
def test_setting__changed__is_found_in_its_policy(key: str) -> None:
    for value, where, expected in WAYS[key]:
        assert where(settings()) != expected, "the default would pass for the change"
        assert where(with_value(key, value)) == expected


@pytest.mark.parametrize("key", WAYS)
def test_setting__changed__leaves_the_places_of_all_others_alone(key: str) -> None:
    plain, changed = settings(), with_value(key, WAYS[key][0][0])
    touched = {
        other
        for other, ways in WAYS.items()
        if any(where(plain) != where(changed) for _, where, _ in ways)
    }

    shared = {"liquidation.block_gas_limit", "liquidation.gas_share_bps", "warnings.page_blocks"}
    shared |= {"warnings.tier_severities"}
    assert key in touched
    assert touched - {key} <= shared


OWN: dict[str, tuple[int | str, Callable[[FeederPolicy, Netuid], int | str]]] = {
    "deviation_bps": (15, lambda p, n: p.publication.of(n).deviation),
    "heartbeat_s": (300, lambda p, n: p.publication.of(n).heartbeat_s),
    "jump_limit_bps": (900, lambda p, n: p.judge.guard.of(n).jump_limit),
    "jump_confirm_blocks": (21, lambda p, n: p.judge.guard.of(n).confirm_blocks),
    "jump_restart_blocks": (0, lambda p, n: p.judge.guard.of(n).restart_blocks),
    "smoothing_blocks": (9, lambda p, n: p.smoothing_blocks[n]),
    "depth_floor_tao": (70, lambda p, n: p.judge.depth.of(n).floor // 10**9),
    "when_thin": ("suspend", lambda p, n: p.judge.depth.of(n).when_thin.value),
}


@pytest.mark.parametrize("key", OWN)
def test_feeder__a_market_s_own_setting__goes_before_the_common_one(key: str) -> None:
    value, where = OWN[key]
    own = [{"netuid": 8, "symbol": "A", key: value}, {"netuid": 64, "symbol": "B"}]
    found = policies.feeder(settings(markets=own))

    assert where(found, Netuid(8)) == value
    assert where(found, Netuid(64)) == where(policies.feeder(settings()), Netuid(64)) != value


def test_feeder__every_setting_a_market_may_have_of_its_own__is_tried_here() -> None:
    assert set(OWN) == MarketSettings.model_fields.keys() & OracleSettings.model_fields.keys()


@pytest.mark.parametrize(
    ("allowed", "requests", "period_s"),
    [(1.0, 1, 1.0), (2.9, 2, 1.0), (20.0, 20, 1.0), (0.5, 1, 2.0), (0.1, 1, 10.0)],
)
def test_rate__any_allowance__is_never_exceeded(
    allowed: float, requests: int, period_s: float
) -> None:
    own = {"operator": "node", "url": "http://127.0.0.1:1", "requests_per_second": allowed}
    endpoint = settings(evm={"endpoints": [own]}).evm.endpoints[0]

    found = node_policies.rate(endpoint, 30)

    assert found is not None
    assert (found.requests, found.period_s, found.reserved_percent) == (requests, period_s, 30)
    assert found.requests / found.period_s <= allowed


def test_rate__no_limit__is_none() -> None:
    assert node_policies.rate(settings().evm.endpoints[0], 50) is None


@pytest.mark.parametrize(
    ("asked", "pushing", "is_trusted"),
    [
        (["one"], [], True),
        (["one"], ["one"], True),
        (["one", "one"], ["one"], True),
        (["one"], ["one", "stranger"], False),
        (["one", "two"], ["one"], False),
    ],
)
def test_heads__pushed__trusted_only_where_the_one_operator_pushes_that_is_asked(
    asked: list[str], pushing: list[str], is_trusted: bool
) -> None:
    nodes = [
        {"operator": each, "url": f"http://127.0.0.1:{port}"} for port, each in enumerate(asked, 1)
    ]
    sockets = [{"operator": each, "url": "ws://127.0.0.1:1"} for each in pushing]
    found = settings(evm={"endpoints": nodes, "subscriptions": sockets})
    assert node_policies.heads(found).trusts_pushes is is_trusted


def test_warnings__tiers_of_the_exchange__rise_in_severity() -> None:
    found = policies.warnings(settings(), TIERS).tiers

    assert [(tier.ratio_bps, tier.severity, tier.blocks) for tier in found] == [
        (3_500, Severity.DIGEST, 1),
        (2_500, Severity.NOTIFY, 1),
        (2_000, Severity.PAGE, 2),
    ]
    assert [tier.is_silent_when_found for tier in found] == [True, False, False]


def test_tiers__of_use__stand() -> None:
    assert policies.usable_tiers(TIERS, settings()) == TIERS
    unread = Unreadable(reason="warning tiers: down")
    assert policies.usable_tiers(unread, settings()) is unread


@pytest.mark.parametrize(
    ("tiers", "said"),
    [((), "none"), ((2_000,), "2000"), ((2_000, 2_500), "2000, 2500"), ((3, 3), "3, 3")],
)
def test_tiers__nobody_can_warn_by__are_refused_with_a_way_out(
    tiers: tuple[int, ...], said: str
) -> None:
    found = policies.usable_tiers(tuple(map(Bps, tiers)), settings())

    reason = f"the exchange's warning tiers are {said}: set warnings.tiers_bps"
    assert found == Unreadable(reason=reason)


def test_tiers__more_or_fewer_than_the_severities__are_refused() -> None:
    own = with_value("warnings.tier_severities", ["inform", "page"])

    assert policies.usable_tiers(TIERS, own) == Unreadable(
        reason="warnings.tier_severities has 2 for the exchange's 3 tiers"
    )


def test_lockstep__all_time_is_the_chain_s() -> None:
    plain, in_step = settings(), settings(lockstep=LOCKSTEP)

    assert [policies.is_lockstep(s) for s in (plain, in_step)] == [False, True]
    assert policies.risk(in_step).answer_s_max is None
    assert policies.source(plain).upgrade_wait_s_max == 0
    assert policies.source(in_step).upgrade_wait_s_max == 40


@pytest.mark.parametrize("shard", ["4/4", "0/0", "1", "-1/4", "1/4/4", "a/b", ""])
def test_shard__what_is_none__is_refused_at_the_start(shard: str) -> None:
    with pytest.raises(ValueError, match="is no shard"):
        settings(liquidation={"shard": shard})


def test_workload_name__of_a_shard__is_the_liquidator_s_alone() -> None:
    whole, part = settings(), settings(liquidation={"shard": "3/4"})
    assert policies.workload_name(whole, Workload.LIQUIDATOR) == "liquidator"
    assert policies.workload_name(part, Workload.LIQUIDATOR) == "liquidator-3"
    assert policies.workload_name(part, Workload.FEEDER) == "feeder"
    assert policies.workload_name(part, Workload.OPERATOR) == "operator"

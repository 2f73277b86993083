"""Which request meets which fault."""

import json

import pytest

from devnet.faults.faults import Fault, Lag, NoLogs, Stale, Twice
from devnet.faults.plan import Plan, PlanError, Rule, Schedule, read_plan

LOGS = frozenset({"eth_getLogs"})


def faults(plan: Plan, count: int, method: str = "eth_call") -> list[Fault | None]:
    schedule = Schedule(plan)
    return [schedule.next(method) for _ in range(count)]


def test_next__no_rules__nothing() -> None:
    assert faults(Plan(), 3) == [None, None, None]


def test_next__script__spares_the_first_and_ends() -> None:
    plan = Plan(rules=(Rule(fault=Twice(), after=1, times=2),))
    assert faults(plan, 5) == [None, Twice(), Twice(), None, None]


def test_next__other_method__neither_struck_nor_counted_against_the_script() -> None:
    schedule = Schedule(Plan(rules=(Rule(fault=NoLogs(), methods=LOGS, after=1),)))
    asked = ["eth_getLogs", "eth_call", "eth_getLogs"]
    assert [schedule.next(method) for method in asked] == [None, None, NoLogs()]
    assert schedule.asked == {"eth_getLogs": 2, "eth_call": 1}
    assert schedule.struck == {"no logs": 1}


def test_next__first_rule_spares__the_second_strikes() -> None:
    plan = Plan(rules=(Rule(fault=Twice(), times=1), Rule(fault=Stale(blocks=2))))
    assert faults(plan, 3) == [Twice(), Stale(blocks=2), Stale(blocks=2)]


def test_next__chance__the_seed_decides_and_about_as_often_as_asked_for() -> None:
    rules = (Rule(fault=Twice(), probability=0.25),)
    once = faults(Plan(rules=rules, seed=3), 1_000)
    assert once == faults(Plan(rules=rules, seed=3), 1_000)
    assert once != faults(Plan(rules=rules, seed=4), 1_000)
    assert 200 < sum(fault is not None for fault in once) < 300


@pytest.mark.parametrize("changes", [{"probability": 1.5}, {"after": -1}])
def test_rule__impossible__refused(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="no such rule"):
        Rule(fault=Twice(), **changes)  # type: ignore[arg-type]


def test_read_plan__json__the_plan_it_describes() -> None:
    lag = {"fault": {"kind": "lag", "seconds": 0.5}, "methods": ["eth_call"], "times": 2}
    text = json.dumps({"seed": 9, "rules": [lag, {"fault": {"kind": "stale", "blocks": 3}}]})
    assert read_plan(text) == Plan(
        seed=9,
        rules=(
            Rule(fault=Lag(seconds=0.5), methods=frozenset({"eth_call"}), times=2),
            Rule(fault=Stale(blocks=3)),
        ),
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not JSON"),
        ('{"rules": [{"fault": {"kind": "gremlins"}}]}', "rules.0.fault"),
        ('{"rules": [{"fault": {"kind": "stale"}}]}', "blocks"),
    ],
)
def test_read_plan__unreadable__says_where(text: str, reason: str) -> None:
    with pytest.raises(PlanError, match=reason):
        read_plan(text)

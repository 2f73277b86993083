"""Which request meets which fault: by script or by seeded chance.

The same plan gives the same faults to the same sequence of requests.
"""

import json
from collections import Counter
from dataclasses import dataclass
from random import Random

from pydantic import TypeAdapter, ValidationError

from devnet.faults.faults import Fault


class PlanError(Exception):
    """A plan that can't be read; one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One fault, and whom it befalls.

    Attributes:
        fault: what happens.
        methods: JSON-RPC methods it befalls; empty: every one. What a node pushes over a
            WebSocket has the method eth_subscription.
        probability: of striking when a request matches.
        after: matching requests that are spared first.
        times: how often it strikes at most; None: without end.
    """

    fault: Fault
    methods: frozenset[str] = frozenset()
    probability: float = 1.0
    after: int = 0
    times: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1 or self.after < 0:
            raise ValueError(f"no such rule: {self}")

    def matches(self, method: str) -> bool:
        """Is this method among those it befalls?"""
        return not self.methods or method in self.methods


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Rules in order of precedence: the first that strikes is the one. No rules, no faults."""

    rules: tuple[Rule, ...] = ()
    seed: int = 0


def read_plan(text: str) -> Plan:
    """A plan written as JSON, such as {"rules": [{"fault": {"kind": "lag", "seconds": 1}}]}.

    Raises:
        PlanError: it is none.
    """
    try:
        return _PLAN.validate_python(json.loads(text), strict=False)
    except json.JSONDecodeError as error:
        raise PlanError(f"the plan is not JSON: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PlanError(f"the plan's {where or 'rules'}: {first['msg']}") from error


class Schedule:
    """A plan under way: who was spared, who was struck, what chance says next.

    `asked` counts every request by method, `struck` every fault by kind.
    """

    def __init__(self, plan: Plan) -> None:
        self._rules = plan.rules
        self._chance = Random(plan.seed)  # noqa: S311 - chance, not a secret
        self._matched: Counter[int] = Counter()
        self._strikes: Counter[int] = Counter()
        self.asked: Counter[str] = Counter()
        self.struck: Counter[str] = Counter()

    def next(self, method: str) -> Fault | None:
        """What befalls the next request of this method."""
        self.asked[method] += 1
        for number, rule in enumerate(self._rules):
            if rule.matches(method) and self._strikes_now(number, rule):
                self.struck[rule.fault.kind] += 1
                return rule.fault
        return None

    def _strikes_now(self, number: int, rule: Rule) -> bool:
        self._matched[number] += 1
        if self._matched[number] <= rule.after:
            return False
        if rule.times is not None and self._strikes[number] >= rule.times:
            return False
        if self._chance.random() >= rule.probability:
            return False
        self._strikes[number] += 1
        return True


_PLAN = TypeAdapter(Plan)

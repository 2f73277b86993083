"""The bounds that contracts/README.md gives to the fleet's gas model hold for what is measured."""

from pathlib import Path

import pytest

from tests.contracts.deployment import NETUIDS
from tests.contracts.gas import STEP, Cost, measure, rows
from tests.contracts.node import Node

pytestmark = [pytest.mark.anvil, pytest.mark.slow]

README = Path(__file__).parents[2] / "contracts" / "README.md"


def bound(cost: Cost) -> int:
    """The README's bound on the least gas limit."""
    count, touched = cost.count, min(cost.count, len(NETUIDS))
    match cost.call:
        case "push":
            return 30_000 + (29_000 if cost.case == "cold" else 12_000) * count
        case "suspend":
            return 30_000 + (26_000 if cost.case == "cold" else 9_000) * count
        case "accrueFunding":
            return 30_000 + 20_000 * count
        case "liquidate":
            return 380_000 + 45_000 * touched + 50_000 * count
        case "pushAndLiquidate":
            return 480_000 + 29_000 * len(NETUIDS) + 45_000 * touched + 50_000 * count
        case _:
            return 0


@pytest.fixture(scope="module")
def costs(node: Node) -> list[Cost]:
    snapshot = node.snapshot()
    measured = list(measure(node))
    node.revert(snapshot)
    return measured


def test_gas__of_every_keeper_s_call__is_within_the_bounds_of_the_readme(
    costs: list[Cost],
) -> None:
    beyond = [cost for cost in costs if cost.limit > bound(cost)]
    assert beyond == []


def test_gas__as_the_readme_tells_it__is_what_is_measured(costs: list[Cost]) -> None:
    told = [line for line in README.read_text(encoding="utf-8").splitlines() if line[:2] == "| "]
    for row, cost in zip(rows(costs), costs, strict=True):
        (line,) = [line for line in told if line.startswith(row.rsplit("|", 3)[0])]
        used, limit = (_number(cell) for cell in line.split("|")[4:6])
        assert used == cost.used, line
        assert abs(limit - cost.limit) <= STEP, line


def _number(cell: str) -> int:
    return int(cell.replace(",", "").strip() or 0)

"""What the keepers' transactions cost, measured on anvil: `python -m tests.contracts.gas`.

`used` is what a transaction with gas to spare pays. `limit` is the least gas limit with which it
does all of its work: more than `used`, because refunds come only at the end and the contracts stop
while they still hold a reserve. Limits are found by bisection, to within `STEP`.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.contracts.deployment import FIRST_PRICE, NETUIDS, deploy
from tests.contracts.node import GAS_LIMIT, Node, running_node
from tests.contracts.world import (
    KEEPER,
    OPERATOR,
    REPORTER,
    RICH,
    TAO,
    Receipt,
    Transaction,
    World,
    account,
    market,
    position_id,
)

STEP = 2_000
CRASH, RUIN = 84, 55
"""Percent of the entry price: below maintenance, and below zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """`updates` prices, `ids` positions or `markets` accruals, and what they took."""

    call: str
    case: str
    count: int
    used: int
    limit: int


def measure(node: Node) -> Iterator[Cost]:
    """Every figure of contracts/README.md."""
    yield from _pushes(deploy(node, markets=0))
    world = deploy(node, reserves=100_000 * TAO)
    yield from _accruals(world, "no open interest")
    yield from _trades(world)
    ids = populate(world, 300)
    yield from _accruals(world, "open interest")
    for percent, case in ((CRASH, "penalty"), (RUIN, "bad debt")):
        yield from _routed(world, ids, percent, case)
        yield from _liquidations(world, ids, percent, case)


def populate(world: World, count: int) -> list[bytes]:
    """`count` traders with one long each, dealt over the markets."""
    ids = []
    for number in range(count):
        trader, netuid = account(f"trader {number}"), NETUIDS[number % len(NETUIDS)]
        world.node.rpc("anvil_setBalance", trader, hex(RICH))
        world.deposit(trader, 2 * TAO)
        if number % 20 == 0:
            world.push(*((n, FIRST_PRICE) for n in NETUIDS))
        world.open(trader, netuid)
        ids.append(position_id(trader, netuid))
    return ids


def _pushes(world: World) -> Iterator[Cost]:
    for count in (1, 12):
        with world.undone():
            for case in ("cold", "warm"):
                updates = _updates(world, FIRST_PRICE, NETUIDS[:count])
                yield _cost(world, REPORTER, "push", case, count, updates)
                yield _cost(world, REPORTER, "suspend", case, count, NETUIDS[:count], 3)
                _send(world, REPORTER, "push", GAS_LIMIT, updates)


def _accruals(world: World, case: str) -> Iterator[Cost]:
    for count in (1, 12):
        keys = [market(netuid) for netuid in NETUIDS[:count]]
        yield _cost(world, KEEPER, "accrueFunding", case, count, keys)


def _trades(world: World) -> Iterator[Cost]:
    trader = account("a trader")
    world.node.rpc("anvil_setBalance", trader, hex(RICH))
    world.deposit(trader, 10 * TAO)
    opened, closed = world.open(trader, 64), world.close(trader, 64)
    for receipt, call in ((opened, "openMarketPosition"), (closed, "closePosition")):
        yield Cost(call=call, case="", count=1, used=receipt.gas_used, limit=0)


def _routed(world: World, ids: Sequence[bytes], percent: int, case: str) -> Iterator[Cost]:
    updates = _updates(world, FIRST_PRICE * percent // 100, NETUIDS)
    for count in (0, 1, 10, 100, 300):
        arguments = (updates, list(ids[:count]))
        yield _cost(world, OPERATOR, "pushAndLiquidate", f"12 updates, {case}", count, *arguments)


def _liquidations(world: World, ids: Sequence[bytes], percent: int, case: str) -> Iterator[Cost]:
    with world.undone():
        world.push(*((netuid, FIRST_PRICE * percent // 100) for netuid in NETUIDS))
        for count in (1, 10, 100, 300):
            yield _cost(world, KEEPER, "liquidate", case, count, list(ids[:count]), KEEPER)


CONTRACT_OF = {
    "push": "feed",
    "suspend": "feed",
    "liquidate": "exchange",
    "accrueFunding": "exchange",
    "pushAndLiquidate": "router",
}


def _cost(world: World, sender: str, call: str, case: str, count: int, *arguments: object) -> Cost:
    full = _tried(world, sender, call, GAS_LIMIT, *arguments)

    def works(gas: int) -> bool:
        receipt = _tried(world, sender, call, gas, *arguments)
        return receipt.succeeded and receipt.events == full.events

    limit = _least(works, low=full.gas_used - 1, high=GAS_LIMIT)
    return Cost(call=call, case=case, count=count, used=full.gas_used, limit=limit)


def _least(works: Callable[[int], bool], *, low: int, high: int) -> int:
    while high - low > STEP:
        middle = (low + high) // 2
        low, high = (low, middle) if works(middle) else (middle, high)
    return high


def _tried(world: World, sender: str, call: str, gas: int, *arguments: object) -> Receipt:
    with world.undone():
        return _send(world, sender, call, gas, *arguments)


def _send(world: World, sender: str, call: str, gas: int, *arguments: object) -> Receipt:
    name = CONTRACT_OF[call]
    data = world.abis[name].encode(call, *arguments)
    transaction = Transaction(sender=sender, to=world.addresses[name], data=data, gas=gas)
    (receipt,) = world.mine([transaction])
    return receipt


def _updates(world: World, price: int, netuids: Sequence[int]) -> list[tuple[int, int, int, int]]:
    return [(netuid, price, world.block, world.time) for netuid in netuids]


def rows(costs: Iterable[Cost]) -> Iterator[str]:
    """As lines of a Markdown table."""
    for cost in costs:
        limit = f"{cost.limit:,}" if cost.limit else ""
        cells = (f"`{cost.call}`", cost.case, str(cost.count), f"{cost.used:,}", limit)
        yield f"| {' | '.join(cells)} |"


def main() -> int:
    """Prints the table of contracts/README.md."""
    sys.stdout.write("| call | case | count | gas used | least limit |\n|---|---|---|---|---|\n")
    with running_node() as node:
        for row in rows(measure(node)):
            sys.stdout.write(row + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The gas model bounds what the reference exchange needs, in populations that cost the most.

What is needed is the smallest limit at which every id is liquidated, found by bisection: the
exchange skips ids rather than run out, and refunds come only after the limit had to cover them.
"""

from collections.abc import Sequence

import pytest

from keepers.liquidation.gas import REFERENCE_GAS
from tests.anvil.keepers.crowd import crowd, open_all
from tests.contracts.deployment import FIRST_PRICE, NETUIDS
from tests.contracts.node import RpcError
from tests.contracts.world import OPERATOR, World, market

pytestmark = [pytest.mark.anvil, pytest.mark.slow, pytest.mark.timeout(900)]

SOLVENT, RUINED = FIRST_PRICE * 82 // 100, FIRST_PRICE * 30 // 100
COUNTS = (1, 2, 10, 30, 100, 300)
NEVER_PRICED = range(1_000, 1_012)
Update = tuple[int, int, int, int]


@pytest.mark.parametrize("price", [SOLVENT, RUINED], ids=["solvent", "ruined"])
@pytest.mark.parametrize(
    ("traders", "netuids"),
    [(300, NETUIDS[:1]), (25, NETUIDS)],
    ids=["one market", "twelve markets"],
)
def test_reference_gas__liquidations_behind_a_push__fit_the_limit_and_do_not_waste_it(
    world: World, traders: int, netuids: Sequence[int], price: int
) -> None:
    ids = open_all(world, crowd(world, traders, tao=100), netuids)
    updates = [(netuid, price, world.block, world.time) for netuid in netuids]
    for count in COUNTS:
        need = gas_needed(world, updates, ids[:count])
        assert need <= REFERENCE_GAS.limit(ids=count, updates=len(updates))
    assert REFERENCE_GAS.limit(ids=300, updates=len(updates)) < 1.5 * need


@pytest.mark.parametrize("price", [SOLVENT, RUINED], ids=["solvent", "ruined"])
def test_reference_gas__liquidations_alone__fit_the_limit(world: World, price: int) -> None:
    ids = open_all(world, crowd(world, 25, tao=100), NETUIDS)
    world.push(*((netuid, price) for netuid in NETUIDS))
    for count in COUNTS:
        assert gas_needed(world, [], ids[:count]) <= REFERENCE_GAS.limit(ids=count)


@pytest.mark.parametrize("count", [1, 12])
def test_reference_gas__first_push_of_markets__fits_the_limit(world: World, count: int) -> None:
    updates = [(n, FIRST_PRICE, world.block, world.time) for n in NEVER_PRICED[:count]]
    assert gas_needed(world, updates, []) <= REFERENCE_GAS.limit(ids=0, updates=count)


def test_reference_gas__suspending_and_accruing_every_market__fit_the_limit(world: World) -> None:
    open_all(world, crowd(world, 1, tao=100), NETUIDS)
    limit = REFERENCE_GAS.limit(ids=0, updates=len(NETUIDS))
    world.send(OPERATOR, "feed", "suspend", NETUIDS, 4, gas=limit)
    world.send(OPERATOR, "exchange", "accrueFunding", [market(n) for n in NETUIDS], gas=limit)


def gas_needed(world: World, updates: Sequence[Update], ids: Sequence[bytes]) -> int:
    """The smallest gas limit at which every update is accepted and every id liquidated."""
    too_little, enough = 0, 60_000_000
    assert does_all(world, updates, ids, enough)
    while enough - too_little > 1_000:
        middle = (too_little + enough) // 2
        if does_all(world, updates, ids, middle):
            enough = middle
        else:
            too_little = middle
    return enough


def does_all(world: World, updates: Sequence[Update], ids: Sequence[bytes], gas_limit: int) -> bool:
    router = world.abis["router"]
    call = {
        "from": OPERATOR,
        "to": world.addresses["router"],
        "data": "0x" + router.encode("pushAndLiquidate", updates, ids).hex(),
        "gas": hex(gas_limit),
    }
    try:
        output = world.node.rpc("eth_call", call, "latest")
    except RpcError:
        return False
    pushed, outcomes, succeeded = router.decode("pushAndLiquidate", bytes.fromhex(output[2:]))
    return succeeded and not any(pushed) and not any(outcomes)

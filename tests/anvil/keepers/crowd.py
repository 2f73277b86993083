"""Fills the exchange with positions, by real transactions, many a block."""

from collections.abc import Iterable, Iterator, Sequence

from tests.contracts.world import RICH, TAO, Transaction, World, account, market, position_id

TRANSACTIONS_IN_BLOCK = 140
GAS_EACH = 500_000


def crowd(world: World, size: int, *, tao: int) -> list[str]:
    """Traders with that much TAO in the exchange."""
    traders = [account(f"one of the crowd: {n}") for n in range(size)]
    for trader in traders:
        world.node.rpc("anvil_setBalance", trader, hex(RICH))
    mine_all(world, (_deposit(world, trader, tao * TAO) for trader in traders))
    return traders


def open_all(
    world: World, traders: Sequence[str], netuids: Sequence[int], *, margin: int = TAO
) -> list[bytes]:
    """Every trader is long at 3x in every market; the ids, the markets taking turns."""
    pairs = [(trader, netuid) for trader in traders for netuid in netuids]
    mine_all(world, (_opening(world, trader, netuid, margin) for trader, netuid in pairs))
    return [position_id(trader, netuid) for trader, netuid in pairs]


def mine_all(world: World, transactions: Iterable[Transaction]) -> None:
    """Mines them in as few blocks as they fit; all must succeed."""
    for some in _portions(list(transactions)):
        assert all(receipt.succeeded for receipt in world.mine(some))


def _portions(transactions: list[Transaction]) -> Iterator[list[Transaction]]:
    for first in range(0, len(transactions), TRANSACTIONS_IN_BLOCK):
        yield transactions[first : first + TRANSACTIONS_IN_BLOCK]


def _deposit(world: World, trader: str, amount: int) -> Transaction:
    return world.transaction(trader, "exchange", "deposit", amount, value=amount, gas=GAS_EACH)


def _opening(world: World, trader: str, netuid: int, margin: int) -> Transaction:
    params = (market(netuid), True, margin, 3 * TAO, 100)
    return world.transaction(trader, "exchange", "openMarketPosition", params, gas=GAS_EACH)

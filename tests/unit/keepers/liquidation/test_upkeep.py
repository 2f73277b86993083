from keepers.liquidation.follower import BookFollower, FollowerPolicy, Unreadable
from keepers.liquidation.reconciliation import Reconciled
from keepers.liquidation.upkeep import BookKept, BookUpkeep
from tests.unit.keepers.liquidation.examples import TAO
from tests.unit.keepers.liquidation.simulated import Action, SimulatedExchange

RECONCILE_BLOCKS = 5


def opening(number: int) -> Action:
    return lambda block: block.open(8, True, TAO, number)


def upkeep_of(exchange: SimulatedExchange) -> BookUpkeep:
    follower = BookFollower(log=exchange, policy=FollowerPolicy())
    return BookUpkeep(follower=follower, reconcile_blocks=RECONCILE_BLOCKS)


async def test_step__each_head__follows_it_and_reconciles_when_due() -> None:
    exchange = SimulatedExchange()
    upkeep = upkeep_of(exchange)
    for number in range(1, RECONCILE_BLOCKS + 1):
        kept = await upkeep.step(exchange.tip.head)
        assert kept == BookKept(head=exchange.tip.head, positions=number - 1, reconciliation=None)
        exchange.grow(opening(number))
    kept = await upkeep.step(exchange.tip.head)
    assert isinstance(kept, BookKept)
    assert kept.reconciliation == Reconciled(head=exchange.tip.head)


async def test_step__chain_unreadable__says_why() -> None:
    exchange = SimulatedExchange(down={"snapshot"})
    assert await upkeep_of(exchange).step(exchange.tip.head) == Unreadable(
        reason="snapshot is down"
    )

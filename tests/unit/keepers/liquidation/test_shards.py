"""Several liquidators on one chain, a shard each: everybody is taken, and nobody twice."""

import pytest

from keepers.liquidation.evidence import replay
from keepers.liquidation.follower import BookFollower, FollowerPolicy
from keepers.liquidation.keeper import (
    LiquidationKeeper,
    LiquidationPlan,
    LiquidationPolicy,
    LiquidationsSubmitted,
)
from keepers.liquidation.risk import RiskEngine, RiskPolicy
from keepers.liquidation.selection import SelectionPolicy
from keepers.liquidation.sharding import Shard
from tests.unit.keepers.liquidation.following import opens
from tests.unit.keepers.liquidation.simulated import SimulatedExchange
from tests.unit.keepers.liquidation.test_keeper import GAS, Mempool, crash


def fallen(count: int) -> SimulatedExchange:
    exchange = SimulatedExchange()
    exchange.grow(*(opens(number) for number in range(1, count + 1)))
    exchange.grow(crash)
    exchange.grow()
    return exchange


def liquidator(exchange: SimulatedExchange, shard: Shard) -> tuple[LiquidationKeeper, Mempool]:
    follower = BookFollower(log=exchange, policy=FollowerPolicy())
    mempool = Mempool()
    keeper = LiquidationKeeper(
        risk=RiskEngine(follower=follower, policy=RiskPolicy(answer_s_max=None)),
        follower=follower,
        liquidations=mempool,
        policy=LiquidationPolicy(selection=SelectionPolicy(), gas=GAS),
    )
    keeper.keep_to(shard)
    return keeper, mempool


@pytest.mark.parametrize("shards", [1, 2, 3, 5])
async def test_step__a_liquidator_a_shard__all_are_taken_and_none_twice(shards: int) -> None:
    exchange, taken = fallen(12), list[int]()
    for index in range(shards):
        keeper, mempool = liquidator(exchange, Shard(index=index, of=shards))
        done = await keeper.step(exchange.tip.head)
        assert isinstance(done, LiquidationsSubmitted)
        own = [number for batch in mempool.sent for number in batch]
        assert sorted(own) == [n for n in range(1, 13) if n % shards == index]
        assert [int.from_bytes(each.position.key.id) for each in done.plan.candidates] == own
        taken += own
    assert sorted(taken) == list(range(1, 13))


async def test_plan__a_shard__has_only_its_own_on_record() -> None:
    exchange = fallen(4)
    keeper, _ = liquidator(exchange, Shard(index=1, of=2))
    plan = await keeper.plan(exchange.tip.head)
    assert isinstance(plan, LiquidationPlan)
    (batch,) = plan.batches
    judgement = plan.judgement_of(batch)
    assert sorted(int.from_bytes(each) for each in judgement.ids) == [1, 3]
    assert replay(judgement) == ()


async def test_plan__another_shard_than_the_fallen__has_nothing_to_do() -> None:
    exchange = fallen(1)
    keeper, _ = liquidator(exchange, Shard(index=0, of=2))
    plan = await keeper.plan(exchange.tip.head)
    assert isinstance(plan, LiquidationPlan)
    assert (plan.candidates, plan.batches, plan.waiting) == ((), (), ())

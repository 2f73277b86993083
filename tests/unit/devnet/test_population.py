from collections import Counter

from devnet.parameters import MARKETS
from devnet.population import Crowd, TraderPlan, population
from units import ONE

NETUIDS = tuple(MARKETS)


def crowd(seed: int = 1, count: int = 600, blocks: int = 7_200) -> tuple[TraderPlan, ...]:
    return population(seed=seed, count=count, netuids=NETUIDS, blocks=blocks)


def test_population__same_seed__same_crowd() -> None:
    assert crowd(seed=7) == crowd(seed=7)


def test_population__another_seed__another_crowd() -> None:
    assert crowd(seed=7) != crowd(seed=8)


def test_population__smaller_crowd__is_the_start_of_the_larger() -> None:
    assert crowd(count=10) == crowd(count=600)[:10]


def test_population__leverage__within_limits_with_a_cluster_at_three() -> None:
    plans = crowd()
    assert all(ONE <= plan.leverage <= 3 * ONE for plan in plans)
    at_maximum = sum(plan.leverage == 3 * ONE for plan in plans)
    assert 0.4 < at_maximum / len(plans) < 0.6


def test_population__every_position__is_above_the_minimum_and_in_whole_gwei() -> None:
    for plan in crowd():
        assert plan.margin * plan.leverage // ONE >= ONE // 10
        assert plan.margin % 10**9 == 0


def test_population__markets_and_sides__all_are_traded_both_ways() -> None:
    traded = Counter((plan.netuid, plan.is_long) for plan in crowd())
    assert set(traded) == {(netuid, side) for netuid in NETUIDS for side in (True, False)}


def test_population__arrivals__a_rush_first_and_some_until_late() -> None:
    arrivals = [plan.arrives for plan in crowd()]
    assert 0.5 < sum(block < 7_200 * 0.04 for block in arrivals) / len(arrivals) < 0.65
    assert max(arrivals) > 7_200 * 0.8
    assert max(arrivals) < 7_200


def test_population__run_of_a_few_blocks__still_makes_plans() -> None:
    assert len(crowd(count=50, blocks=1)) == 50


def test_population__a_crowd_in_one_market__so_many_are_in_the_first_one() -> None:
    mix = Crowd(in_one_market=0.4)
    plans = population(seed=1, count=2_000, netuids=NETUIDS, blocks=600, crowd=mix)
    there = sum(plan.netuid == NETUIDS[0] for plan in plans) / len(plans)
    assert 0.4 < there < 0.5
    assert {plan.netuid for plan in plans} == set(NETUIDS)

"""Each preset is what its name says, the same from the same seed; and who sees prices early."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from devnet.arbitrageur import HELD_BLOCKS_MIN, Arbitrageur
from devnet.population import TraderPlan
from devnet.trader import Close, Deposit, Open
from replay.populations import PRESETS
from replay.run import ReplayOptions, prepared
from units import ONE, Rao, Wei

COUNT = 120


def plans(name: str, *, seed: int = 1) -> list[TraderPlan]:
    options = ReplayOptions(out=Path(), hours=2, population=name, traders=COUNT, seed=seed)
    return [mind.plan for mind in prepared(options).setup.minds]


@pytest.mark.parametrize("name", PRESETS)
def test_preset__of_a_seed__is_the_same_again_and_another_of_another(name: str) -> None:
    found = plans(name)

    assert found == plans(name)
    assert found != plans(name, seed=2)
    assert len({plan.arrives for plan in found}) > 10, "they arrive over time"
    assert any(plan.leaves_after is not None for plan in found), "and some leave"


@pytest.mark.parametrize(
    ("name", "is_so"),
    [
        ("crowded-long", lambda plan: plan.is_long),
        ("3x-cluster", lambda plan: plan.leverage == 3 * ONE),
        ("dust", lambda plan: plan.margin < ONE // 2),
        ("whales", lambda plan: plan.margin > 59 * ONE),
    ],
)
def test_preset__by_its_name__is_what_nearly_all_of_them_are(
    name: str, is_so: Callable[[TraderPlan], bool]
) -> None:
    share = {each: sum(map(is_so, plans(each))) / COUNT for each in ("calm", name)}

    assert share[name] > 0.85 > share["calm"]


def arbitrageur(jump: int) -> Arbitrageur:
    """In a market whose price rises by a tenth at that block."""
    plan = replace(plans("arbitrageurs")[-1], arrives=0)
    assert plan.margin == 20 * ONE, "the last ones are the arbitrageurs"

    def price_at(block: int) -> Rao:
        return Rao(110_000_000 if block >= jump else 100_000_000)

    found = Arbitrageur(plan=plan, price_at=price_at)
    wish = found.wish(0)
    assert isinstance(wish, Deposit)
    found.done(wish, 1)
    return found


def test_arbitrageur__a_jump__is_in_at_the_price_of_the_block_before_and_out_after_it() -> None:
    mind = arbitrageur(jump=10)

    assert [mind.wish(now) for now in range(1, 8)] == [None] * 7
    wish = mind.wish(8)
    assert isinstance(wish, Open), "it is filled in block 9, at the last price before the jump"
    assert wish.plan.is_long
    mind.done(wish, 9)
    mind.hold(bytes(16), Wei(ONE))

    assert all(mind.wish(now) is None for now in range(9, 9 + HELD_BLOCKS_MIN))
    assert isinstance(mind.wish(9 + HELD_BLOCKS_MIN), Close)

"""A price that is pushed along step by step is seen by the way it went."""

from oracle.guard import Reference
from oracle.trail import Moved, TrailPolicy, followed
from units import BlockNumber, Bps, PriceWei

POLICY = TrailPolicy(window_blocks=25, limit=Bps(1_500))


def walk(prices: list[int], *, every: int = 1) -> list[Moved | None]:
    trail: tuple[Reference, ...] = ()
    found = []
    for index, price in enumerate(prices):
        seen = Reference(price=PriceWei(price), block=BlockNumber(100 + index * every))
        trail, moved = followed(trail, seen, POLICY)
        assert len(trail) <= POLICY.window_blocks + 1
        found.append(moved)
    return found


def test_followed__small_steps_one_way__is_seen_once_they_add_up() -> None:
    prices = [10_000 * 97**step // 100**step for step in range(10)]
    found = walk(prices)
    assert found[:6] == [None] * 6
    assert found[6] is not None
    assert (found[6].since.block, found[6].by) == (100, -1671)


def test_followed__small_steps_to_and_fro__is_nothing() -> None:
    assert walk([10_000, 10_290] * 60) == [None] * 120


def test_followed__as_far_within_hours__is_nothing() -> None:
    assert walk([10_000 + step * 100 for step in range(50)], every=10) == [None] * 50

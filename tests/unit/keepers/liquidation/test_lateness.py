"""Who counts as left alone, and when."""

from keepers.liquidation.gas import GasModel
from keepers.liquidation.lateness import Lateness, observed
from keepers.liquidation.selection import Candidate, SelectionPolicy
from tests.unit.keepers.liquidation.examples import judgement, position
from units import BlockNumber

GAS = GasModel(intercept=0, liquidation_intercept=0, id_slope=10, update_slope=0)
FALLEN = judgement(*(position(number) for number in (1, 2, 3, 4)))
FIRST, SECOND, THIRD, FOURTH = (each.position.key for each in FALLEN.candidates)


def seen(*blocks: tuple[Candidate, ...], room: int = 100) -> list[Lateness]:
    """How it stood at blocks 10, 11 and so on; a plan has room for so many positions."""
    policy = SelectionPolicy(block_gas_limit=2 * GAS.limit(ids=room))
    found = [Lateness()]
    for number, ranked in enumerate(blocks, 10):
        found.append(observed(found[-1], ranked, BlockNumber(number), policy=policy, gas=GAS))
    return found[1:]


def test_candidate__gone_after_a_block__was_not_late() -> None:
    at_10, at_11, at_12 = seen(FALLEN.candidates, FALLEN.candidates, ())
    assert (at_10.oldest(BlockNumber(10)), at_11.oldest(BlockNumber(11))) == (0, 1)
    assert not at_10.new | at_11.new | at_12.new
    assert at_12 == Lateness()


def test_candidate__still_there_two_blocks_later__is_late_once() -> None:
    *_, at_12, at_13 = seen(*[FALLEN.candidates] * 4)
    assert at_12.new == {FIRST, SECOND, THIRD, FOURTH}
    assert at_13.new == frozenset()
    assert at_13.late == {FIRST, SECOND, THIRD, FOURTH}
    assert at_13.oldest(BlockNumber(13)) == 3


def test_candidate__recovered_in_between__begins_anew() -> None:
    *_, last = seen(FALLEN.candidates, FALLEN.candidates, (), FALLEN.candidates, FALLEN.candidates)
    assert last.late == frozenset()
    assert last.oldest(BlockNumber(14)) == 1


def test_candidate__many_rank_before_it__has_the_time_that_they_take() -> None:
    *_, at_12, at_13 = seen(*[FALLEN.candidates] * 4, room=1)
    assert at_12.new == {FIRST, SECOND, THIRD}
    assert at_13.new == {FOURTH}

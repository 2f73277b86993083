import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.chain.horizon import SETTLED_BLOCKS, Horizon, Landmarks, Reach
from units import BlockNumber

NEW = Horizon(assumed=250)


@pytest.mark.parametrize(
    ("depth", "reach"), [(0, Reach.YES), (250, Reach.YES), (251, Reach.UNKNOWN)]
)
def test_reach__nothing_is_known__as_configured(depth: int, reach: Reach) -> None:
    assert NEW.reach(depth) is reach


def test_reach__archive__for_ever() -> None:
    assert Horizon(assumed=None).reach(10**7) is Reach.YES


def test_reach__a_landmark_is_there__as_far_as_that() -> None:
    known = NEW.shown(1_000, has_logs=True, now=0)
    assert known.reach(1_000) is Reach.YES
    assert known.reach(1_001) is Reach.UNKNOWN
    assert not known.is_pruned


def test_reach__a_landmark_beyond_the_configured_is_gone__the_configuration_holds() -> None:
    known = NEW.shown(1_000, has_logs=False, now=0)
    assert known.reach(1_000) is Reach.NO
    assert known.reach(250) is Reach.YES
    assert not known.is_pruned


def test_reach__a_landmark_within_the_configured_is_gone__only_what_was_seen_is_believed() -> None:
    known = NEW.shown(100, has_logs=True, now=0).shown(200, has_logs=False, now=0)
    assert known.is_pruned
    assert known.reach(100) is Reach.YES
    assert known.reach(150) is Reach.NO
    assert known.reach(300) is Reach.NO


def test_reach__seen_to_have_forgotten_what_it_had__no_longer_proven() -> None:
    known = NEW.shown(200, has_logs=True, now=0).shown(90, has_logs=False, now=0)
    assert known.reach(90) is Reach.NO
    assert known.reach(89) is Reach.YES


def test_reach__forgotten_long_ago__looked_at_anew() -> None:
    known = NEW.shown(200, has_logs=False, now=1_000)
    assert known.at(1_299, forget_s=300).is_pruned
    assert not known.at(1_300, forget_s=300).is_pruned


SEEN = st.tuples(st.integers(1, 500), st.booleans())


@given(st.lists(SEEN, max_size=20), SEEN, st.integers(0, 600))
def test_reach__any_landmarks__the_last_one_is_believed(
    seen: list[tuple[int, bool]], last: tuple[int, bool], depth: int
) -> None:
    known = NEW
    for at, has_logs in (*seen, last):
        known = known.shown(at, has_logs=has_logs, now=0)
    if last[1] and depth <= last[0]:
        assert known.reach(depth) is Reach.YES
    if not last[1] and depth >= last[0]:
        assert known.reach(depth) is Reach.NO


def test_landmarks__newest_at_or_before__and_deep_enough() -> None:
    marks = Landmarks([BlockNumber(10), BlockNumber(500)])
    marks.note([BlockNumber(900), BlockNumber(990)])
    head = BlockNumber(1_000)
    assert marks.at_or_before(BlockNumber(950), head) == 900
    assert marks.at_or_before(BlockNumber(990), head) == 900, "the newest may be reorganised away"
    assert marks.at_or_before(BlockNumber(990), BlockNumber(990 + SETTLED_BLOCKS)) == 990
    assert marks.at_or_before(BlockNumber(499), head) == 10
    assert marks.at_or_before(BlockNumber(9), head) is None


def test_landmarks__very_many__memory_stays_small_and_the_ends_are_kept() -> None:
    marks = Landmarks([BlockNumber(1)])
    for number in range(2, 5_000):
        marks.note([BlockNumber(number)])
    assert len(marks._blocks) <= 64
    assert marks._blocks[0] == 1
    assert marks._blocks[-1] == 4_999

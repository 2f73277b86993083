from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.chain.states import (
    Answered,
    Failed,
    HeadAt,
    Identified,
    NodeState,
    Remembered,
    Sample,
    Standing,
    StatePolicy,
    Syncing,
    after,
    is_due,
    is_identified,
    newest_reached,
    preference,
    reason_of,
    state_of,
)
from units import BlockNumber

POLICY = StatePolicy(
    lag_blocks_max=3, sync_blocks_max=25, failures_max=3, still_s_max=120, recheck_s=12
)


def head(number: int, behind: int = 0) -> HeadAt:
    return HeadAt(BlockNumber(number), behind)


def standing(*samples: Sample, every_s: float = 1.0) -> Standing:
    found = Standing()
    for index, sample in enumerate(samples):
        found = after(found, sample, index * every_s, POLICY)
    return found


@pytest.mark.parametrize(
    ("samples", "state"),
    [
        ([], None),
        ([Identified()], None),
        ([Failed("x")] * 2, None),
        ([head(100)], NodeState.ALIVE),
        ([head(100, behind=3)], NodeState.ALIVE),
        ([head(100, behind=4)], NodeState.LAGGING),
        ([head(100, behind=25)], NodeState.LAGGING),
        ([head(100, behind=26)], NodeState.OUT_OF_SYNC),
        ([head(100), Syncing(is_syncing=True)], NodeState.OUT_OF_SYNC),
        ([head(100), Syncing(is_syncing=True), Syncing(is_syncing=False)], NodeState.ALIVE),
        ([head(100), Remembered(is_pruned=True)], NodeState.PRUNED),
        ([head(100, behind=9), Remembered(is_pruned=True)], NodeState.LAGGING),
        ([head(100), *[Failed("x")] * 2], NodeState.ALIVE),
        ([head(100), *[Failed("x")] * 3], NodeState.UNREACHABLE),
        ([head(100), *[Failed("x")] * 3, Answered()], NodeState.ALIVE),
        ([Failed("x"), Failed("x"), Answered(), Failed("x"), head(9)], NodeState.ALIVE),
        ([head(100), Identified("serves chain 1")], NodeState.WRONG_CHAIN),
        ([head(100), Identified("serves chain 1"), head(101)], NodeState.WRONG_CHAIN),
        ([head(100), Identified("serves chain 1"), *[Failed("x")] * 9], NodeState.WRONG_CHAIN),
        ([head(100), Identified("serves chain 1"), Identified()], NodeState.ALIVE),
    ],
)
def test_state__after_these_samples(samples: Sequence[Sample], state: NodeState | None) -> None:
    assert state_of(standing(*samples), POLICY) is state


def test_state__head_stands_still__out_of_sync_until_it_moves() -> None:
    still = standing(head(7), head(7), head(7), every_s=61)
    assert state_of(still, POLICY) is NodeState.OUT_OF_SYNC
    assert state_of(after(still, head(8), 130, POLICY), POLICY) is NodeState.ALIVE
    assert state_of(after(still, head(6), 130, POLICY), POLICY) is NodeState.ALIVE, "a reorg"


def test_state__not_sampled_for_long__is_not_held_against_it() -> None:
    seldom = after(standing(head(7)), head(8), 10_000, POLICY)
    assert state_of(seldom, POLICY) is NodeState.ALIVE


def test_reason__names_what_is_wrong() -> None:
    lagging = standing(head(100, behind=5))
    assert reason_of(lagging, state_of(lagging, POLICY)) == "5 blocks behind"
    still = standing(head(7), head(7), head(7), every_s=61)
    assert reason_of(still, state_of(still, POLICY)) == "its head stands still at block 7"
    gone = standing(*[Failed("a: no answer in 5 s")] * 3)
    assert reason_of(gone, state_of(gone, POLICY)) == "a: no answer in 5 s"
    wrong = standing(Identified("serves chain 1, not 964"))
    assert reason_of(wrong, state_of(wrong, POLICY)) == "serves chain 1, not 964"


def test_identity__after_an_absence__is_asked_again() -> None:
    known = standing(Identified(), head(1))
    assert is_identified(known, 5, POLICY)
    back = after(
        after(after(known, Failed("x"), 6, POLICY), Failed("x"), 7, POLICY), head(2), 8, POLICY
    )
    assert is_identified(back, 9, POLICY), "two failures are no absence"
    gone = standing(Identified(), *[Failed("x")] * 3, Answered())
    assert not is_identified(gone, 5, POLICY)


def test_identity__wrong_chain__is_asked_again_after_a_while() -> None:
    wrong = standing(Identified("serves chain 1"))
    assert is_identified(wrong, 11, POLICY)
    assert not is_identified(wrong, 12, POLICY)


def test_preference__better_states_first_and_the_last_to_fail_behind_its_equals() -> None:
    alive = standing(head(100))
    unknown = Standing()
    just_failed = after(alive, Failed("x"), 10, POLICY)
    lagging = standing(head(100, behind=9))
    out = standing(head(100, behind=90))
    gone = standing(*[Failed("x")] * 3)
    ranked = [preference(each, 11, POLICY) for each in (alive, just_failed, lagging, out, gone)]
    assert ranked == sorted(ranked)
    assert len(set(ranked)) == 5
    assert preference(unknown, 11, POLICY) == preference(alive, 11, POLICY)
    assert preference(just_failed, 22, POLICY) == preference(alive, 22, POLICY), "tried again"


def test_due__heard_of_in_any_way__not_for_a_while() -> None:
    assert is_due(Standing(), 0, POLICY)
    for sample in (head(1), Failed("x"), Identified()):
        assert not is_due(standing(sample), 11, POLICY)
        assert is_due(standing(sample), 12, POLICY)


@pytest.mark.parametrize(
    ("heads", "agreement", "newest"),
    [
        ([], 1, None),
        ([("a", 5)], 1, 5),
        ([("a", 5), ("b", 9)], 1, 9),
        ([("a", 5), ("b", 9)], 2, 5),
        ([("a", 5), ("a", 9)], 2, None),
        ([("a", 100), ("b", 90), ("c", 1_000_000)], 2, 100),
    ],
)
def test_newest__reached_by_so_many_operators(
    heads: list[tuple[str, int]], agreement: int, newest: int | None
) -> None:
    known = [(operator, BlockNumber(number)) for operator, number in heads]
    assert newest_reached(known, agreement) == newest


SAMPLES = st.one_of(
    st.just(Answered()),
    st.just(Failed("x")),
    st.builds(head, st.integers(0, 50), st.integers(0, 50)),
    st.sampled_from([Identified(), Identified("serves chain 1")]),
    st.builds(Syncing, st.booleans()),
    st.builds(Remembered, st.booleans()),
)


@given(st.lists(st.tuples(SAMPLES, st.floats(0, 60)), max_size=60))
def test_state__any_samples__a_node_that_was_well_again_is_alive(
    samples: list[tuple[Sample, float]],
) -> None:
    found, now = Standing(), 0.0
    for sample, pause in samples:
        now += pause
        found = after(found, sample, now, POLICY)
    for sample in (Identified(), Syncing(is_syncing=False), Remembered(is_pruned=False)):
        found = after(found, sample, now, POLICY)
    found = after(found, head(100), now, POLICY)
    assert state_of(found, POLICY) is NodeState.ALIVE


@given(st.lists(st.tuples(SAMPLES, st.floats(0, 60)), max_size=60))
def test_state__any_samples__wrong_chain_until_it_says_otherwise(
    samples: list[tuple[Sample, float]],
) -> None:
    found, now, wrong = Standing(), 0.0, False
    for sample, pause in samples:
        now += pause
        found = after(found, sample, now, POLICY)
        if isinstance(sample, Identified):
            wrong = bool(sample.wrong)
        assert (state_of(found, POLICY) is NodeState.WRONG_CHAIN) is wrong

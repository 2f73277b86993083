from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.chain.agreement import Ballot, agreed, failure_of, support
from fleet.chain.failures import (
    AskedToWait,
    CallReverted,
    LogsTooOld,
    NodesDisagree,
    NodeUnavailable,
    RequestRejected,
    StateUnavailable,
    WrongChain,
)

DOWN = NodeUnavailable("down")
LATE = StateUnavailable("no such block", retry_after_s=12)


def same(answer: object) -> object:
    return answer


def ballots(*said: object) -> list[Ballot[object]]:
    return [Ballot(f"node-{index}", each) for index, each in enumerate(said)]


def no(message: str = "bad params") -> RequestRejected:
    return RequestRejected(method="eth_call", code=-32602, message=message)


@pytest.mark.parametrize(
    ("said", "needed", "answer"),
    [
        ([1], 1, 1),
        ([1], 2, None),
        ([1, 1], 2, 1),
        ([1, 2], 2, None),
        ([1, 2, 1], 2, 1),
        ([1, DOWN, LATE], 2, None),
        ([LATE, 1, WrongChain("x"), 1], 2, 1),
        ([1, 2, 3], 2, None),
    ],
)
def test_agreed__only_what_enough_say(said: Sequence[object], needed: int, answer: object) -> None:
    found = agreed(ballots(*said), needed, same)
    assert (found.said if found else None) == answer


def test_agreed__outvoted__are_named_and_the_absent_are_not() -> None:
    found = agreed(ballots(1, 2, 1, DOWN), 2, same)
    assert found is not None
    assert found.outvoted == ("node-1",)


def test_agreed__a_no_is_an_answer_like_another() -> None:
    found = agreed(ballots(CallReverted(b"why"), CallReverted(b"why")), 2, same)
    assert found is not None
    assert isinstance(found.said, CallReverted)
    assert agreed(ballots(CallReverted(b"why"), CallReverted(b"else")), 2, same) is None
    assert agreed(ballots(CallReverted(b""), b""), 2, same) is None
    assert agreed(ballots(no("in geth's words"), no("in anvil's")), 2, same) is not None


def test_agreed__compared_by_its_key__what_else_differs_does_not_matter() -> None:
    assert agreed(ballots((1, "a"), (1, "b")), 2, lambda answer: answer[0]) is not None  # type: ignore[index] # pairs


def test_support__the_most_frequent_answer() -> None:
    assert support(ballots(), same) == 0
    assert support(ballots(DOWN, LATE), same) == 0
    assert support(ballots(1, 2, 2, DOWN), same) == 2


def test_failure__different_answers__says_who_says_what() -> None:
    failure = failure_of(ballots(b"\x01", b"\x02", DOWN), 2, same)
    assert isinstance(failure, NodesDisagree)
    assert failure.said == {"node-0": "answered 01", "node-1": "answered 02"}
    assert "node-0 says answered 01, node-1 says answered 02" in str(failure)


def test_failure__long_answers__differ_in_the_text_as_well() -> None:
    failure = failure_of(ballots(b"\x01" * 900, b"\x01" * 899 + b"\x02"), 2, same)
    assert isinstance(failure, NodesDisagree)
    one, two = failure.said.values()
    assert one != two
    assert len(str(failure)) < 200


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ([1, DOWN], NodeUnavailable),
        ([1, LATE], StateUnavailable),
        ([DOWN, LATE], NodeUnavailable),
        ([LATE, LATE], StateUnavailable),
        ([LogsTooOld("x"), LogsTooOld("y")], LogsTooOld),
        ([WrongChain("x"), WrongChain("y")], NodeUnavailable),
        ([WrongChain("x"), LATE], StateUnavailable),
        ([], NodeUnavailable),
    ],
)
def test_failure__too_few_answers__has_the_type_of_what_is_missing(
    said: Sequence[object], kind: type[Exception]
) -> None:
    assert type(failure_of(ballots(*said), 2, same)) is kind


def test_failure__too_few_answers__the_shortest_delay() -> None:
    busy = AskedToWait("busy", retry_after_s=30)
    failure = failure_of(ballots(busy, LATE), 2, same)
    assert isinstance(failure, NodeUnavailable)
    assert failure.retry_after_s == 12


SAID = st.one_of(st.integers(0, 2), st.sampled_from([DOWN, LATE]))


@given(
    st.integers(1, 5).flatmap(
        lambda n: st.tuples(st.lists(SAID, min_size=n, max_size=n), st.integers(n // 2 + 1, n))
    )
)
def test_agreed__any_answers__is_what_so_many_said_and_in_any_order_the_same(
    case: tuple[list[object], int],
) -> None:
    said, needed = case
    found = agreed(ballots(*said), needed, same)
    backwards = agreed(ballots(*reversed(said)), needed, same)
    often = [each for each in (0, 1, 2) if said.count(each) >= needed]
    assert ([found.said] if found else []) == often
    assert ([backwards.said] if backwards else []) == often

"""Logs in columns say what they say one by one: any logs, in any order, any number of them."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keepers.liquidation.moves import BlockMoves, Move, moved
from keepers.liquidation.positions import BookEvent
from keepers.liquidation.steps import finished
from protocol.events import RawLog, block_events, book_event
from protocol.moves import FEW, SLICE, moves, reading
from tests.unit.protocol.abi_values import event_values, market_addresses, raw_log
from tests.unit.protocol.expected_events import BOOK, HEIGHT, log_values
from tests.unit.protocol.test_malformed_logs import misfits

POSITIONS = ("PositionOpened", "PositionChanged", "PositionClosed", "PositionLiquidated")

# A column is one kind's: what fits into a record is drawn beside what does not.
narrow = {
    "sequence": st.integers(0, 2**64 - 1),
    "margin": st.integers(0, 2**128 - 1),
    "size": st.integers(0, 2**128 - 1),
    "entryPrice": st.integers(0, 2**128 - 1),
    "entryIndex": st.integers(-(2**127), 2**127 - 1),
    "market": market_addresses,
}


def one(event: str) -> st.SearchStrategy[dict[str, Any]]:
    contract, _ = BOOK[event]
    fitting = event_values(contract, event, **narrow) if event in POSITIONS else st.nothing()
    wide = log_values(contract, event)
    return st.one_of(fitting, wide).map(lambda values: raw_log(contract, event, values))


logs_of_all_kinds = st.lists(
    st.one_of(st.sampled_from(POSITIONS).flatmap(one), st.sampled_from([*BOOK]).flatmap(one)),
    max_size=12,
)


def as_move(event: BookEvent | Move | None) -> BookEvent | Move | None:
    """What was few of its kind came as a value: as a move it must be the same."""
    return event if event is None or isinstance(event, tuple) else moved(event)


def said(log: RawLog) -> BookEvent | Move | None:
    """By the way that reads logs one by one."""
    return as_move(book_event(log))


@settings(max_examples=100)
@given(logs_of_all_kinds, st.integers(1, FEW + 2))
def test_moves__logs_of_any_kinds__say_what_each_says_alone(
    logs: list[dict[str, Any]], times: int
) -> None:
    many = logs * times
    assert [as_move(each) for each in moves(many)] == [said(log) for log in many]


@pytest.mark.parametrize("event", POSITIONS)
@settings(max_examples=50)
@given(data=st.data())
def test_moves__many_of_one_kind__are_moves_where_they_fit(event: str, data: st.DataObject) -> None:
    drawn = data.draw(st.lists(one(event), min_size=1, max_size=5))
    many = drawn * FEW
    assert moves(many) == [said(log) for log in many]


@pytest.mark.parametrize("event", POSITIONS)
@settings(max_examples=3)
@given(data=st.data())
def test_moves__one_of_many_does_not_fit__all_are_refused(event: str, data: st.DataObject) -> None:
    contract, _ = BOOK[event]
    log = raw_log(contract, event, data.draw(log_values(contract, event)))
    for misfit in misfits(log).values():
        with pytest.raises(ValueError):
            moves([log] * FEW + [misfit])


@pytest.mark.parametrize("event", ["PositionOpened", "PositionLiquidated"])
@settings(max_examples=3)
@given(data=st.data())
def test_moves__a_market_that_is_no_subnet__is_refused(event: str, data: st.DataObject) -> None:
    stranger = st.just("0x00000000000000000000000000000000000100ff")
    values = data.draw(event_values("Exchange", event, market=stranger))
    with pytest.raises(ValueError, match="no subnet has"):
        moves([raw_log("Exchange", event, values)] * FEW)


@given(topics=st.integers(0, 4))
@example(topics=0)
def test_moves__of_no_concern__are_none(topics: int) -> None:
    stranger = {"topics": [f"0x{7:064x}"] * topics, "data": "0x"}
    assert moves([stranger] * (2 * FEW)) == [None] * (2 * FEW)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=10), st.integers(1, 4))
def test_reading__logs_of_several_blocks__are_the_blocks_of_the_other_way(
    drawn: list[tuple[int, bool]], at_once: int
) -> None:
    at, logs = HEIGHT, []
    for step, is_of_concern in drawn:
        at += step
        if is_of_concern:
            logs.append(raw_log("PriceFeed", "MarketResumed", {"netuid": at % 9}, number=at))
        else:
            logs.append(raw_log("Exchange", "OpeningPaused", {}, number=at))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("protocol.moves.SLICE", at_once)
        blocks = finished(reading(logs))
    assert blocks == tuple(
        BlockMoves(number=block.number, hash=block.hash, events=block.events)
        for block in block_events(logs)
    )


def test_reading__more_than_a_slice__gives_others_their_turn() -> None:
    logs = [raw_log("PriceFeed", "MarketResumed", {"netuid": n}) for n in range(2 * SLICE + 1)]
    assert len([*reading(logs)]) == 3

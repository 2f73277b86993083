"""Logs that do not fit the event they name are refused, never guessed at."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.events import book_event, liquidation_event
from tests.unit.protocol.abi_values import event_values, raw_log
from tests.unit.protocol.expected_events import BOOK, RECEIPTS, log_values


def misfits(log: dict[str, Any]) -> dict[str, dict[str, Any]]:
    topics, data = log["topics"], log["data"]
    found = {
        "a word too many": log | {"data": data + "00" * 32},
        "half a word too many": log | {"data": data + "00" * 16},
        "no data that is hex": log | {"data": data + "zz"},
        "a topic too many": log | {"topics": [*topics, topics[0]]},
    }
    if len(data) > 2:
        found["no data"] = log | {"data": "0x"}
        found["a word too few"] = log | {"data": data[:-64]}
        found["a byte too few"] = log | {"data": data[:-2]}
    if len(topics) > 1:
        found["a topic too few"] = log | {"topics": topics[:-1]}
        found["only its name"] = log | {"topics": topics[:1]}
        found["a short topic"] = log | {"topics": [*topics[:-1], topics[-1][:-2]]}
    return found


@pytest.mark.parametrize("event", BOOK)
@settings(max_examples=3)
@given(data=st.data())
def test_book_event__a_log_that_does_not_fit__is_refused(event: str, data: st.DataObject) -> None:
    contract, _ = BOOK[event]
    log = raw_log(contract, event, data.draw(log_values(contract, event)))
    for misfit in misfits(log).values():
        with pytest.raises(ValueError):
            book_event(misfit)


@pytest.mark.parametrize("event", RECEIPTS)
@settings(max_examples=3)
@given(data=st.data())
def test_liquidation_event__a_log_that_does_not_fit__is_refused(
    event: str, data: st.DataObject
) -> None:
    contract, _ = RECEIPTS[event]
    log = raw_log(contract, event, data.draw(log_values(contract, event)))
    for misfit in misfits(log).values():
        with pytest.raises(ValueError):
            liquidation_event(misfit)


@pytest.mark.parametrize("outcome", [0, 6, 255])
def test_liquidation_event__an_outcome_that_is_no_reason__is_refused(outcome: int) -> None:
    log = raw_log("Exchange", "LiquidationSkipped", {"id": bytes(16), "outcome": outcome})
    with pytest.raises(ValueError, match=f"outcome {outcome}"):
        liquidation_event(log)


@pytest.mark.parametrize("event", ["PositionOpened", "FundingAccrued", "ParametersChanged"])
@settings(max_examples=5)
@given(data=st.data())
def test_book_event__a_market_that_is_no_subnet__is_refused(
    event: str, data: st.DataObject
) -> None:
    stranger = st.just("0x00000000000000000000000000000000000100ff")
    values = data.draw(event_values("Exchange", event, market=stranger))
    with pytest.raises(ValueError, match="no subnet has that number"):
        book_event(raw_log("Exchange", event, values))

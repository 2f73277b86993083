"""Logs of every event as the keepers' events, and events that a new contract would add."""

import re
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from hypothesis import given, settings
from hypothesis import strategies as st

import contracts.compile
from keepers.liquidation.outcomes import LiquidationCallFailed, SkipReason
from oracle.feed import SuspensionReason
from protocol.events import SKIP_REASONS, block_events, book_event, liquidation_event
from tests.unit.protocol.abi_values import CONTRACTS, entries, raw_log
from tests.unit.protocol.expected_events import BOOK, HEIGHT, IGNORED, RECEIPTS, log_values
from units import BlockHash


def test_events__all_that_the_contracts_can_emit__are_read_or_ignored_for_a_reason() -> None:
    declared = {entry["name"] for contract in CONTRACTS for entry in entries(contract, "event")}
    assert declared == {*BOOK, *RECEIPTS, *IGNORED}
    assert IGNORED.keys().isdisjoint({*BOOK, *RECEIPTS})


@pytest.mark.parametrize("event", BOOK)
@settings(max_examples=50)
@given(data=st.data())
def test_book_event__any_values__is_the_event_of_the_book(event: str, data: st.DataObject) -> None:
    contract, expected = BOOK[event]
    values = data.draw(log_values(contract, event))
    assert book_event(raw_log(contract, event, values, number=HEIGHT)) == expected(values)


@pytest.mark.parametrize("event", RECEIPTS)
@settings(max_examples=50)
@given(data=st.data())
def test_liquidation_event__any_values__is_what_became_of_it(
    event: str, data: st.DataObject
) -> None:
    contract, expected = RECEIPTS[event]
    values = data.draw(log_values(contract, event))
    assert liquidation_event(raw_log(contract, event, values)) == expected(values)


def test_liquidation_event__the_exchange_reverted_under_the_router__says_with_what() -> None:
    reverted = bytes.fromhex("08c379a0") + encode(["string"], ["out of luck"])
    log = raw_log("KeeperRouter", "LiquidationCallFailed", {"reason": reverted})
    assert liquidation_event(log) == LiquidationCallFailed(detail="out of luck")


@pytest.mark.parametrize(
    ("contract", "event"),
    [(c, e["name"]) for c in CONTRACTS for e in entries(c, "event")],
)
@settings(max_examples=10)
@given(data=st.data())
def test_events__of_no_concern__are_none(contract: str, event: str, data: st.DataObject) -> None:
    log = raw_log(contract, event, data.draw(log_values(contract, event)))
    assert (book_event(log) is None) == (event not in BOOK)
    assert (liquidation_event(log) is None) == (event not in RECEIPTS)


@given(topics=st.lists(st.binary(min_size=32, max_size=32), max_size=4), data=st.binary())
def test_events__of_a_contract_that_nobody_knows__are_none(
    topics: list[bytes], data: bytes
) -> None:
    log = {"topics": [f"0x{topic.hex()}" for topic in topics], "data": f"0x{data.hex()}"}
    assert book_event(log) is None
    assert liquidation_event(log) is None


# Numbers that the ABI does not name


def solidity_enum(file: str, name: str) -> list[str]:
    source = Path(contracts.compile.__file__).parent / "src" / file
    (members,) = re.findall(rf"enum {name} {{(.*?)}}", source.read_text("utf-8"), re.DOTALL)
    return [member.strip() for member in members.split(",")]


def test_skip_reasons__each__has_the_number_of_the_contract_s_enum() -> None:
    outcomes = solidity_enum("exchange/Types.sol", "Outcome")
    assert outcomes[0] == "Liquidated"
    assert [SKIP_REASONS[n].name for n in range(1, len(outcomes))] == [
        outcome.upper() for outcome in outcomes[1:]
    ]
    assert set(SKIP_REASONS.values()) == set(SkipReason)


def test_suspension_reasons__each__has_the_number_of_the_contract_s_enum() -> None:
    declared = solidity_enum("PriceFeed.sol", "Suspension")
    assert [reason.name.replace("_", "") for reason in SuspensionReason] == [
        name.upper() for name in declared
    ]
    assert list(SuspensionReason) == list(range(len(declared)))


# Blocks


def resumed(number: int, netuid: int, block_hash: str = "") -> dict[str, Any]:
    log = raw_log("PriceFeed", "MarketResumed", {"netuid": netuid}, number=number)
    return log | {"blockHash": block_hash or log["blockHash"]}


def no_concern(number: int) -> dict[str, Any]:
    return raw_log("Exchange", "OpeningPaused", {}, number=number)


def test_block_events__logs_of_several_blocks__are_grouped_in_order() -> None:
    logs = [resumed(7, 3), resumed(7, 1), no_concern(8), resumed(9, 2)]
    blocks = block_events(logs)
    assert [(block.number, len(block.events)) for block in blocks] == [(7, 2), (9, 1)]
    assert [block.hash for block in blocks] == [f"0x{7:064x}", f"0x{9:064x}"]
    assert blocks[0].events == (book_event(logs[0]), book_event(logs[1]))


def test_block_events__logs_without_concern__leave_no_block() -> None:
    assert block_events([no_concern(7), no_concern(8)]) == ()
    assert block_events([]) == ()


def test_block_events__two_blocks_of_one_height__stay_apart() -> None:
    forked = BlockHash("0x" + "ab" * 32)
    blocks = block_events([resumed(7, 3), resumed(7, 3, forked)])
    assert [(block.number, block.hash) for block in blocks] == [(7, f"0x{7:064x}"), (7, forked)]


def test_block_events__one_log_does_not_fit__is_refused_as_a_whole() -> None:
    with pytest.raises(ValueError, match="topics"):
        block_events([resumed(7, 3), resumed(8, 3) | {"topics": resumed(8, 3)["topics"][:1]}])

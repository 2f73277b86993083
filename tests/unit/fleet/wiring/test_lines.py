"""What an operator reads of a step."""

import json
from types import NoneType, UnionType
from typing import Any, get_args, get_type_hints

import pytest

from fleet.telemetry.notify import Notifier
from fleet.wiring.lines import is_quiet, line, settled_line
from fleet.wiring.memory import Memory
from fleet.wiring.settling import settle
from keepers.funding.keeper import FundingKeeper
from keepers.liquidation.keeper import LiquidationKeeper
from keepers.liquidation.outcomes import SkipReason
from keepers.liquidation.upkeep import BookUpkeep
from keepers.warnings.keeper import WarningsKeeper
from oracle.feeder import Feeder
from tests.unit.fleet.wiring.outcomes import EVERY, FEEDS, REFUSAL
from tests.unit.fleet.wiring.simulated import HASH, KEY, mined, settled
from tests.unit.protocol.abi_values import raw_log

STEPS = (
    Feeder.step,
    LiquidationKeeper.step,
    BookUpkeep.step,
    FundingKeeper.step,
    WarningsKeeper.step,
    settle,
    Notifier.drain,
    Memory.tidy,
)
QUIET = {
    "quiet feed",
    "alarmed feed",
    "unread source",
    "nobody falls",
    "quiet book",
    "a page of the book",
    "quiet funding",
    "funding not due",
    "quiet warnings",
    "nothing settled",
    "key",
    "quiet round",
    "nothing forgotten",
    "memory not looked at",
}


def kinds_of(step: Any) -> set[type]:
    """The types that a step's annotation says it returns."""
    said = get_type_hints(step)["return"]
    return set(get_args(said)) if isinstance(said, UnionType) else {said}


def test_examples__of_every_step__leave_no_kind_out() -> None:
    kinds = set[type]().union(*map(kinds_of, STEPS))

    assert kinds == {type(outcome) for outcome in EVERY.values()}


@pytest.mark.parametrize("name", EVERY)
def test_line__any_outcome__says_more_than_its_kind_and_can_be_written(name: str) -> None:
    found = line(EVERY[name])

    assert "outcome" not in found
    assert bool(found) or EVERY[name] is None
    assert json.loads(json.dumps(found)) is not None


@pytest.mark.parametrize("name", EVERY)
def test_is_quiet__any_outcome__only_where_there_was_nothing_to_do(name: str) -> None:
    assert is_quiet(EVERY[name]) == (name in QUIET)


def test_line__unknown_kind__is_named() -> None:
    assert line(3.5) == {"outcome": "float"}
    assert not is_quiet(3.5)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("unread feed", {"held": "the feed could not be read: down"}),
        ("push", {"pushed": {"8": "101000000000000000"}, "tx": HASH, "liquidations": 0}),
        ("push with liquidations", {"liquidations": 2, "risk_unknown": None}),
        ("push alone", {"risk_unknown": "no book"}),
        ("refused push", {"not_sent": REFUSAL}),
        ("suspension", {"suspended": {"no_price": [64]}, "decisions": {"suspend": 1}}),
        ("refused suspension", {"suspended": {"no_price": [64]}, "not_suspended": REFUSAL}),
        ("alarmed feed", {"alerts": ["market 64: suspended by hand"], "source_block": 98}),
        ("unread source", {"source_block": None, "decisions": {"hold": 1}}),
        (
            "liquidations",
            {
                "candidates": 3,
                "in_flight": 1,
                "deferred": 1,
                "batches": [{"positions": 2, "tx": HASH}],
                "reconciliation": "equal",
            },
        ),
        ("refused liquidations", {"batches": [{"positions": 2, "not_sent": REFUSAL}]}),
        ("held liquidations", {"held": "no book"}),
        (
            "different book",
            {
                "positions": 3,
                "reconciliation": "different",
                "differences": 2,
                "first_difference": "position 0x01: book None",
            },
        ),
        ("a page of the book", {"reconciliation": "equal so far", "compared": 2, "of": 8}),
        ("book not reconciled", {"reconciliation": "unread", "unread": "views: down"}),
        ("unread book", {"held": "logs of blocks 1 to 2: down"}),
        ("funding", {"due": [8], "lag_s_max": 1_200, "forfeited_s_max": 7, "tx": HASH}),
        ("refused funding", {"not_sent": REFUSAL}),
        ("unread funding", {"held": "funding rows: down"}),
        ("warnings", {"alerts": {"page": 1, "notify": 1}, "collected": 1, "blindness": None}),
        ("blind warnings", {"blindness": "no book"}),
        ("round", {"delivered": {"log": 2, "tgram-1": 0}, "still_open": 1}),
        ("forgotten", {"messages": 3, "transactions": 40}),
    ],
)
def test_line__outcome__says_what_matters(name: str, said: dict[str, Any]) -> None:
    assert line(EVERY[name]).items() >= said.items()


def test_line__settled__tells_what_became_of_each_and_what_it_cost() -> None:
    told = line(EVERY["settled"])["settled"]

    assert [(each["purpose"], each["became"]) for each in told] == [
        ("the push", "Final"),
        ("the accrual", "Reverted"),
        ("the batch", "Expired"),
        ("the suspension", "Superseded"),
    ]
    assert told[0].items() >= {"tx": HASH, "gas": 100_000, "fee_wei": 10**15}.items()
    assert told[1].items() >= {"reason": "Paused()", "gas": 50_000}.items()


def test_settled_line__a_batch__names_each_position_and_why_it_was_left() -> None:
    one, two, three = (bytes(15) + bytes([number]) for number in (1, 2, 3))
    liquidated = {
        "id": one,
        "trader": KEY,
        "market": f"0x{8:040x}",
        "sequence": 4,
        "price": 10**17,
        "index": 0,
        "remaining": 40,
        "penalty": 2,
        "keeperShare": 0,
        "badDebt": 0,
        "beneficiary": KEY,
    }
    logs = (
        raw_log("Exchange", "PositionLiquidated", liquidated),
        raw_log("Exchange", "LiquidationSkipped", {"id": two, "outcome": 1}),
        raw_log("Exchange", "LiquidationSkipped", {"id": three, "outcome": 5}),
    )

    said = settled_line(settled("batch", mined(7, tuple(map(dict, logs)))))

    assert said["liquidated"] == [f"0x{one.hex()}-4"]
    assert said["left"] == {
        SkipReason.HEALTHY.value: [f"0x{two.hex()}"],
        SkipReason.GAS.value: [f"0x{three.hex()}"],
    }
    assert json.loads(json.dumps(said)) == said


def test_settled_line__the_call_failed__says_why_nothing_was_touched() -> None:
    log = raw_log("KeeperRouter", "LiquidationCallFailed", {"reason": b""})

    said = settled_line(settled("push", mined(7, (dict(log),))))

    assert "call_failed" in said
    assert "left" not in said


def test_settled_line__mined__is_the_same_while_stopping() -> None:
    assert settled_line(settled("push", mined(7)))["block"] == 7


def test_feeds__every_kind_of_plan__is_among_the_examples() -> None:
    assert {type(outcome.plan) for outcome in FEEDS.values()} == kinds_of(Feeder.plan)
    assert NoneType in kinds_of(Memory.tidy)

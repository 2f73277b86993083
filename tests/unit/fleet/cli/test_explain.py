"""`keepers explain`: what a liquidation was decided on, for people and for scripts."""

from dataclasses import replace
from typing import Any

import pytest

from fleet.store.quotes import Quote
from fleet.transactions.attempt import Ending, Inclusion, Kind, State
from fleet.transactions.fees import Fee
from fleet.wiring.evidence import Explanation, SentAttempt
from fleet.wiring.facts import Unread
from keepers.liquidation.evidence import Judgement
from keepers.liquidation.outcomes import LiquidationSkipped, SkipReason
from keepers.liquidation.records import LiquidationRecord, PriceOrigin
from keepers.liquidation.reports import Report
from oracle.feed import Update
from tests.unit.fleet.cli.conftest import Console
from tests.unit.fleet.cli.simulated import SimulatedFleet
from tests.unit.keepers.liquidation.examples import GENESIS_TIME, judgement, liquidated, position
from units import BlockHash, BlockNumber, Netuid, PriceWei, Rao, Timestamp, TxHash, Wei

FIRST = TxHash("0x" + "11" * 32)
SECOND = TxHash("0x" + "22" * 32)
ONE, TWO, OTHER = ("0x" + number.to_bytes(16, "big").hex() for number in (1, 2, 3))
JUDGED = judgement(position(1), position(2, margin=2 * 10**18))


def quote(rao: int) -> Quote:
    return Quote(
        block=BlockNumber(998),
        hash=BlockHash("0x" + "98" * 32),
        time=Timestamp(GENESIS_TIME - 24),
        prices={Netuid(8): Rao(rao)},
    )


SIGNED = Update(
    netuid=Netuid(8),
    price=PriceWei(5 * 10**16),
    source_block=BlockNumber(998),
    source_time=Timestamp(GENESIS_TIME - 24),
)


def explanation(judged: Judgement = JUDGED, **changes: Any) -> Explanation:
    origin = PriceOrigin(block=BlockNumber(998), time=Timestamp(GENESIS_TIME - 24))
    plain = Explanation(
        decided_by="feeder:0xabc",
        decided_at=Timestamp(GENESIS_TIME),
        record=LiquidationRecord(judgement=judged, origins={Netuid(8): origin}),
        subjects=tuple(each.hex() for each in judged.ids),
        signed=(SIGNED,),
        work="push:998:ab",
        purpose="push 1 price",
        nonce=7,
        state=State.SEEN,
        ending=None,
        inclusion=None,
        attempts=(
            SentAttempt(
                tx_hash=FIRST, kind=Kind.PAYLOAD, fee=Fee(max_fee=10**10), block=BlockNumber(1_000)
            ),
            SentAttempt(
                tx_hash=SECOND, kind=Kind.NOTHING, fee=Fee(max_fee=10**11), block=BlockNumber(1_009)
            ),
        ),
        report=None,
        quotes={BlockNumber(998): quote(5 * 10**7)},
    )
    return replace(plain, **changes)


def final(report: Report, ending: Ending = Ending.SUCCEEDED) -> dict[str, Any]:
    mined = Inclusion(
        tx_hash=FIRST, block=BlockNumber(1_001), block_hash=BlockHash("0x" + "ef" * 32)
    )
    return {"state": State.FINAL, "ending": ending, "inclusion": mined, "report": report}


LIQUIDATED = Report(
    block=BlockNumber(1_001),
    gas_used=654_321,
    fee=Wei(5 * 10**15),
    events=(
        liquidated(position(1)),
        LiquidationSkipped(id=position(2).key.id, reason=SkipReason.HEALTHY),
    ),
)


def test_explain__a_position__inputs_price_source_attempts_and_outcome(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.kept.decisions = [explanation(**final(LIQUIDATED))]
    ended = keepers("explain", ONE)
    assert ended.code == 0
    for said in (
        "decided at block 1000 (2025-10-09 08:53:20 UTC) by feeder:0xabc: below maintenance",
        "VANTA: price 0.050000000, pushed with it, read at Subtensor block 998; funding index 0.",
        "maintenance 20.00 %",
        f"{ONE}#1",
        "-0.500000000",
        "-16.67 %",
        "liquidated: 0.000000000 left at 0.050000000",
        FIRST,
        SECOND,
        "nothing: gives it up",
        f"{FIRST} is final in block 1001: succeeded, 654321 gas, 0.0050 TAO",
    ):
        assert said in ended.stdout
    assert f"{TWO}#1" not in ended.stdout, "only what was asked for"


def test_explain__any_attempt_s_hash_in_capitals__every_position_of_the_transaction(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.kept.decisions = [explanation(**final(LIQUIDATED))]
    ended = keepers("explain", "0x" + SECOND[2:].upper())
    assert ended.code == 0
    assert f"{ONE}#1" in ended.stdout
    assert f"{TWO}#1" in ended.stdout
    assert "left: at or above maintenance in its block" in ended.stdout


def test_explain__judged_at_the_feed__says_of_which_block(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    judged = judgement(position(1), pushed=False)
    record = LiquidationRecord(judgement=judged)
    fleet.kept.decisions = [explanation(judged, record=record)]
    assert "in the feed, of Subtensor block 1000" in keepers("explain", ONE).stdout


STATES: dict[str, tuple[dict[str, Any], str]] = {
    "in no block": ({}, "it is in no block yet (seen)"),
    "in a block": (
        {**final(LIQUIDATED), "state": State.MINED, "ending": None, "report": None},
        "is in block 1001, which is not final yet",
    ),
    "given back": ({"state": State.RELEASED}, "it was not sent: no node took it"),
    "reverted": (final(Report(lost="reverted: no role"), Ending.REVERTED), "1001: reverted: no"),
    "superseded": (
        {"state": State.FINAL, "ending": Ending.SUPERSEDED},
        "nonce 7 was used by a transaction from elsewhere",
    ),
}


@pytest.mark.parametrize(("changes", "said"), STATES.values(), ids=list(STATES))
def test_explain__not_liquidated__says_how_far_it_came(
    keepers: Console, fleet: SimulatedFleet, changes: dict[str, Any], said: str
) -> None:
    fleet.kept.decisions = [explanation(**changes)]
    ended = keepers("explain", ONE)
    assert (ended.code, said in ended.stdout) == (0, True)


def test_explain__json__has_every_integer_exactly(keepers: Console, fleet: SimulatedFleet) -> None:
    fleet.kept.decisions = [explanation(**final(LIQUIDATED))]
    (found,) = keepers("explain", ONE, "--json").json["decisions"]
    judged = found["record"]["judgement"]
    assert judged["candidates"][-1]["remaining"] == JUDGED.candidates[-1].remaining
    assert judged["grounds"]["pushed"] == {"8": 5 * 10**16}
    assert [each["tx_hash"] for each in found["attempts"]] == [FIRST, SECOND]
    assert found["report"]["fee"] == 5 * 10**15


def test_replay__the_record_as_it_was_kept__agrees(keepers: Console, fleet: SimulatedFleet) -> None:
    fleet.kept.decisions = [explanation()]
    ended = keepers("explain", ONE, "--replay")
    assert (ended.code, "replay of push:998:ab: agrees" in ended.stdout) == (0, True)
    assert keepers("explain", ONE, "--replay", "--json").json["replay"] == [
        {"agrees": True, "differences": []}
    ]


def test_replay__of_a_smoothed_market__is_not_held_against_one_block_s_price(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.kept.decisions = [explanation(quotes={BlockNumber(998): quote(5 * 10**7 + 1)})]
    smoothed = fleet.settings.oracle.model_copy(update={"smoothing_blocks": 10})
    fleet.settings = fleet.settings.model_copy(update={"oracle": smoothed})
    ended = keepers("explain", ONE, "--replay")
    assert (ended.code, "replay of push:998:ab: agrees" in ended.stdout) == (0, True)


def altered(**changes: Any) -> Judgement:
    first, *rest = JUDGED.candidates
    return replace(JUDGED, candidates=(replace(first, **changes), *rest))


DISAGREEING: dict[str, tuple[Explanation, str]] = {
    "another remaining margin": (explanation(altered(remaining=-1)), "the record says -1"),
    "another transaction's positions": (
        explanation(subjects=(ONE[2:],)),
        "its transaction was for other positions",
    ),
    "consistent in itself, and not what the contract found": (
        explanation(
            **final(
                replace(
                    LIQUIDATED,
                    events=(
                        replace(
                            liquidated(position(1)), remaining=JUDGED.candidates[0].remaining - 1
                        ),
                    ),
                )
            )
        ),
        "the contract found -500000000000000001, not -500000000000000000",
    ),
    "another price than was read": (
        explanation(quotes={BlockNumber(998): quote(5 * 10**7 + 1)}),
        "market 8: 50000001 RAO was read at block 998, not 50000000000000000 wei",
    ),
    "a price that its transaction does not push": (
        explanation(signed=(replace(SIGNED, price=PriceWei(1)),)),
        "market 8: its transaction pushes 1 wei of 998",
    ),
    "a price of another block than its transaction says": (
        explanation(signed=(replace(SIGNED, source_block=BlockNumber(997)),)),
        "market 8: its transaction pushes 50000000000000000 wei of 997",
    ),
    "a price where its transaction pushes none": (
        explanation(signed=()),
        "market 8: its transaction pushes no price",
    ),
    "changed where nothing contradicts it": (
        explanation(record=LiquidationRecord(judgement=JUDGED, is_sealed=False)),
        "its digest is not of what it says: it was changed",
    ),
    "another rule": (
        explanation(record=LiquidationRecord(judgement=JUDGED, rule="by hand")),
        "it was decided by 'by hand'",
    ),
    "a record that is none": (explanation(record=Unread(reason="no record")), "no record"),
}


@pytest.mark.parametrize(("found", "said"), DISAGREEING.values(), ids=list(DISAGREEING))
def test_replay__the_record_does_not_lead_there__disagrees_by_exit_code(
    keepers: Console, fleet: SimulatedFleet, found: Explanation, said: str
) -> None:
    fleet.kept.decisions = [explanation(), found]
    ended = keepers("explain", ONE, "--replay")
    assert ended.code == 3
    assert "disagrees" in ended.stdout
    assert said in ended.stdout
    verdicts = keepers("explain", ONE, "--replay", "--json").json["replay"]
    assert [each["agrees"] for each in verdicts] == [True, False]


def test_explain__record_that_cannot_be_read__is_a_finding(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.kept.decisions = [explanation(record=Unread(reason="not a record"))]
    ended = keepers("explain", ONE)
    assert (ended.code, "the record cannot be read: not a record" in ended.stdout) == (3, True)


def test_explain__nothing_kept__is_said_and_not_the_exit_code_of_an_answer(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.kept.decisions = [explanation()]
    ended = keepers("explain", OTHER)
    assert (ended.code, "no decision on it is kept" in ended.stdout) == (1, True)


def test_explain__many__the_newest_up_to_the_limit(keepers: Console, fleet: SimulatedFleet) -> None:
    fleet.kept.decisions = [explanation(work=f"push:{number}") for number in range(9, 0, -1)]
    found = keepers("explain", ONE, "--json", "--limit", "2").json["decisions"]
    assert [each["work"] for each in found] == ["push:9", "push:8"]


def test_explain__neither_position_nor_hash__is_wrong_input(keepers: Console) -> None:
    ended = keepers("explain", "0x12")
    assert (ended.code, "is neither a position" in ended.stderr) == (2, True)

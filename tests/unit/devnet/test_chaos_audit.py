"""The audit finds what it looks for: each fault is planted into evidence that was clean."""

from dataclasses import replace

import pytest

from devnet.chaos.audit import Evidence, Receipt, Verdict, judge
from devnet.chaos.ledger import Row
from devnet.chaos.workload import LANDED, REFUSED, Kind, Piece, make_workload
from fleet.transactions.attempt import Ending, State
from fleet.transactions.request import Lane

EXPIRED = Ending.EXPIRED.value
REVERTED = Ending.REVERTED.value
STEADY, HASTY, TURNING, DOOMED = (
    Piece(number=number, kind=kind, lane=Lane.PRICE) for number, kind in enumerate(Kind)
)


def row(piece: int | None, nonce: int, ending: str = LANDED) -> Row:
    return Row(
        piece=piece,
        nonce=nonce,
        lane=Lane.PRICE,
        state=State.FINAL.value,
        ending=ending,
        mined_as=f"0x{nonce}",
    )


PAID = Receipt(succeeded=True, fee=10)
UNDONE = Receipt(succeeded=False, fee=10)
CLEAN = Evidence(
    pieces=(STEADY, HASTY, TURNING, DOOMED),
    rows=(row(0, 0), row(1, 1, EXPIRED), row(2, 2, REVERTED)),
    notes=((0, LANDED), (2, REVERTED), (3, REFUSED)),
    effects=(1, 0, 0, 0),
    transactions_sent=3,
    pooled=0,
    receipts={"0x0": PAID, "0x1": PAID, "0x2": UNDONE},
    spending={Lane.PRICE: 30},
)


def found_in(verdict: Verdict) -> set[str]:
    names = ("duplicates", "lost", "ended_twice", "told_twice", "gaps", "inconsistent", "misbooked")
    return {name for name in names if getattr(verdict, name)}


def test_judge__all_went_well__nothing_found_and_every_ending_counted() -> None:
    verdict = judge(CLEAN)
    assert verdict.is_clean
    assert found_in(verdict) == set()
    assert verdict.told_by_journal_alone == 1
    assert verdict.outcomes == {
        "steady": {LANDED: 1},
        "hasty": {EXPIRED: 1},
        "turning": {REVERTED: 1},
        "doomed": {REFUSED: 1},
    }


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (replace(CLEAN, effects=(2, 0, 0, 0)), {"duplicates"}),
        (replace(CLEAN, effects=(0, 0, 0, 0)), {"lost"}),
        (replace(CLEAN, effects=(1, 1, 0, 0)), {"lost"}),
        (replace(CLEAN, notes=CLEAN.notes[:2]), {"lost"}),
        (
            replace(CLEAN, rows=(row(0, 0, EXPIRED), *CLEAN.rows[1:]), effects=(0, 0, 0, 0)),
            {"lost"},
        ),
        (replace(CLEAN, notes=(*CLEAN.notes, (0, LANDED))), {"told_twice"}),
        (replace(CLEAN, notes=(*CLEAN.notes, (1, REFUSED))), {"ended_twice"}),
        (
            replace(
                CLEAN,
                rows=(*CLEAN.rows, row(2, 3, REVERTED)),
                transactions_sent=4,
                receipts=dict(CLEAN.receipts) | {"0x3": UNDONE}, spending={Lane.PRICE: 40},
            ),
            {"ended_twice"},
        ),
        (replace(CLEAN, transactions_sent=4), {"gaps"}),
        (replace(CLEAN, transactions_sent=2), {"gaps"}),
        (replace(CLEAN, pooled=1), {"gaps"}),
        (
            replace(
                CLEAN,
                rows=(row(0, 0), row(1, 1, EXPIRED), row(2, 3, REVERTED)),
                transactions_sent=4,
                receipts=dict(CLEAN.receipts) | {"0x3": UNDONE},
            ),
            {"gaps"},
        ),
        (
            replace(CLEAN, receipts={"0x0": PAID, "0x1": PAID}, spending={Lane.PRICE: 20}),
            {"inconsistent"},
        ),
        (replace(CLEAN, receipts=dict(CLEAN.receipts) | {"0x0": UNDONE}), {"inconsistent"}),
        (
            replace(
                CLEAN, rows=(replace(CLEAN.rows[0], state=State.MINED.value), *CLEAN.rows[1:])
            ),
            {"inconsistent"},
        ),
        (replace(CLEAN, spending={Lane.PRICE: 40}), {"misbooked"}),
        (replace(CLEAN, spending={Lane.PRICE: 30, Lane.FUNDING: 1}), {"misbooked"}),
    ],
    ids=[
        "took effect twice",
        "a success without effect",
        "an effect without success",
        "no ending at all",
        "had all the time and expired",
        "told twice",
        "refused and in the journal",
        "two entries with an ending",
        "a nonce on chain that the journal does not know",
        "a nonce in the journal that is not on chain",
        "something left in the pool",
        "a nonce left out",
        "mined as what the chain does not know",
        "a success that reverted",
        "not final",
        "a transaction booked twice",
        "a lane that sent nothing and paid",
    ],
)  # fmt: skip
def test_judge__one_fault__found_and_nothing_else(evidence: Evidence, expected: set[str]) -> None:
    verdict = judge(evidence)
    assert found_in(verdict) == expected
    assert not verdict.is_clean


def test_judge__the_sender_s_own_transaction__holds_a_nonce_and_is_no_piece() -> None:
    filler = row(None, 3, EXPIRED)
    evidence = replace(
        CLEAN,
        rows=(*CLEAN.rows, filler),
        transactions_sent=4,
        receipts=dict(CLEAN.receipts) | {"0x3": PAID},
        spending={Lane.PRICE: 40},
    )
    assert judge(evidence).is_clean


def test_make_workload__seed__always_the_same_and_of_every_kind_and_lane() -> None:
    pieces = make_workload(count=100, seed=1)
    assert pieces == make_workload(count=100, seed=1)
    assert pieces != make_workload(count=100, seed=2)
    assert {piece.kind for piece in pieces} == set(Kind)
    assert {piece.lane for piece in pieces} == set(Lane)


GAVE_WAY = replace(
    CLEAN,
    pieces=(replace(STEADY, lane=Lane.LIQUIDATION), *CLEAN.pieces[1:]),
    rows=(row(0, 0, EXPIRED), *CLEAN.rows[1:]),
    notes=((0, EXPIRED), *CLEAN.notes[1:]),
    effects=(0, 0, 0, 0),
)


def test_judge__less_urgent_work_gave_way_and_was_told_so__is_not_lost() -> None:
    assert judge(GAVE_WAY).is_clean


def test_judge__told_that_it_gave_way_and_took_effect_all_the_same__is_lost() -> None:
    assert found_in(judge(replace(GAVE_WAY, effects=(1, 0, 0, 0)))) == {"lost"}

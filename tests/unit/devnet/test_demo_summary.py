from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from devnet.audit.duties import Duty
from devnet.audit.margin import HoldingKey
from devnet.audit.watch import Audit
from devnet.demo.progress import print_summary
from devnet.demo.summary import Drill, failures, summarize
from devnet.demo.webhook import Inbox
from devnet.tape import Hole
from devnet.traders import TradeCounts
from tests.unit.devnet.lying_exchange import HEAD, FakeExchange, a_long, auditor_of, ledger_of
from units import BlockNumber, PositionId, Sequence

DRILL = Drill(
    tape="made up",
    start="2025-01-01 00:00",
    hours=24,
    blocks=7_196,
    holes=(Hole(row=9, until=BlockNumber(5_000_090), blocks=20),),
    traders=300,
    seed=1,
    seconds=61.26,
    warnings_collected=9,
)


@pytest.fixture
async def audit() -> Audit:
    """Of a run in which nothing was wrong."""
    audit = Audit(auditor_of(FakeExchange(ledger_of(a_long()))))
    await audit.finish(HEAD)
    return audit


def summary_of(audit: Audit, inbox: Inbox | None = None) -> dict[str, Any]:
    return summarize(DRILL, audit, inbox or Inbox(url=""), TradeCounts())


def test_failures__everything_in_order__none(audit: Audit) -> None:
    assert failures(summary_of(audit)) == []


def test_failures__left_alone__said(audit: Audit) -> None:
    key = HoldingKey(id=PositionId(bytes(16)), sequence=Sequence(2))
    audit.referee.below.left_alone[key] = BlockNumber(77)
    summary = summary_of(audit)
    assert failures(summary) == ["1 positions left alone"]
    assert summary["findings"] == [f"left alone at block 77: 0x{'00' * 16}#2"]


def test_failures__healthy_touched__said(audit: Audit) -> None:
    audit.referee.verdict.healthy_touched.append("block 5: only because of a returning spike")
    assert failures(summary_of(audit)) == ["1 healthy positions touched"]


def test_failures__later_than_its_rank_explains__said(audit: Audit) -> None:
    audit.referee.verdict.later_than_ranked.append("block 5: late by more than 0 blocks")
    assert failures(summary_of(audit)) == ["1 liquidated later than their rank explains"]


async def test_failures__invariant_broken__named() -> None:
    audit = Audit(auditor_of(FakeExchange(ledger_of(a_long()), balance_lie=1)))
    await audit.finish(HEAD)
    (reason,) = failures(summary_of(audit))
    assert "tao_is_accounted_for" in reason


def test_failures__duty_neglected__named_and_the_first_times_told(audit: Audit) -> None:
    for number in range(22):
        audit.referee.duties.note(Duty.FEED_FOLLOWS, f"block {number}")
    summary = summary_of(audit)
    assert failures(summary) == ["duty neglected: the_feed_follows_the_source"]
    assert summary["findings"][0] == "the_feed_follows_the_source: block 0"
    assert summary["findings"][-1] == "the_feed_follows_the_source: 2 times more"
    assert len(summary["findings"]) == 21


def test_failures__nobody_was_told_of_a_liquidation__duty_neglected(audit: Audit) -> None:
    key = HoldingKey(id=PositionId(bytes(16)), sequence=Sequence(2))
    audit.referee.tiers.liquidated.add(key)
    audit.hear(Inbox(url=""))
    assert failures(summary_of(audit)) == ["duty neglected: falls_and_liquidations_are_told"]


def test_summary__histograms_and_tiers__readable_keys_in_order(audit: Audit) -> None:
    verdict = audit.referee.verdict
    verdict.late_blocks.update({10: 1, 0: 5, 2: 1})
    verdict.source_blocks.update({3: 6})
    inbox = Inbox(url="")
    inbox.falls.update({2_000: 1, 3_500: 7, 2_500: 2})
    inbox.digested = 7
    summary = summary_of(audit, inbox)
    assert list(summary["late_blocks"].items()) == [("0", 5), ("2", 1), ("10", 1)]
    assert summary["alerts"]["waiting_for_the_next_digest"] == 2
    assert summary["tape_holes"] == [{"row": 9, "until_block": 5_000_090, "blocks": 20}]
    assert summary["source_to_liquidation_blocks"] == {"3": 6}
    assert list(summary["alerts"]["by_deepest_tier"].items()) == [
        ("35%", 7),
        ("25%", 2),
        ("20%", 1),
    ]


def test_print_summary__any__shows_what_counts(audit: Audit) -> None:
    audit.referee.verdict.bad_debt_wei = 15 * 10**17
    said = StringIO()
    print_summary(Console(file=said, width=120), summary_of(audit))
    text = said.getvalue()
    assert "64 CHUTES" in text
    assert "1.500000 TAO" in text
    assert "penalty is exact" in text
    assert "the feed follows the source" in text
    assert "BROKEN" not in text
    assert "MISSED" not in text

"""The referee: lateness, who was left alone, who should not have been touched."""

from dataclasses import replace

import pytest

from devnet.audit.lateness import Below, BelowMaintenance, Capacity
from devnet.audit.margin import HoldingKey
from tests.unit.devnet.history import (
    LAG,
    NETUID,
    START,
    TAO,
    TRADER,
    History,
    opened_at_one_tao,
    tape_of,
)
from units import BlockNumber, Netuid, PositionId, Sequence, Wei


def test_referee__push_and_liquidation_in_one_block__zero_late() -> None:
    history = opened_at_one_tao()
    history.push(8 * 10**8)
    history.accrue()
    history.liquidate()
    history.block()
    verdict = history.referee.verdict
    assert dict(verdict.late_blocks) == {0: 1}
    assert dict(verdict.source_blocks) == {LAG + 1: 1}
    assert (verdict.healthy_touched, verdict.wrong_amounts) == ([], [])
    assert history.referee.ledger.breaches == []
    assert history.referee.below.left_alone == {}
    assert verdict.bad_debt_wei == 0
    assert verdict.penalties_wei > 0
    assert history.referee.accruals_by_fleet == {NETUID: 0}


def test_referee__liquidated_a_block_after_the_push__one_late_and_counted_from_its_source() -> None:
    history = opened_at_one_tao()
    history.push(8 * 10**8)
    history.block()
    history.accrue()
    history.liquidate()
    history.block()
    assert dict(history.referee.verdict.late_blocks) == {1: 1}
    assert dict(history.referee.verdict.source_blocks) == {LAG + 2: 1}
    assert history.referee.below.left_alone == {}


def test_referee__below_for_two_more_blocks__left_alone() -> None:
    history = opened_at_one_tao()
    history.push(8 * 10**8)
    history.blocks(2)
    assert history.referee.below.left_alone == {}
    history.block()
    assert len(history.referee.below.left_alone) == 1


def test_referee__recovered_in_between__its_lateness_starts_anew() -> None:
    history = opened_at_one_tao()
    for rao in (8 * 10**8, 10**9, 8 * 10**8):
        history.push(rao)
        history.block()
    history.accrue()
    history.liquidate()
    history.block()
    assert dict(history.referee.verdict.late_blocks) == {1: 1}


def test_referee__market_suspended_meanwhile__not_left_alone_and_late_says_why() -> None:
    history = opened_at_one_tao()
    history.push(8 * 10**8)
    history.say("MarketSuspended", netuid=NETUID, reason=4)
    history.blocks(10)
    assert history.referee.below.left_alone == {}
    history.say("MarketResumed", netuid=NETUID)
    history.block()
    history.accrue()
    history.liquidate()
    history.block()
    assert dict(history.referee.verdict.late_blocks) == {11: 1}
    assert dict(history.referee.verdict.late_blocks_unsuspended) == {1: 1}
    assert history.referee.below.left_alone == {}


def test_referee__resumed_and_still_below_two_blocks_later__left_alone() -> None:
    history = opened_at_one_tao()
    history.push(8 * 10**8)
    history.say("MarketSuspended", netuid=NETUID, reason=4)
    history.blocks(5)
    history.say("MarketResumed", netuid=NETUID)
    history.blocks(3)
    assert len(history.referee.below.left_alone) == 1


def test_referee__below_before_and_after_a_suspension__its_clock_starts_anew() -> None:
    history = opened_at_one_tao()
    history.push(8 * 10**8)
    history.block()
    history.say("MarketSuspended", netuid=NETUID, reason=4)
    history.blocks(5)
    history.say("MarketResumed", netuid=NETUID)
    history.blocks(2)
    assert history.referee.below.left_alone == {}
    history.block()
    assert len(history.referee.below.left_alone) == 1


def test_referee__brought_below_by_funding_alone__counted_apart_and_not_from_a_source() -> None:
    history = opened_at_one_tao(*(10**9,) * 60)
    history.push(867 * 10**6)
    history.blocks(400)
    history.accrue()
    history.liquidate()
    history.block()
    verdict = history.referee.verdict
    assert verdict.healthy_touched == []
    assert verdict.driven_by_funding == 1
    assert verdict.source_blocks == {}
    assert history.referee.ledger.funding_paid > 0


def test_referee__healthy_position_liquidated__healthy_touched() -> None:
    history = opened_at_one_tao()
    history.push(9 * 10**8)
    history.accrue()
    history.liquidate()
    history.block()
    assert len(history.referee.verdict.healthy_touched) == 1
    assert "market 64" in history.referee.verdict.healthy_touched[0]


def test_referee__liquidated_by_a_spike_that_returned__healthy_touched() -> None:
    history = opened_at_one_tao(10**9, 10**9, 8 * 10**8, 99 * 10**7, 10**9)
    history.blocks(START + 22 - history.number)
    history.push(8 * 10**8, source=START + 20)
    history.accrue()
    history.liquidate()
    history.block()
    assert history.referee.verdict.healthy_liquidated == []
    assert "returning spike" in history.referee.verdict.healthy_touched[0]


def test_referee__liquidated_by_a_fall_that_stayed__nothing_to_blame() -> None:
    history = opened_at_one_tao(10**9, 10**9, 8 * 10**8, 82 * 10**7, 10**9)
    history.blocks(START + 22 - history.number)
    history.push(8 * 10**8, source=START + 20)
    history.accrue()
    history.liquidate()
    history.block()
    assert history.referee.verdict.healthy_touched == []


def test_referee__liquidated_by_a_small_move_that_returned__nothing_to_blame() -> None:
    history = opened_at_one_tao(10**9, 88 * 10**7, 86 * 10**7, 88 * 10**7, 88 * 10**7)
    history.number = START + 12
    history.push(88 * 10**7, source=START + 10)
    history.blocks(10)
    history.push(86 * 10**7, source=START + 20)
    history.accrue()
    history.liquidate()
    history.block()
    assert history.referee.verdict.healthy_touched == []


def test_referee__spike_on_a_position_that_was_below_before_it__nothing_to_blame() -> None:
    history = opened_at_one_tao(10**9, 85 * 10**7, 7 * 10**8, 85 * 10**7, 85 * 10**7)
    history.number = START + 12
    history.push(85 * 10**7, source=START + 10)
    history.blocks(10)
    history.push(7 * 10**8, source=START + 20)
    history.accrue()
    history.liquidate()
    history.block()
    assert history.referee.verdict.healthy_touched == []


def test_referee__many_candidates_and_little_gas__the_later_ranked_get_more_blocks() -> None:
    history = History(tape_of(*(10**9,) * 10), capacity=Capacity(gas_each=100, gas_share=100))
    history.blocks(LAG + 1)
    history.push(10**9)
    history.block()
    history.accrue()
    for number in range(1, 6):
        history.open(number, margin=number * TAO)
    history.block(sender=TRADER)
    history.push(8 * 10**8)
    history.blocks(3)
    assert {key.id[-1] for key in history.referee.below.left_alone} == {5, 4, 3}
    history.block()
    assert {key.id[-1] for key in history.referee.below.left_alone} == {5, 4, 3, 2}


def fallen_together(count: int, *, gas_share: int) -> History:
    """So many fall at one push, of whom the first half, the larger ones, is taken with it."""
    history = History(tape_of(*(10**9,) * 10), capacity=Capacity(gas_each=100, gas_share=gas_share))
    history.blocks(LAG + 1)
    history.push(10**9)
    history.block()
    history.accrue()
    for number in range(count):
        history.open(number, margin=(count - number) * TAO)
    history.block(sender=TRADER)
    history.push(8 * 10**8)
    history.accrue()
    for number in range(count // 2):
        history.liquidate(number, margin=(count - number) * TAO)
    history.block()
    return history


def take_the_rest(history: History, count: int) -> None:
    history.accrue()
    for number in range(count // 2, count):
        history.liquidate(number, margin=(count - number) * TAO)
    history.block()


@pytest.mark.parametrize(
    ("count", "gas_share", "blocks", "late"),
    [
        (4, 400, 0, 2),  # all would have fitted in the push
        (4, 200, 0, 0),  # the first two filled it
        (4, 200, 1, 1),  # a block was all that the third had to wait for
        (604, 10**6, 0, 0),  # there is room for 300 of them in a transaction
    ],
)
def test_referee__later_than_the_gas_before_it_explains__said(
    count: int, gas_share: int, blocks: int, late: int
) -> None:
    history = fallen_together(count, gas_share=gas_share)
    history.blocks(blocks)
    take_the_rest(history, count)
    verdict = history.referee.verdict
    assert verdict.late_blocks == {0: count // 2, 1 + blocks: count // 2}
    assert len(verdict.later_than_ranked) == late


@pytest.mark.parametrize(("reason", "late"), [(3, 0), (4, 1)])
def test_referee__a_block_late_at_the_first_price_after_a_suspension__allowed_after_downtime(
    reason: int, late: int
) -> None:
    history = opened_at_one_tao()
    history.say("MarketSuspended", netuid=NETUID, reason=reason)
    history.block()
    history.say("MarketSuspended", netuid=NETUID, reason=4)
    history.block()
    history.say("MarketResumed", netuid=NETUID)
    history.push(8 * 10**8)
    history.block()
    history.accrue()
    history.liquidate()
    history.block()
    assert history.referee.verdict.late_blocks == {1: 1}
    assert len(history.referee.verdict.later_than_ranked) == late


def test_below__a_crowd_with_a_little_bad_debt__ranks_after_one_of_whom_more_is_expected() -> None:
    capacity = Capacity(gas_each=100, gas_share=100, shortfall_ppm=20)
    crowd = [below(number, left=-1, size=TAO) for number in range(4)]
    whale = below(9, left=TAO, size=1_000 * TAO)
    for expects, is_first in ((capacity, True), (replace(capacity, shortfall_ppm=0), False)):
        followed = BelowMaintenance(expects)
        for number in (100, 101, 102):
            followed.end_block(BlockNumber(number), [*crowd, whale], frozenset())
        assert (whale.key in followed.left_alone) is is_first
        assert len(followed.left_alone) == 3  # who has four before it has four blocks


def test_below__more_fall_before_its_turn__may_be_as_late_as_they_explain() -> None:
    taken = BelowMaintenance(Capacity(gas_each=100, gas_share=200))
    first = [below(number, left=-100 - number, size=TAO) for number in (4, 3, 2, 1)]
    second = [below(number, left=-900, size=TAO) for number in (5, 6)]
    for one in first[:2]:
        taken.taken(one, BlockNumber(100))
    taken.end_block(BlockNumber(100), first[2:], frozenset())
    for one in second:
        taken.taken(one, BlockNumber(101))
    taken.end_block(BlockNumber(101), first[2:], frozenset())
    late = taken.taken(first[2], BlockNumber(102))
    assert (late.blocks, late.blocks_allowed) == (2, 2)


def below(number: int, *, left: int, size: int) -> Below:
    key = HoldingKey(id=PositionId(number.to_bytes(16, "big")), sequence=Sequence(1))
    return Below(key=key, netuid=Netuid(NETUID), left=left, size=Wei(size), source_block=None)


def test_referee__price_withheld_for_a_while__delay_also_counted_from_its_first_source() -> None:
    history = opened_at_one_tao(10**9, 10**9, 8 * 10**8, 8 * 10**8, 8 * 10**8)
    history.number = START + 32
    history.push(8 * 10**8, source=START + 30)
    history.accrue()
    history.liquidate()
    history.block()
    assert dict(history.referee.verdict.source_blocks) == {3: 1}
    assert dict(history.referee.verdict.first_source_blocks) == {13: 1}


def test_referee__source_below_before_the_opening__counted_from_the_opening() -> None:
    history = opened_at_one_tao(8 * 10**8, 8 * 10**8)
    opened = history.number
    history.number = START + 12
    history.push(8 * 10**8, source=START + 10)
    history.accrue()
    history.liquidate()
    history.block()
    assert dict(history.referee.verdict.first_source_blocks) == {history.number - opened: 1}

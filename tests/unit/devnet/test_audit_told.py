"""Whether falls and liquidations were told, and whether what was told has happened."""

from collections.abc import Sequence as Many
from dataclasses import dataclass, field

import pytest

from devnet.audit.duties import Duty, DutyRecord
from devnet.audit.ledger import name_of
from devnet.audit.margin import HoldingKey
from devnet.audit.told import Stand, TierWatch
from tests.unit.devnet.history import LAG, TIERS, TRADER, History, tape_of
from units import BlockNumber, PositionId, Sequence

KEY = HoldingKey(id=PositionId(bytes(16)), sequence=Sequence(1))
NAME = name_of(KEY)


@dataclass
class Heard:
    """What has arrived."""

    deepest: dict[str, int] = field(default_factory=dict)
    liquidated: set[str] = field(default_factory=set)


def settled(ratios: Many[int | None], heard: Heard, *, is_taken: bool = False) -> DutyRecord:
    """After one position has stood at these ratios, None where its risk was not known."""
    watch, record = TierWatch(TIERS), DutyRecord()
    for number, ratio in enumerate(ratios):
        stands = [] if ratio is None else [Stand(key=KEY, left=ratio, size=10_000)]
        watch.end_block(BlockNumber(number), stands)
    if is_taken:
        watch.liquidated.add(KEY)
    watch.settle(heard, record)
    return record


def untold(ratios: Many[int | None], heard: Heard | None = None) -> bool:
    return not settled(ratios, heard or Heard()).is_done(Duty.EVERYTHING_TOLD)


@pytest.mark.parametrize(
    "ratios", [[3_300, 2_499], [3_300, 2_000], [2_400], [1_999, 1_999], [3_300, -5, -5]]
)
def test_told__fell_through_a_tier_in_silence__neglected(ratios: list[int]) -> None:
    assert untold(ratios)


@pytest.mark.parametrize(
    "ratios", [[3_300, 2_500], [3_600, 3_499], [3_300, 1_999], [3_300, 1_999, None, 1_999], []]
)
def test_told__nothing_that_must_be_told_at_once__silence_is_right(
    ratios: list[int | None],
) -> None:
    assert not untold(ratios)


def test_told__alert_less_deep_than_the_fall__neglected() -> None:
    assert untold([2_400, 1_900, 1_900], Heard(deepest={NAME: 2_500}))
    assert not untold([2_400, 1_900, 1_900], Heard(deepest={NAME: 2_000}))


def test_told__fall_that_did_not_happen__untrue() -> None:
    assert not settled([2_500], Heard(deepest={NAME: 2_500})).is_done(Duty.TOLD_IS_TRUE)
    assert not settled([], Heard(deepest={NAME: 2_500})).is_done(Duty.TOLD_IS_TRUE)
    assert settled([2_499], Heard(deepest={NAME: 2_500})).is_done(Duty.TOLD_IS_TRUE)


def test_told__liquidation__must_be_told_and_only_when_it_was_one() -> None:
    heard = Heard(liquidated={NAME})
    assert settled([], heard, is_taken=True).neglected == DutyRecord().neglected
    assert not settled([], Heard(), is_taken=True).is_done(Duty.EVERYTHING_TOLD)
    assert not settled([], heard).is_done(Duty.TOLD_IS_TRUE)


def test_told__while_the_market_is_suspended__nothing_is_owed() -> None:
    history = History(tape_of(*(10**9,) * 9))
    history.blocks(LAG + 1)
    history.push(10**9)
    history.block()
    history.accrue()
    history.open()
    history.block(sender=TRADER)
    history.push(87 * 10**7)
    history.say("MarketSuspended", netuid=64, reason=4)
    history.blocks(3)
    assert history.referee.tiers.owed == {}
    history.say("MarketResumed", netuid=64)
    history.block()
    assert list(history.referee.tiers.owed.values()) == [2_500]

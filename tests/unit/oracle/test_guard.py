from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from oracle.alpha import is_beyond, to_price_wei
from oracle.guard import (
    Accept,
    GuardPolicy,
    GuardState,
    Reference,
    Side,
    Verdict,
    Withhold,
    assess,
    interrupted,
)
from oracle.quotes import Price
from tests.unit.oracle.simulated import SN, time_of
from units import BlockNumber, Bps, Netuid, PriceWei, Rao

POLICY = GuardPolicy(jump_limit=Bps(500), confirm_blocks=4)


def price(block: int, rao: int, netuid: Netuid = SN) -> Price:
    return Price(netuid=netuid, rao=Rao(rao), block=BlockNumber(block), time=time_of(block))


class Guarded:
    """One market's guard, fed price after price."""

    def __init__(self, first: int = 1_000, policy: GuardPolicy = POLICY) -> None:
        self.policy = policy
        self.block = 0
        self.state = GuardState()
        self.see(first)

    def see(self, rao: int, *, skip: int = 0, published: Reference | None = None) -> Verdict:
        self.block += 1 + skip
        seen = price(self.block, rao)
        self.state, verdict = assess(self.state, seen, published, self.policy)
        return verdict

    def accepts(self, *raos: int) -> list[bool]:
        return [isinstance(self.see(rao), Accept) for rao in raos]


def test_assess__within_the_limit__is_accepted_and_becomes_the_reference() -> None:
    # Each step is 4 %, the whole way is 17 %.
    assert Guarded().accepts(1_040, 1_081, 1_124, 1_168) == [True] * 4


def test_assess__exactly_at_the_limit__is_accepted() -> None:
    assert Guarded().accepts(1_050) == [True]
    assert Guarded().accepts(1_051) == [False]


@pytest.mark.parametrize("jumped", [1_100, 500])
def test_assess__a_jump_that_stands__is_accepted_at_the_last_confirming_block(jumped: int) -> None:
    assert Guarded().accepts(jumped, jumped, jumped, jumped) == [False, False, False, True]


def test_assess__a_jump_that_returns__is_never_accepted_and_what_it_returned_to_must_stand() -> (
    None
):
    assert Guarded().accepts(8_000, 8_000, 8_000) == [False] * 3
    assert Guarded().accepts(8_000, *(1_001,) * 4) == [False] * 4 + [True]


def test_assess__a_spike_back_to_the_reference__is_no_return() -> None:
    # The source has gone to 1 100; the block at 1 000 is the spike.
    raos = (1_100, 1_100, 1_100, 1_000, *(1_100,) * 4)
    assert Guarded().accepts(*raos) == [False] * 7 + [True]


def test_assess__a_held_price_that_drifts_back_within_the_limit__has_stood_all_the_while() -> None:
    assert Guarded().accepts(1_060, 1_040, 1_030, 1_020) == [False, False, False, True]


def test_assess__a_jump_to_the_other_side__starts_the_count_anew() -> None:
    assert Guarded().accepts(1_100, 1_100, 1_100, 900, 900, 900, 900) == [False] * 6 + [True]


def test_assess__another_has_published_beyond_a_held_price__it_stands_on_the_other_side_now() -> (
    None
):
    guarded = Guarded()
    guarded.accepts(1_060, 1_060, 1_060)
    published = Reference(price=PriceWei(1_120 * 10**9), block=BlockNumber(3))
    verdict = guarded.see(1_060, published=published)
    assert isinstance(verdict, Withhold)
    assert (verdict.jump.side, verdict.jump.count) == (Side.BELOW, 1)


def test_assess__another_has_published_since_the_jump_was_last_seen__it_begins_anew() -> None:
    guarded = Guarded()
    guarded.accepts(1_060, 1_060, 1_060)
    published = Reference(price=PriceWei(1_000 * 10**9), block=BlockNumber(5))
    verdict = guarded.see(1_060, skip=1, published=published)
    assert isinstance(verdict, Withhold)
    assert verdict.jump.count == 1


def test_assess__a_second_jump_while_held__starts_the_count_anew() -> None:
    # The spike to 1 900 would be the fourth block above the limit.
    guarded = Guarded()
    assert guarded.accepts(1_300, 1_300, 1_300, 1_900) == [False] * 4
    assert guarded.accepts(1_300, 1_300, 1_300, 1_300) == [False, False, False, True]


def test_assess__a_held_price_that_drifts__keeps_its_count() -> None:
    assert Guarded().accepts(1_300, 1_340, 1_380, 1_420) == [False, False, False, True]


def test_assess__skipped_blocks__do_not_count_as_stood() -> None:
    guarded = Guarded()
    verdicts = [guarded.see(1_300, skip=5) for _ in range(4)]
    assert [isinstance(each, Accept) for each in verdicts] == [False, False, False, True]


def test_assess__the_same_block_again__counts_once() -> None:
    guarded = Guarded()
    for _ in range(10):
        guarded.block = 1
        assert isinstance(guarded.see(1_300), Withhold)


def test_assess__no_price_in_between__the_jump_has_to_stand_again() -> None:
    guarded = Guarded()
    guarded.accepts(1_300, 1_300, 1_300)
    guarded.state = interrupted(guarded.state)
    assert guarded.accepts(1_300, 1_300, 1_300, 1_300) == [False, False, False, True]


def test_assess__after_a_restart__the_published_price_is_the_reference() -> None:
    row = Reference(price=PriceWei(1_000 * 10**9), block=BlockNumber(40))
    _, verdict = assess(GuardState(), price(50, 1_300), row, POLICY)
    assert isinstance(verdict, Withhold)
    assert verdict.reference == row
    assert verdict.jump.side is Side.ABOVE


def test_assess__nothing_published_and_nothing_remembered__the_first_price_is_accepted() -> None:
    _, verdict = assess(GuardState(), price(50, 1_300), None, POLICY)
    assert isinstance(verdict, Accept)


def test_assess__another_instance_published_a_newer_price__that_is_the_reference() -> None:
    guarded = Guarded()
    guarded.see(1_300)
    newer = Reference(price=PriceWei(1_290 * 10**9), block=BlockNumber(9))
    assert isinstance(guarded.see(1_300, skip=10, published=newer), Accept)


def test_assess__an_older_published_price__changes_nothing() -> None:
    guarded = Guarded()
    older = Reference(price=PriceWei(1_290 * 10**9), block=BlockNumber(0))
    assert isinstance(guarded.see(1_300, published=older), Withhold)


LETTER = replace(POLICY, restart_blocks=0)


def test_assess__need_only_stay_beyond__a_staircase_passes_at_its_latest_price() -> None:
    assert Guarded(policy=LETTER).accepts(900, 810, 729, 656) == [False, False, False, True]
    assert Guarded().accepts(900, 810, 729, 656) == [False] * 4


def test_assess__need_only_stay_beyond__a_change_of_sides_starts_anew_all_the_same() -> None:
    assert Guarded(policy=LETTER).accepts(1_100, 1_100, 1_100, 900) == [False] * 4


def test_assess__need_only_stay_beyond__a_price_that_returns_ends_the_hold() -> None:
    assert Guarded(policy=LETTER).accepts(8_000, 6_000, 9_000, 1_001) == [False] * 3 + [True]


def test_assess__must_stand_still_for_a_while__the_count_restarts_only_in_it() -> None:
    # Blocks 2 to 4 of the hold restart it, the fifth does not any more.
    policy = replace(POLICY, restart_blocks=4)
    steps = [900, 810, 729, 656, 590, 531, 478]
    assert Guarded(policy=policy).accepts(*steps) == [False] * 6 + [True]


class GuardMachine(RuleBasedStateMachine):
    """Any history of prices, gaps, outages and pushes of others."""

    def __init__(self) -> None:
        super().__init__()
        self.state = GuardState()
        self.block = 0
        self.seen: list[int] = []
        self.reference: int | None = None
        self.verdict: Verdict | None = None
        self.before: int | None = None
        self.was_held = False

    @rule(rao=st.integers(800, 1_250) | st.integers(1, 10**6), gap=st.integers(1, 3))
    def observe(self, rao: int, gap: int) -> None:
        self.block += gap
        self._judge(rao)

    @rule(times=st.integers(1, 6))
    def stand_still(self, times: int) -> None:
        for _ in range(times):
            self.block += 1
            self._judge(self.seen[-1] if self.seen else 1_000)
            self.accepted_only_what_stood()

    @rule(times=st.integers(1, 3), rao=st.integers(1, 10**6))
    def spike_and_return(self, times: int, rao: int) -> None:
        """Fewer blocks than must confirm, then back: never accepted unless near the reference."""
        back = self.seen[-1] if self.seen else 1_000
        for _ in range(times):
            self.block += 1
            was = self.reference
            self._judge(rao)
            if was is not None and _beyond(was, rao) and _beyond(back, rao):
                assert isinstance(self.verdict, Withhold)
        self.block += 1
        self._judge(back)

    @rule()
    def no_price(self) -> None:
        self.block += 1
        self.state = interrupted(self.state)
        self.seen, self.verdict = [], None

    @rule(rao=st.integers(800, 1_250))
    def published_by_another(self, rao: int) -> None:
        self.block += 1
        row = Reference(price=PriceWei(rao * 10**9), block=BlockNumber(self.block))
        self.reference, self.seen, self.verdict = rao, [], None
        self.block += 1
        self._judge(rao, row)

    def _judge(self, rao: int, row: Reference | None = None) -> None:
        self.before, self.was_held = self.reference, isinstance(self.verdict, Withhold)
        seen = price(self.block, rao)
        self.state, self.verdict = assess(self.state, seen, row, POLICY)
        self.seen.append(rao)
        if isinstance(self.verdict, Accept):
            self.reference = rao

    @invariant()
    def accepted_only_what_stood(self) -> None:
        """Far from the reference or after a hold: the last blocks read all stood together."""
        if not isinstance(self.verdict, Accept) or self.before is None:
            return
        is_far = _beyond(self.before, self.seen[-1])
        if not is_far and not self.was_held:
            return
        assert self.was_held
        stood = self.seen[-POLICY.confirm_blocks :]
        assert len(stood) == POLICY.confirm_blocks
        assert not any(_beyond(one, following) for one, following in pairwise(stood))
        assert len({rao > self.before for rao in stood if _beyond(self.before, rao)}) <= 1


def _beyond(reference: int, rao: int) -> bool:
    return is_beyond(to_price_wei(Rao(reference)), to_price_wei(Rao(rao)), POLICY.jump_limit)


GuardMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestGuardMachine = GuardMachine.TestCase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepers.warnings.alerts import Fall, Severity
from keepers.warnings.tiers import (
    Stage,
    Tier,
    WarningPolicy,
    Watch,
    observe,
    observe_unknown,
    tiers,
)
from units import BlockNumber, Bps, Seconds

POLICY = WarningPolicy()
UNKNOWN = None


def seen(*ratios: int | None, policy: WarningPolicy = POLICY) -> list[tuple[int, Fall]]:
    """The falls of one position whose ratio is `ratios`, block by block, with their block."""
    watch: Watch | None = None
    falls = []
    for block, ratio in enumerate(ratios):
        if ratio is not None:
            watch, fall = observe(watch, Bps(ratio), BlockNumber(block), policy)
        elif watch is not None:
            watch, fall = observe_unknown(watch, policy)
        else:
            fall = None
        if fall is not None:
            falls.append((block, fall))
    return falls


def told(*ratios: int | None) -> list[tuple[int, tuple[int, ...], str]]:
    return [(block, fall.tiers, fall.severity.value) for block, fall in seen(*ratios)]


def test_observe__opened_at_three_times__says_nothing() -> None:
    assert told(3320, 3318, 3400, 3320) == []


def test_observe__through_the_first_tier__collected_for_the_digest() -> None:
    assert told(4000, 3499) == [(1, (3500,), "digest")]


def test_observe__exactly_at_a_tier__is_not_below_it() -> None:
    assert told(4000, 3500) == []


def test_observe__opened_inside_the_first_tier_and_falling__notifies_without_skipped() -> None:
    assert told(3320, 2400) == [(1, (2500,), "notify")]


def test_observe__through_two_tiers_at_once__one_alert_names_the_deepest_and_the_skipped() -> None:
    assert told(4000, 2400) == [(1, (3500, 2500), "notify")]


def test_observe__through_all_and_two_blocks_below__one_page() -> None:
    assert told(4000, 1900, 1950, 1900) == [(2, (3500, 2500, 2000), "page")]


def test_observe__one_block_below_the_last_tier__notifies_as_soon_as_it_is_back() -> None:
    assert told(4000, 1900, 2100) == [(2, (3500, 2500), "notify")]


def test_observe__one_block_below_everything_and_fully_back__still_told_then_armed() -> None:
    falls = seen(4000, 1900, 4000, 2400)

    assert [(block, fall.deepest, fall.episode) for block, fall in falls] == [
        (2, 2500, 1),
        (3, 2500, 2),
    ]


def test_observe__from_inside_the_second_tier_to_below_the_last__pages_after_two_blocks() -> None:
    assert told(3320, 2400, 1990, 1990, 1990) == [(1, (2500,), "notify"), (3, (2000,), "page")]


def test_observe__below_and_above_the_last_tier_in_turn__two_blocks_in_a_row_are_needed() -> None:
    assert told(2400, 1990, 2010, 1990, 2010) == [(0, (2500,), "notify")]


@pytest.mark.parametrize(("recovery", "alerts"), [(2699, 1), (2700, 2)])
def test_observe__recovery__arms_again_from_two_points_on(recovery: int, alerts: int) -> None:
    assert len(told(3300, 2400, recovery, 2400)) == alerts


def test_observe__trembling_around_a_tier__one_alert() -> None:
    assert len(told(3300, *([2499, 2501] * 50))) == 1


def test_observe__second_fall_after_a_recovery__another_episode() -> None:
    falls = seen(3300, 2400, 2800, 2400)

    assert [fall.episode for _, fall in falls] == [1, 2]


@pytest.mark.parametrize("ratio", [3499, 2600, 2500])
def test_observe__first_seen_inside_the_first_tier__silent(ratio: int) -> None:
    assert told(ratio) == []


def test_observe__first_seen_deep__found_not_normal() -> None:
    ((_, fall),) = seen(2400)

    assert (fall.is_found, fall.tiers, fall.severity) == (True, (2500,), Severity.NOTIFY)


def test_observe__first_seen_below_the_last_tier__one_page_found_after_two_blocks() -> None:
    ((block, fall),) = seen(1500, 1500, 1500)

    assert (block, fall.is_found, fall.tiers) == (1, True, (2500, 2000))


def test_observe__first_seen_in_the_first_tier_recovering__armed_by_the_recovery() -> None:
    assert told(3320, 3700, 3400) == [(2, (3500,), "digest")]


def test_unknown__between_two_ratios__is_no_recovery_and_no_fall() -> None:
    assert told(3300, 2400, UNKNOWN, UNKNOWN, 2400) == [(1, (2500,), "notify")]


def test_unknown__while_the_page_waits__tells_what_was_seen_and_pages_when_seen_again() -> None:
    assert told(4000, 1900, UNKNOWN, UNKNOWN, 1900) == [
        (2, (3500, 2500), "notify"),
        (4, (2000,), "page"),
    ]


def test_unknown__from_the_start__the_first_ratio_is_the_first_seen() -> None:
    ((block, fall),) = seen(UNKNOWN, UNKNOWN, 2400)

    assert (block, fall.is_found) == (2, True)


def test_observe__the_same_block_twice__does_not_count_as_two() -> None:
    watch, _ = observe(None, Bps(4000), BlockNumber(1), POLICY)
    once, _ = observe(watch, Bps(1900), BlockNumber(2), POLICY)
    twice, fall = observe(once, Bps(1900), BlockNumber(2), POLICY)

    assert (twice, fall) == (once, None)


def test_observe__the_chain_reorganised_to_before_the_fall__two_blocks_from_there() -> None:
    watch, _ = observe(None, Bps(3300), BlockNumber(1), POLICY)
    watch, _ = observe(watch, Bps(1900), BlockNumber(9), POLICY)
    watch, early = observe(watch, Bps(1900), BlockNumber(7), POLICY)
    _, fall = observe(watch, Bps(1900), BlockNumber(8), POLICY)

    assert early is None
    assert fall is not None


def test_observe__nothing_changed__the_same_watch() -> None:
    watch, _ = observe(None, Bps(3320), BlockNumber(1), POLICY)

    assert observe(watch, Bps(3310), BlockNumber(2), POLICY)[0] is watch


def test_observe__a_tier_new_in_the_policy__begins_as_first_seen() -> None:
    watch, _ = observe(None, Bps(2900), BlockNumber(1), POLICY)
    added = WarningPolicy(
        tiers=(*POLICY.tiers[:1], Tier(ratio_bps=Bps(3000), severity=Severity.NOTIFY))
    )

    moved, fall = observe(watch, Bps(2900), BlockNumber(2), added)

    assert [tier.tier_bps for tier in moved] == [3500, 3000]
    assert fall is not None
    assert (fall.tiers, fall.is_found) == ((3000,), True)


def test_unknown__a_reached_tier_gone_from_the_policy__is_dropped() -> None:
    watch, _ = observe(None, Bps(4000), BlockNumber(1), POLICY)
    held, _ = observe(watch, Bps(1900), BlockNumber(2), POLICY)
    assert [tier.stage for tier in held] == [Stage.REACHED, Stage.REACHED, Stage.ARMED]

    moved, fall = observe_unknown(held, WarningPolicy(tiers=POLICY.tiers[:1]))

    assert [tier.tier_bps for tier in moved] == [3500]
    assert fall is not None
    assert fall.tiers == (3500,)


def test_tiers__four_ratios__first_collected_last_pages_others_notify() -> None:
    made = tiers([Bps(4000), Bps(3000), Bps(2500), Bps(2000)], page_blocks=3)

    assert [tier.severity.value for tier in made] == ["digest", "notify", "notify", "page"]
    assert [tier.blocks for tier in made] == [1, 1, 1, 3]


@pytest.mark.parametrize(
    "wrong",
    [(), (POLICY.tiers[1], POLICY.tiers[0]), (POLICY.tiers[0], POLICY.tiers[0])],
    ids=["none", "upside down", "twice"],
)
def test_policy__tiers_that_make_no_sense__refused(wrong: tuple[Tier, ...]) -> None:
    with pytest.raises(ValueError, match="highest first"):
        WarningPolicy(tiers=wrong)


def test_policy__no_time_to_collect__refused() -> None:
    with pytest.raises(ValueError, match="digest_interval"):
        WarningPolicy(digest_interval=Seconds(0))


ratios = st.lists(
    st.one_of(
        st.none(),
        st.integers(-500, 4500),
        st.sampled_from([1999, 2000, 2199, 2200, 2499, 2500, 2699, 2700, 3499, 3500, 3700]),
    ),
    max_size=40,
)


def _entries(tier: Tier, sequence: list[int | None]) -> list[int]:
    """Where a tier is entered, told independently of the machine: the index of each entry."""
    entries: list[int] = []
    is_armed: bool | None = None
    since: int | None = None
    for index, ratio in enumerate(sequence):
        if ratio is None:
            continue
        if is_armed is None:
            is_armed = ratio >= tier.ratio_bps or not tier.is_silent_when_found
        # blocks of unknown risk neither confirm nor end a stay below, but they pass
        since = None if ratio >= tier.ratio_bps else index if since is None else since
        if is_armed and since is not None and index - since + 1 >= tier.blocks:
            entries.append(index)
            is_armed = False
        if ratio >= tier.ratio_bps + POLICY.recovery_bps:
            is_armed = True
    return entries


@settings(deadline=None, max_examples=400)
@given(ratios)
def test_observe__any_sequence__every_entry_is_in_exactly_one_alert(
    sequence: list[int | None],
) -> None:
    falls = seen(*sequence, UNKNOWN)

    for tier in POLICY.tiers:
        alerts = [block for block, fall in falls if tier.ratio_bps in fall.tiers]
        entries = _entries(tier, sequence)
        assert len(alerts) == len(entries)
        assert all(
            entry <= alert <= entry + 1 for entry, alert in zip(entries, alerts, strict=True)
        )


@settings(deadline=None, max_examples=400)
@given(ratios)
def test_observe__any_sequence__at_most_one_alert_a_block_and_none_twice(
    sequence: list[int | None],
) -> None:
    falls = [fall for _, fall in seen(*sequence, UNKNOWN)]

    assert len({(fall.deepest, fall.episode) for fall in falls}) == len(falls)
    assert all(list(fall.tiers) == sorted(fall.tiers, reverse=True) for fall in falls)


def test_tiers__severities_of_one_s_own__in_their_order() -> None:
    own = [Severity.INFORM, Severity.PAGE, Severity.PAGE]

    made = tiers([Bps(3500), Bps(2500), Bps(2000)], 2, own)

    assert [tier.severity for tier in made] == own
    assert [tier.is_silent_when_found for tier in made] == [True, False, False]
    with pytest.raises(ValueError, match="zip"):
        tiers([Bps(3500), Bps(2000)], 2, own)

"""What is observed of like watches once is what would have been observed of each."""

from hypothesis import given, settings
from hypothesis import strategies as st

from keepers.warnings.observer import Observer
from keepers.warnings.stretches import stretches
from keepers.warnings.tiers import WarningPolicy, Watch, observe, observe_unknown
from units import BlockNumber, Bps

POLICY = WarningPolicy()
LINES = stretches(POLICY).lines
ratios = st.one_of(
    st.none(),
    st.integers(-500, 6_000),
    st.tuples(st.sampled_from(LINES), st.integers(-1, 1)).map(sum),
)


def plain(before: Watch | None, ratio: int | None, block: int) -> object:
    if ratio is not None:
        return observe(before, Bps(ratio), BlockNumber(block), POLICY)
    return (None, None) if before is None else observe_unknown(before, POLICY)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.lists(ratios, min_size=6, max_size=6), st.integers(-2, 3)),
        min_size=1,
        max_size=9,
    )
)
def test_observed__six_watches_over_any_blocks__is_what_each_alone_comes_to(
    history: list[tuple[list[int | None], int]],
) -> None:
    watches: list[Watch | None] = [None] * 6
    block = 100
    for seen, step in history:
        block += step  # a reorganisation goes back
        observer = Observer(BlockNumber(block), POLICY)
        found = [
            observer.observed(watch, None if ratio is None else Bps(ratio))
            for watch, ratio in zip(watches, seen, strict=True)
        ]
        assert found == [plain(w, r, block) for w, r in zip(watches, seen, strict=True)]
        moved = zip(watches, found, strict=True)
        assert all((a is w) == (a == w) for w, (a, _) in moved), "the same object if nothing moved"
        watches = [after for after, _ in found]


def test_observed__many_new_positions_of_one_stretch__have_one_watch() -> None:
    observer = Observer(BlockNumber(7), POLICY)
    one, other = (observer.observed(None, Bps(ratio))[0] for ratio in (2_600, 3_400))
    assert one is other
    assert one is not None
    assert one[0].is_found

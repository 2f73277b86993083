"""Who is believed: k of n operators that say the same of one block, never fewer."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.quorum import Ballot, agreed, is_settled, standing_against
from oracle.quotes import Depth, Reading, Standing, Trouble, Unavailable
from tests.unit.oracle.simulated import ORDINARY, SN, TAO, reading
from units import BlockHash, BlockNumber, Rao

TRUE = replace(reading(100, {SN: TAO}), depths={SN: Depth(tao=Rao(7), alpha=9)})
LIE = replace(TRUE, prices={SN: Rao(TAO * 2)})
FORK = replace(TRUE, block=replace(TRUE.block, hash=BlockHash("0x" + "ab" * 32)))
STOLEN = replace(TRUE, identities={SN: replace(ORDINARY, registered_at=BlockNumber(99))})
BLIND = replace(TRUE, identities=None, detail="runtime 9 is being decoded")
DOWN = Unavailable(detail="refused")

Said = Reading | Unavailable | None


def ballots(*said: Said, operators: Sequence[str] = "abcdefg") -> list[Ballot]:
    named = zip(operators, said, strict=False)
    return [
        Ballot(endpoint=f"{operator}{index}", operator=operator, said=each)
        for index, (operator, each) in enumerate(named)
    ]


def standings(said: Reading | Unavailable) -> list[Standing]:
    return [quote.standing for quote in said.quotes]


def same(said: Reading | Unavailable, expected: Reading) -> bool:
    return isinstance(said, Reading) and replace(said, quotes=()) == expected


def test_agreed__one_endpoint_of_one__is_believed() -> None:
    assert same(agreed(ballots(TRUE), 1), TRUE)


@pytest.mark.parametrize("lie", [LIE, FORK, STOLEN, replace(TRUE, prices=None)])
def test_agreed__one_of_three_lies__it_is_named_and_not_believed(lie: Reading) -> None:
    said = agreed(ballots(lie, TRUE, TRUE), 2)
    assert same(said, TRUE)
    assert standings(said) == [Standing.DISAGREES, Standing.AGREES, Standing.AGREES]


@pytest.mark.parametrize("lie", [LIE, FORK, STOLEN])
def test_agreed__one_of_two_lies__nobody_is_believed(lie: Reading) -> None:
    said = agreed(ballots(TRUE, lie), 2)
    assert isinstance(said, Unavailable)
    assert said.trouble is Trouble.NO_QUORUM
    assert standings(said) == [Standing.DISPUTED, Standing.DISPUTED]


def test_agreed__too_few_answer__no_quorum_and_says_who_is_missing() -> None:
    lagging = Unavailable(detail="c has 99", trouble=Trouble.LAGGING)
    said = agreed(ballots(TRUE, DOWN, lagging), 2)
    assert isinstance(said, Unavailable)
    assert said.trouble is Trouble.NO_QUORUM
    assert standings(said) == [Standing.DISPUTED, Standing.UNREACHABLE, Standing.LAGGING]
    assert "b1: refused" in said.detail
    assert "c has 99" in said.detail


@pytest.mark.parametrize("trouble", [Trouble.DOWN, Trouble.WRONG_CHAIN, Trouble.MALFORMED])
def test_agreed__nobody_answers__is_what_they_all_have(trouble: Trouble) -> None:
    said = agreed(ballots(*[Unavailable(detail="x", trouble=trouble)] * 3), 2)
    assert isinstance(said, Unavailable)
    assert said.trouble is trouble


def test_agreed__one_operator_with_two_endpoints__has_one_vote() -> None:
    said = agreed(ballots(TRUE, TRUE, DOWN, operators="aab"), 2)
    assert isinstance(said, Unavailable)
    assert same(agreed(ballots(TRUE, TRUE, TRUE, operators="aab"), 2), TRUE)


def test_agreed__an_operator_contradicts_itself__has_no_vote() -> None:
    """Its two endpoints would otherwise give two answers a majority."""
    said = agreed(ballots(TRUE, LIE, TRUE, LIE, operators="aabc"), 2)
    assert isinstance(said, Unavailable)
    assert said.trouble is Trouble.NO_QUORUM


def test_agreed__one_is_still_decoding__its_price_counts_and_the_others_identities() -> None:
    said = agreed(ballots(BLIND, TRUE, TRUE), 2)
    assert same(said, TRUE)
    assert standings(said) == [Standing.AGREES] * 3


def test_agreed__too_few_tell_identities__they_are_unchecked_and_one_word_closes_nothing() -> None:
    said = agreed(ballots(BLIND, STOLEN, BLIND), 2)
    assert isinstance(said, Reading)
    assert said.identities is None
    assert said.detail == BLIND.detail


def test_agreed__identities_are_contested_while_one_decodes__no_market_is_told_apart() -> None:
    said = agreed(ballots(TRUE, STOLEN, BLIND), 2)
    assert isinstance(said, Unavailable)
    assert said.trouble is Trouble.NO_QUORUM
    assert "netuids" in said.detail


def test_agreed__depths_are_contested__the_price_goes_on_without_them() -> None:
    other = replace(TRUE, depths={SN: Depth(tao=Rao(8), alpha=9)})
    said = agreed(ballots(TRUE, other), 2)
    assert isinstance(said, Reading)
    assert said.depths is None
    assert "depths" in said.detail


def test_agreed__one_has_not_answered_yet__the_others_suffice() -> None:
    asked = ballots(TRUE, None, TRUE)
    assert is_settled(asked, 2)
    assert standings(agreed(asked, 2)) == [Standing.AGREES, Standing.PENDING, Standing.AGREES]


@pytest.mark.parametrize(
    ("said", "standing"),
    [
        (TRUE, Standing.AGREES),
        (BLIND, Standing.AGREES),
        (LIE, Standing.DISAGREES),
        (STOLEN, Standing.DISAGREES),
        (DOWN, Standing.UNREACHABLE),
    ],
)
def test_standing_against__a_late_answer__is_judged_all_the_same(
    said: Reading | Unavailable, standing: Standing
) -> None:
    assert standing_against(said, TRUE) is standing


@given(
    st.integers(1, 7).flatmap(
        lambda n: st.tuples(
            st.just(n),
            st.integers(n // 2 + 1, n),
            st.lists(st.sampled_from([LIE, FORK, STOLEN, BLIND, DOWN, None]), max_size=n),
            st.randoms(use_true_random=False),
        )
    )
)
def test_agreed__at_most_n_minus_k_are_bad__a_reading_is_the_true_one(
    case: tuple[int, int, list[Said], object],
) -> None:
    """And when k are good there is one, unless the bad ones left too few to tell identities."""
    n, needed, bad, random = case
    bad = bad[: n - needed]
    said = [*bad, *[TRUE] * (n - len(bad))]
    random.shuffle(said)  # type: ignore[attr-defined] # hypothesis gives a random.Random
    assert same(agreed(ballots(*said), needed), TRUE)


@given(st.lists(st.sampled_from([TRUE, LIE, FORK, DOWN, None]), min_size=1, max_size=7))
def test_agreed__whatever_they_say__fewer_than_k_are_never_believed(said: list[Said]) -> None:
    needed = len(said) // 2 + 1
    found = agreed(ballots(*said), needed)
    if isinstance(found, Reading):
        assert said.count(replace(found, quotes=())) >= needed
    else:
        assert all(said.count(each) < needed for each in (TRUE, LIE, FORK))

from itertools import permutations
from typing import get_args

import pytest

from fleet.chain.broadcasts import combined
from fleet.chain.rejections import Broadcast, Verdict

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


def said(verdict: Verdict) -> Broadcast:
    return Broadcast(verdict=verdict, detail=f"it said {verdict}")


@pytest.mark.parametrize("verdict", VERDICTS)
def test_combined__of_one_mind__is_what_they_say(verdict: Verdict) -> None:
    assert combined([said(verdict), said(verdict)], []).verdict == verdict


@pytest.mark.parametrize("pair", list(permutations(VERDICTS, 2)))
def test_combined__two_minds__held_by_one_is_held_and_doubt_is_doubt(
    pair: tuple[Verdict, Verdict],
) -> None:
    found = combined([said(each) for each in pair], []).verdict
    if "accepted" in pair:
        assert found == "accepted"
    elif "already known" in pair:
        assert found == "already known"
    elif "uncertain" in pair:
        assert found == "uncertain"
    else:
        assert found in pair
        assert found == combined([said(each) for each in reversed(pair)], []).verdict


@pytest.mark.parametrize("verdict", VERDICTS)
def test_combined__another_is_silent__only_what_is_held_is_certain(verdict: Verdict) -> None:
    found = combined([said(verdict)], ["b: no answer in 5 s"])
    if verdict in {"accepted", "already known"}:
        assert found.verdict == verdict
    else:
        assert found.verdict == "uncertain"
        assert "b: no answer in 5 s" in found.detail


def test_combined__nobody_was_asked__uncertain() -> None:
    assert combined([], []).verdict == "uncertain"

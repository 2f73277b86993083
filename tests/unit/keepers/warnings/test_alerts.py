from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepers.warnings.alerts import Fall, Severity, duration, fall_alert, percent, tao
from keepers.warnings.outlook import Outlook
from tests.unit.keepers.warnings.scripted import head, risk
from units import Bps, Seconds


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(2500, "25 %"), (2431, "24.31 %"), (2405, "24.05 %"), (0, "0 %"), (-150, "-1.50 %")],
)
def test_percent__basis_points__exact(ratio: int, text: str) -> None:
    assert percent(Bps(ratio)) == text


@given(st.integers(-(10**6), 10**6))
def test_percent__any_ratio__reads_back_as_the_same_number(ratio: int) -> None:
    assert Fraction(percent(Bps(ratio)).removesuffix(" %")) == Fraction(ratio, 100)


@pytest.mark.parametrize(
    ("wei", "text"),
    [
        (10**18, "1"),
        (87 * 10**15, "0.087"),
        (10**9, "0.000000001"),
        (10**9 - 1, "0"),
        (-1, "0"),
        (-5 * 10**17, "-0.5"),
        (123 * 10**18 + 1, "123"),
    ],
)
def test_tao__wei__cut_off_at_a_rao(wei: int, text: str) -> None:
    assert tao(wei) == text


def test_fall_alert__unknown_by_now__says_so_instead_of_a_ratio() -> None:
    fall = Fall(tiers=(Bps(2500),), severity=Severity.NOTIFY, episode=1, is_found=False)

    alert = fall_alert(risk(1, None), fall, head(7))

    assert alert.ratio_bps is None
    assert "fell below 25 %; unknown now (the market is suspended) at block 7" in alert.text


def test_fall_alert__same_fall_seen_at_another_block__same_id() -> None:
    fall = Fall(tiers=(Bps(3500), Bps(2500)), severity=Severity.NOTIFY, episode=2, is_found=False)

    early, late = (fall_alert(risk(1, ratio), fall, head(at)) for at, ratio in ((7, 2400), (9, 1)))

    assert early.id == late.id
    assert early.id.endswith("-2500-2")


def test_fall_alert__how_long_it_may_last__stands_after_the_price() -> None:
    fall = Fall(tiers=(Bps(2500),), severity=Severity.NOTIFY, episode=1, is_found=False)
    lasts = Outlook(by_funding=Seconds(3 * 86_400), by_moves=Seconds(4_000))

    alert = fall_alert(risk(1, 2400), fall, head(7), lasts)

    assert alert.text.endswith(
        "liquidated at 0.087 TAO (by funding alone in 3 d,"
        " within one standard deviation of recent moves in 66 min)"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7_199, "119 min"),
        (7_200, "2 h"),
        (172_800, "2 d"),
    ],
)
def test_duration__seconds__in_one_unit(seconds: int, text: str) -> None:
    assert duration(seconds) == text

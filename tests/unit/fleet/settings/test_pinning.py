"""One line of a configuration is replaced, and everything else stays as its operator wrote it."""

import tomllib

import pytest

from fleet.settings import SettingsError, repinned
from units import BlockNumber, Netuid

TEXT = """# who we are
[network]
name = "devnet" # keep me

[[markets]]
netuid = 8
symbol = "VANTA"
registered_at = 5 # confirmed by hand

  [[markets]] # ours
  netuid = 64
  symbol = "CHUTES"
  registered_at = 1_000

[oracle]
deviation_bps = 10
"""


def pinned(text: str, netuid: int = 64, block: int = 77) -> str:
    return repinned(text, Netuid(netuid), BlockNumber(block))


def test_repinned__one_market__changes_its_line_and_no_other() -> None:
    assert pinned(TEXT) == TEXT.replace("1_000", "77")
    assert pinned(TEXT, 8) == TEXT.replace("registered_at = 5 #", "registered_at = 77 #")


def test_repinned__a_market_without_a_pin__gets_one() -> None:
    text = TEXT.replace("  registered_at = 1_000\n", "")
    found = pinned(text)
    assert tomllib.loads(found) == tomllib.loads(TEXT.replace("1_000", "77"))
    assert found.replace("registered_at = 77\n", "") == text


@pytest.mark.parametrize(
    "text",
    [
        'markets = [{ netuid = 64, symbol = "CHUTES", registered_at = 1 }]',
        TEXT.replace("netuid = 8", "netuid = 64"),
        TEXT.replace("netuid = 64", "netuid = 65"),
        "[[markets",
        TEXT.replace("  registered_at = 1_000", '  registered_at = """\n1"""'),
    ],
)
def test_repinned__what_no_line_can_change__is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="markets: "):
        pinned(text)


def test_repinned__a_line_in_a_text_that_looks_like_one__is_refused() -> None:
    trap = TEXT.replace('symbol = "CHUTES"', 'symbol = """\nregistered_at = 5\n"""')
    with pytest.raises(SettingsError):
        pinned(trap)

from dataclasses import dataclass
from enum import Enum, IntEnum, StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.cli.encoding import jsonable
from fleet.cli.words import fixed, percent, price_text, seconds_text, tao
from keepers.liquidation.positions import PositionKey
from units import PositionId, PriceWei, Sequence


@given(value=st.integers(min_value=-(10**30), max_value=10**30), shown=st.integers(1, 18))
def test_fixed__any_integer__is_cut_and_never_rounded_away_from_zero(
    value: int, shown: int
) -> None:
    text = fixed(value, decimals=18, shown=shown)

    back = int(text.replace(".", "")) * 10 ** (18 - shown)
    assert abs(value) - 10 ** (18 - shown) < abs(back) <= abs(value)
    assert len(text.split(".")[1]) == shown


def test_words__examples__read_as_people_say_them() -> None:
    assert tao(-1_234_567_890_000_000_000) == "-1.2345"
    assert tao(-1) == "0.0000"
    assert price_text(PriceWei(87_707_801_000_000_000)) == "0.087707801"
    assert price_text(PriceWei(0)) == price_text(None) == "–"
    assert percent(-5) == "-0.05 %"
    assert [seconds_text(n) for n in (59, 60, 3_600, 100_000)] == [
        "59 s",
        "1 min 0 s",
        "1 h 0 min",
        "27 h 46 min",
    ]


class Colour(Enum):
    RED = "red"


class Word(StrEnum):
    LATE = "too late"


class Code(IntEnum):
    NO_PRICE = 3


@dataclass(frozen=True)
class Thing:
    size: int
    parts: tuple[bytes, ...]


def test_jsonable__everything_a_plan_holds__keeps_its_meaning() -> None:
    key = PositionKey(id=PositionId(b"\x01" * 16), sequence=Sequence(2))
    value = {
        key: Thing(size=10**30, parts=(b"\xab",)),
        Code.NO_PRICE: [Colour.RED, Word.LATE, Code.NO_PRICE, None, True, "text"],
    }

    assert jsonable(value) == {
        f"0x{'01' * 16}:2": {"kind": "Thing", "size": 10**30, "parts": ["0xab"]},
        "no_price": ["red", "too late", "no_price", None, True, "text"],
    }


def test_jsonable__a_function__is_refused() -> None:
    with pytest.raises(TypeError, match="no JSON for a function"):
        jsonable(test_jsonable__a_function__is_refused)

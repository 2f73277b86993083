import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.settings import to_toml

_KEYS = st.text(alphabet="abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=8)
_SCALARS = (
    st.booleans()
    | st.integers(min_value=-(2**63), max_value=2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)
_TABLES = st.recursive(
    st.dictionaries(_KEYS, _SCALARS | st.lists(_SCALARS, max_size=3), max_size=4),
    lambda inner: st.dictionaries(
        _KEYS, inner | st.lists(inner, min_size=1, max_size=2), max_size=3
    ),
    max_leaves=8,
)


@given(document=_TABLES)
def test_to_toml__any_document__reads_back_as_it_was(document: dict[str, Any]) -> None:
    assert tomllib.loads(to_toml(document)) == document


def test_to_toml__none__is_left_out() -> None:
    assert to_toml({"a": 1, "b": None}) == "a = 1\n"


def test_to_toml__bytes__are_refused() -> None:
    with pytest.raises(TypeError, match="no TOML for a bytes"):
        to_toml({"a": b"1"})

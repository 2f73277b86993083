"""The word coder against eth_abi: whatever both can say, they say alike."""

from typing import Any

import pytest
from eth_abi.abi import decode, encode
from hypothesis import given
from hypothesis import strategies as st

from protocol.words import (
    WORD,
    Dynamic,
    arguments,
    array,
    bytes16,
    read_array,
    read_bool,
    read_int,
    read_uint,
    uint,
)

uints = st.one_of(st.sampled_from([0, 2**256 - 1]), st.integers(0, 2**256 - 1))
ints = st.one_of(
    st.sampled_from([-(2**255), -1, 0, 2**255 - 1]), st.integers(-(2**255), 2**255 - 1)
)
ids = st.binary(min_size=16, max_size=16)
pairs = st.tuples(uints, ids)
parameters = st.lists(
    st.one_of(
        st.tuples(st.just("uint256"), uints),
        st.tuples(st.just("bytes16"), ids),
        st.tuples(st.just("uint256[]"), st.lists(uints, max_size=4)),
        st.tuples(st.just("bytes16[]"), st.lists(ids, max_size=4)),
        st.tuples(st.just("(uint256,bytes16)[]"), st.lists(pairs, max_size=3)),
    ),
    max_size=6,
)


def written(kind: str, value: Any) -> bytes:
    if kind == "(uint256,bytes16)[]":
        return array(uint(number) + bytes16(name) for number, name in value)
    if kind.endswith("[]"):
        return array(written(kind.removesuffix("[]"), each) for each in value)
    return uint(value) if kind == "uint256" else bytes16(value)


@given(value=uints)
def test_uint__any__is_eth_abi_s(value: int) -> None:
    assert uint(value) == encode(["uint256"], [value])
    assert read_uint(uint(value), 0) == value


@pytest.mark.parametrize("value", [-1, 2**256])
def test_uint__does_not_fit__is_refused(value: int) -> None:
    with pytest.raises(OverflowError):
        uint(value)


@given(value=ids)
def test_bytes16__any__is_eth_abi_s(value: bytes) -> None:
    assert bytes16(value) == encode(["bytes16"], [value])


@given(value=st.binary(max_size=40).filter(lambda value: len(value) != 16))
def test_bytes16__another_length__is_refused(value: bytes) -> None:
    with pytest.raises(ValueError, match=f"this has {len(value)}"):
        bytes16(value)


@given(values=st.lists(uints, max_size=6))
def test_array__any_numbers__is_eth_abi_s_without_its_offset(values: list[int]) -> None:
    assert array(map(uint, values)) == encode(["uint256[]"], [values])[WORD:]
    assert isinstance(array([]), Dynamic)


@given(given_parameters=parameters)
def test_arguments__static_and_dynamic_in_any_order__are_eth_abi_s(
    given_parameters: list[tuple[str, Any]],
) -> None:
    kinds, values = [k for k, _ in given_parameters], [v for _, v in given_parameters]
    ours = arguments(*(written(kind, value) for kind, value in given_parameters))
    assert ours == encode(kinds, values)


@given(values=st.lists(ints, min_size=1, max_size=5), data=st.data())
def test_read_int__any_word__is_two_s_complement(values: list[int], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(values) - 1))
    assert read_int(encode(["int256"] * len(values), values), index) == values[index]


@given(values=st.lists(st.booleans(), min_size=1, max_size=5))
def test_read_bool__any_words__are_the_values(values: list[bool]) -> None:
    data = encode(["bool"] * len(values), values)
    assert [read_bool(data, index) for index in range(len(values))] == values


@given(first=st.lists(pairs, max_size=4), number=uints, second=st.lists(uints, max_size=4))
def test_read_array__among_other_values__is_what_was_encoded(
    first: list[tuple[int, bytes]], number: int, second: list[int]
) -> None:
    kinds = ["(uint256,bytes16)[]", "uint256", "uint256[]"]
    data = encode(kinds, [first, number, second])
    elements = read_array(data, 0, 2)
    assert [(read_uint(e, 0), e[WORD : WORD + 16]) for e in elements] == first
    assert read_uint(data, 1) == number
    assert [read_uint(e, 0) for e in read_array(data, 2, 1)] == second


@given(values=st.lists(pairs, max_size=4), data=st.data())
def test_read_array__cut_short_anywhere__is_refused(
    values: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    whole = encode(["(uint256,bytes16)[]"], [values])
    length = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(ValueError, match=r"do not hold|an empty answer"):
        read_array(whole[:length], 0, 2)


@given(value=uints)
def test_read_array__a_lone_word__is_never_an_empty_array(value: int) -> None:
    with pytest.raises(ValueError, match="do not hold"):
        read_array(uint(value), 0, 1)


@given(words=st.lists(st.one_of(st.integers(0, 160), uints), max_size=6), tail=st.binary())
def test_read_array__any_bytes__is_what_eth_abi_reads_or_refused(
    words: list[int], tail: bytes
) -> None:
    data = b"".join(map(uint, words)) + tail
    try:
        elements = read_array(data, 0, 1)
    except ValueError:
        return
    assert [read_uint(e, 0) for e in elements] == list(decode(["uint256[]"], data)[0])

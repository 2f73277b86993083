"""What was signed says itself which prices it pushes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.feed import Update
from protocol import calls
from protocol.signed import updates_in
from units import BlockNumber, Netuid, PositionId, PriceWei, Timestamp

updates = st.lists(
    st.builds(
        Update,
        netuid=st.integers(0, 2**16 - 1).map(Netuid),
        price=st.integers(0, 2**128 - 1).map(PriceWei),
        source_block=st.integers(0, 2**64 - 1).map(BlockNumber),
        source_time=st.integers(0, 2**64 - 1).map(Timestamp),
    ),
    max_size=20,
)
ids = st.lists(st.binary(min_size=16, max_size=16).map(PositionId), max_size=20)


@given(updates, ids)
def test_updates_in__a_push_with_or_without_liquidations__are_its_own(
    pushed: list[Update], fallen: list[PositionId]
) -> None:
    assert updates_in(calls.push_and_liquidate(pushed, fallen)) == tuple(pushed)
    assert updates_in(calls.push(pushed)) == tuple(pushed)


def test_updates_in__what_pushes_nothing__has_none() -> None:
    assert updates_in(calls.accrue_funding([Netuid(8)])) == ()
    assert updates_in(b"") == ()


def test_updates_in__cut_off__is_an_error() -> None:
    whole = calls.push(
        [
            Update(
                netuid=Netuid(8),
                price=PriceWei(1),
                source_block=BlockNumber(2),
                source_time=Timestamp(3),
            )
        ]
    )
    with pytest.raises(ValueError, match="do not hold"):
        updates_in(whole[:-1])

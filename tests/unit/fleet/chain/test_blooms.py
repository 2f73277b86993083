"""Blooms of logs: what is in a header was logged or is there by chance, what is not was not."""

from hypothesis import given
from hypothesis import strategies as st

from fleet.chain.blooms import may_hold
from tests.unit.protocol.chain import bloom
from units import Address

addresses = st.binary(min_size=20, max_size=20).map(lambda raw: Address("0x" + raw.hex()))


def test_may_hold__known_contract__by_its_three_bits_and_no_fewer() -> None:
    contract = Address("0x00000000000000000000000000000000000000E1")
    bits = bloom([contract])
    assert may_hold(bits, contract)
    assert all(not may_hold(bits & ~(1 << at), contract) for at in range(2_048) if bits >> at & 1)
    assert not may_hold(0, contract)


@given(logged=st.lists(addresses, min_size=1, max_size=20))
def test_may_hold__every_contract_that_logged__is_held(logged: list[Address]) -> None:
    assert all(may_hold(bloom(logged), each) for each in logged)


@given(address=addresses)
def test_may_hold__upper_and_lower_case__are_one_contract(address: Address) -> None:
    assert may_hold(bloom([address]), Address("0x" + address[2:].upper()))

"""Roles of the contracts: the question, the grant, and market addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web3 import Web3

from protocol import roles
from protocol.deployment import Deployment
from protocol.markets import market_address, netuid_of
from tests.unit.protocol.abi_values import ABIS, addresses, netuids
from tests.unit.protocol.chain import DEPLOYMENT, EXCHANGE, PRICE_FEED, ROUTER
from units import Address, Netuid

REPORTER_ROLE, KEEPER_ROLE = (Web3.keccak(text=name) for name in ("REPORTER_ROLE", "KEEPER_ROLE"))
SOMEBODY = Address("0x00000000000000000000000000000000000000BB")


@given(account=addresses)
def test_role__of_anybody__asks_and_grants_as_web3_does(account: str) -> None:
    for contract, hashed, role in (
        ("PriceFeed", REPORTER_ROLE, roles.reporter(DEPLOYMENT, Address(account))),
        ("Exchange", KEEPER_ROLE, roles.keeper(DEPLOYMENT, Address(account))),
    ):
        encoder = Web3().eth.contract(abi=ABIS[contract])
        arguments = [bytes(hashed), account]
        assert "0x" + role.question.hex() == encoder.encode_abi("hasRole", args=arguments)
        assert "0x" + role.grant.hex() == encoder.encode_abi("grantRole", args=arguments)


def test_role__each__stands_at_its_own_contract() -> None:
    reporter, keeper = roles.reporter(DEPLOYMENT, SOMEBODY), roles.keeper(DEPLOYMENT, SOMEBODY)
    assert (reporter.at, keeper.at) == (PRICE_FEED, EXCHANGE)
    assert (reporter.account, keeper.account) == (SOMEBODY, SOMEBODY)


def test_grant_text__for_a_person__names_contract_role_and_account() -> None:
    assert roles.reporter(DEPLOYMENT, SOMEBODY).grant_text == (
        f"PriceFeed.grantRole(REPORTER_ROLE, {SOMEBODY})"
    )
    assert roles.keeper(DEPLOYMENT, SOMEBODY).grant_text == (
        f"Exchange.grantRole(KEEPER_ROLE, {SOMEBODY})"
    )


def test_of_router__there_is_one__needs_both_roles() -> None:
    assert list(roles.of_router(DEPLOYMENT)) == [
        roles.reporter(DEPLOYMENT, ROUTER),
        roles.keeper(DEPLOYMENT, ROUTER),
    ]


def test_of_router__there_is_none__needs_nothing() -> None:
    without = Deployment(exchange=EXCHANGE, price_feed=PRICE_FEED, keeper_router=None)
    assert list(roles.of_router(without)) == []


# Markets


@given(netuid=netuids)
def test_market_address__any_subnet__is_its_number_as_an_address(netuid: int) -> None:
    address = market_address(Netuid(netuid))
    assert str(address) == Web3.to_checksum_address(f"0x{netuid:040x}")
    assert netuid_of(int(address, 16)) == netuid


@given(number=st.one_of(st.integers(max_value=-1), st.integers(2**16, 2**160 - 1)))
def test_netuid_of__no_subnet_s_number__is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="no subnet has that number"):
        netuid_of(number)

"""Every call, byte for byte as web3 encodes it from the compiler's ABI."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from web3 import Web3
from web3.contract import Contract

from oracle.feed import SuspensionReason, Update
from protocol import calls
from protocol.markets import market_address
from tests.unit.protocol.abi_values import ABIS, CONTRACTS, addresses, ids, netuids
from units import BlockNumber, Netuid, PriceWei, Timestamp

numbers = st.integers(0, 2**256 - 1)
heights = st.integers(0, 2**64 - 1)
reasons = st.sampled_from(SuspensionReason)
updates = st.builds(
    Update,
    netuid=netuids,
    price=st.integers(0, 2**128 - 1),
    source_block=heights,
    source_time=heights,
)
some_updates = st.lists(updates, max_size=4)
some_netuids = st.lists(netuids, max_size=4)
some_ids = st.lists(ids, max_size=4)

WEB3: dict[str, type[Contract]] = {name: Web3().eth.contract(abi=ABIS[name]) for name in CONTRACTS}


def web3_call(contract: str, function: str, *arguments: Any) -> bytes:
    return bytes.fromhex(WEB3[contract].encode_abi(function, args=arguments)[2:])


def struct(update: Update) -> dict[str, int]:
    return {
        "netuid": update.netuid,
        "price": update.price,
        "sourceBlock": update.source_block,
        "sourceTime": update.source_time,
    }


def structs(some: list[Update]) -> list[dict[str, int]]:
    return [struct(update) for update in some]


def markets(some: list[Any]) -> list[str]:
    return [market_address(netuid) for netuid in some]


Twin = tuple[st.SearchStrategy[Any], Callable[..., bytes]]
"""What to draw as the call's arguments, and web3's way to say the same."""

TWINS: dict[str, Twin] = {
    "push": (
        st.tuples(some_updates),
        lambda some: web3_call("PriceFeed", "push", structs(some)),
    ),
    "suspend": (
        st.tuples(some_netuids, reasons),
        lambda some, reason: web3_call("PriceFeed", "suspend", some, int(reason)),
    ),
    "resume": (st.tuples(some_netuids), lambda some: web3_call("PriceFeed", "resume", some)),
    "rows": (st.tuples(some_netuids), lambda some: web3_call("PriceFeed", "rows", some)),
    "push_and_liquidate": (
        st.tuples(some_updates, some_ids),
        lambda some, of: web3_call("KeeperRouter", "pushAndLiquidate", structs(some), of),
    ),
    "liquidate": (
        st.tuples(some_ids, addresses),
        lambda of, beneficiary: web3_call("Exchange", "liquidate", of, beneficiary),
    ),
    "accrue_funding": (
        st.tuples(some_netuids),
        lambda some: web3_call("Exchange", "accrueFunding", markets(some)),
    ),
    "position_ids": (
        st.tuples(numbers, numbers),
        lambda offset, limit: web3_call("Exchange", "positionIds", offset, limit),
    ),
    "positions_by_id": (
        st.tuples(some_ids),
        lambda of: web3_call("Exchange", "positionsById", of),
    ),
    "listed_markets": (st.just(()), lambda: web3_call("Exchange", "listedMarkets")),
    "markets": (
        st.tuples(some_netuids),
        lambda some: web3_call("Exchange", "markets", markets(some)),
    ),
    "margin_ratios": (st.tuples(some_ids), lambda of: web3_call("Exchange", "marginRatios", of)),
    "warning_tiers": (
        st.tuples(netuids),
        lambda netuid: web3_call("Exchange", "warningTiers", market_address(netuid)),
    ),
    "vault_state": (st.just(()), lambda: web3_call("Exchange", "vaultState")),
}


@pytest.mark.parametrize("name", TWINS)
@settings(max_examples=40)
@given(data=st.data())
def test_call__any_arguments__is_web3_s(name: str, data: st.DataObject) -> None:
    drawn, web3_s = TWINS[name]
    arguments = data.draw(drawn)
    assert getattr(calls, name)(*arguments) == web3_s(*arguments)


def test_calls__each_of_them__is_held_against_web3() -> None:
    public = {
        name
        for name, member in inspect.getmembers(calls, inspect.isfunction)
        if not name.startswith("_") and member.__module__ == calls.__name__
    }
    assert public == set(TWINS)


@pytest.mark.parametrize("price", [-1, 2**256])
def test_push__a_price_that_no_word_holds__is_refused(price: int) -> None:
    update = Update(
        netuid=Netuid(8),
        price=PriceWei(price),
        source_block=BlockNumber(1),
        source_time=Timestamp(1),
    )
    with pytest.raises(OverflowError):
        calls.push([update])

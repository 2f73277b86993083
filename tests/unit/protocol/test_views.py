"""Every view as eth_abi encodes it is read back as the same values, each under its own name."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepers.funding.calendar import FundingRow
from keepers.liquidation.rows import Rows
from protocol import views
from protocol.words import WORD, array, uint
from tests.unit.protocol.abi_values import (
    Values,
    answer,
    market_addresses,
    netuid,
    netuids,
    outputs,
)
from tests.unit.protocol.expected_views import expected_market, expected_position, expected_row
from units import Netuid

reasons = st.integers(0, 6)
some_markets = st.lists(market_addresses, max_size=5)
market_views = outputs("Exchange", "markets", market=market_addresses)
position_views = outputs("Exchange", "positionsById", market=market_addresses)


@given(values=outputs("PriceFeed", "rows", reason=reasons))
def test_feed_rows__any__are_the_contract_s_without_a_landing(values: Values) -> None:
    found = views.feed_rows(answer("PriceFeed", "rows", values))
    assert found == tuple(map(expected_row, values["found"]))


@given(values=outputs("PriceFeed", "rows", reason=st.integers(7, 255)))
def test_feed_rows__a_reason_that_nobody_knows__is_refused(values: Values) -> None:
    data = answer("PriceFeed", "rows", values)
    if values["found"]:
        with pytest.raises(ValueError, match="SuspensionReason"):
            views.feed_rows(data)


@given(values=outputs("Exchange", "positionIds"))
def test_position_ids__any_page__is_the_page_and_the_total(values: Values) -> None:
    page, total = views.position_ids(answer("Exchange", "positionIds", values))
    assert (list(page), total) == (values["ids"], values["total"])


@given(values=position_views)
def test_positions__any__are_those_that_have_a_size(values: Values) -> None:
    open_ones = tuple(expected_position(seen) for seen in values["found"] if seen["size"])
    assert views.positions(answer("Exchange", "positionsById", values)) == open_ones


narrow = {
    "market": market_addresses,
    "sequence": st.integers(0, 2**64 - 1),
    "margin": st.integers(0, 2**128 - 1),
    "size": st.integers(0, 2**128 - 1),
    "entryPrice": st.integers(0, 2**128 - 1),
    "entryIndex": st.integers(-(2**127), 2**127 - 1),
}
edges = st.sampled_from([0, 1, 2**16, 2**64, 2**127, 2**128, 2**255, 2**256 - 2**127, 2**256])
words = st.one_of(
    st.integers(0, 2**16),
    st.integers(0, 2**256 - 1),
    st.builds(lambda edge, step: (edge + step) % 2**256, edges, st.integers(-2, 2)),
)


@given(values=outputs("Exchange", "positionsById", **narrow))
def test_position_rows__any__are_those_of_the_values(values: Values) -> None:
    data = answer("Exchange", "positionsById", values)
    assert tuple(views.position_rows(data)) == views.positions(data)


@settings(max_examples=200)
@given(st.lists(st.lists(words, min_size=9, max_size=9), max_size=4), st.booleans())
def test_position_rows__any_words__are_refused_where_the_values_fit_into_no_record(
    structs: list[list[int]], is_plausible: bool
) -> None:
    if is_plausible:  # markets and sequences of which most fit
        structs = [
            [each[0], each[1] % 2**64, each[2], each[3] % 2**16, *each[4:]] for each in structs
        ]
    data = array(b"".join(map(uint, each)) for each in structs)
    answered = uint(WORD) + data
    try:
        expected = Rows.of(views.positions(answered))
    except ValueError:
        with pytest.raises(ValueError):
            views.position_rows(answered)
    else:
        assert views.position_rows(answered).records.tobytes() == expected.records.tobytes()


@given(markets=some_markets)
def test_netuids__any_listed_markets__are_the_numbers_of_their_addresses(
    markets: list[str],
) -> None:
    data = answer("Exchange", "listedMarkets", {"": markets})
    assert list(views.netuids(data)) == [netuid(market) for market in markets]


@given(values=market_views)
def test_markets__any__are_those_that_are_listed(values: Values) -> None:
    listed = tuple(expected_market(seen) for seen in values["found"] if seen["listed"])
    assert views.markets(answer("Exchange", "markets", values)) == listed


@given(values=market_views)
def test_funding_rows__any__are_all_markets_listed_or_not(values: Values) -> None:
    assert views.funding_rows(answer("Exchange", "markets", values)) == tuple(
        FundingRow(
            netuid=Netuid(netuid(seen["market"])),
            is_listed=seen["listed"],
            last_accrual=seen["lastAccrual"],
            interval=seen["parameters"]["fundingInterval"],
            cap=seen["parameters"]["fundingCap"],
        )
        for seen in values["found"]
    )


@given(tiers=st.lists(st.integers(0, 2**16 - 1), max_size=6))
def test_warning_tiers__any__are_in_the_contract_s_order(tiers: list[int]) -> None:
    assert list(views.warning_tiers(answer("Exchange", "warningTiers", {"": tiers}))) == tiers


@given(values=outputs("Exchange", "vaultState"))
def test_vault__any__is_each_figure_under_its_name(values: Values) -> None:
    found = values["found"]
    assert views.vault(answer("Exchange", "vaultState", values)) == views.VaultState(
        reserves=found["reserves"],
        insurance=found["insurance"],
        claims=found["claims"],
        bad_debt=found["badDebt"],
        is_opening_paused=found["openingPaused"],
    )


Decoder = Callable[[bytes], Any]
DECODERS: dict[str, tuple[Decoder, str, str]] = {
    "feed_rows": (views.feed_rows, "PriceFeed", "rows"),
    "position_ids": (views.position_ids, "Exchange", "positionIds"),
    "positions": (views.positions, "Exchange", "positionsById"),
    "position_rows": (views.position_rows, "Exchange", "positionsById"),
    "netuids": (views.netuids, "Exchange", "listedMarkets"),
    "markets": (views.markets, "Exchange", "markets"),
    "funding_rows": (views.funding_rows, "Exchange", "markets"),
    "warning_tiers": (views.warning_tiers, "Exchange", "warningTiers"),
    "vault": (views.vault, "Exchange", "vaultState"),
}


@pytest.mark.parametrize("name", DECODERS)
@settings(max_examples=30)
@given(data=st.data())
def test_view__cut_short_anywhere__is_refused(name: str, data: st.DataObject) -> None:
    decoder, contract, function = DECODERS[name]
    narrowed: dict[str, Any] = {"market": market_addresses, "reason": reasons}
    if name == "position_rows":
        narrowed = narrow
    if name == "netuids":
        narrowed[""] = some_markets
    whole = answer(contract, function, data.draw(outputs(contract, function, **narrowed)))
    decoder(whole)
    with pytest.raises(ValueError):
        decoder(whole[: data.draw(st.integers(0, len(whole) - 1))])


@pytest.mark.parametrize("name", DECODERS)
def test_view__a_word_of_zero__is_refused(name: str) -> None:
    decoder, _, _ = DECODERS[name]
    with pytest.raises(ValueError):
        decoder(bytes(32))


@pytest.mark.parametrize("name", ["positions", "markets", "funding_rows", "netuids"])
@settings(max_examples=30)
@given(data=st.data())
def test_view__a_market_that_is_no_subnet__is_refused(name: str, data: st.DataObject) -> None:
    decoder, contract, function = DECODERS[name]
    stranger = st.just("0x00000000000000000000000000000000000100ff")
    one_each = st.fixed_dictionaries({"": st.lists(stranger, min_size=1, max_size=2)})
    drawn = outputs(contract, function, market=stranger, listed=st.just(True), size=st.just(1))
    values = data.draw(one_each if name == "netuids" else drawn)
    if any(values.values()):
        with pytest.raises(ValueError, match="no subnet has that number"):
            decoder(answer(contract, function, values))


@given(number=netuids)
def test_netuids__of_one_market__is_its_subnet(number: int) -> None:
    market = "0x" + number.to_bytes(20, "big").hex()
    assert views.netuids(answer("Exchange", "listedMarkets", {"": [market]})) == (number,)

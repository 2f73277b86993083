"""The files that come with the program."""

import pytest

from fleet.settings import NetworkKind, SettingsError, load, network_file

MARKETS = {
    64: "CHUTES",
    51: "LIUM",
    62: "RIDGES",
    4: "TARGON",
    8: "VANTA",
    120: "AFFINE",
    3: "TEMPLAR",
    44: "SCORE",
    9: "IOTA",
    56: "GRADIENTS",
    75: "HIPPIUS",
    34: "BITMIND",
}


def test_mainnet__has_the_published_markets_and_no_pin_yet() -> None:
    settings = load(network_file("mainnet"))

    assert settings.network.kind is NetworkKind.MAINNET
    assert {market.netuid: market.symbol for market in settings.markets} == MARKETS
    assert all(market.registered_at is None for market in settings.markets)


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("testnet", {"contracts", "markets"}),
        (
            "devnet",
            {"evm.endpoints", "subtensor.endpoints", "subtensor.genesis", "contracts", "markets"},
        ),
    ],
)
def test_template__lacks_exactly_what_a_deployment_adds(name: str, missing: set[str]) -> None:
    with pytest.raises(SettingsError) as raised:
        load(network_file(name))

    assert {(problem.where.split(": ")[1], problem.what) for problem in raised.value.problems} == {
        (key, "is required") for key in missing
    }

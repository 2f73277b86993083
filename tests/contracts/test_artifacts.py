import json

import pytest
from eth_utils.crypto import keccak

from contracts.compile import ABIS, CONTRACTS, NODE_MODULES, PACKAGED_ABIS, compile_contracts
from tests.contracts.codec import Abi

SIZE_LIMIT = 24_576  # EIP-170

PUBLISHED = {
    "deposit": "b6b55f25",
    "withdraw": "2e1a7d4d",
    "openMarketPosition": "ec5ff02b",
    "closePosition": "d2b89ce0",
    "placeLimitOrder": "412fb72f",
    "cancelOrder": "a8e9f8e2",
    "cancelAllOrders": "4cee19d2",
}
"""Selectors of the seven functions that MegaTAO's own SDK calls."""


@pytest.mark.slow
@pytest.mark.skipif(not NODE_MODULES.exists(), reason="contracts/node_modules is not installed")
def test_artifacts__compiled_again__are_what_is_committed() -> None:
    for path, text in compile_contracts().files.items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run `make contracts`"


@pytest.mark.parametrize("name", sorted(CONTRACTS.values()))
def test_contract__at_run_time__fits_the_size_limit(name: str) -> None:
    assert 0 < len(Abi(name).runtime_code) < SIZE_LIMIT


@pytest.mark.parametrize("name", PACKAGED_ABIS)
def test_packaged_abi__of_a_contract__is_its_artifact_s(name: str) -> None:
    packaged = json.loads((ABIS / f"{name}.json").read_text(encoding="utf-8"))
    assert packaged == Abi(name).entries


@pytest.mark.parametrize(("name", "selector"), PUBLISHED.items())
def test_trader_surface__of_the_exchange__is_the_published_one(name: str, selector: str) -> None:
    assert Abi("Exchange").selector(name).hex() == selector


def test_roles__named_in_the_contracts__are_the_hashes_of_their_names() -> None:
    for name in ("GUARDIAN_ROLE", "REPORTER_ROLE", "KEEPER_ROLE"):
        code = Abi("PriceFeed").runtime_code + Abi("Exchange").runtime_code
        assert keccak(text=name) in code

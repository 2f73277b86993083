from pathlib import Path

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from devnet import contract as contract_module
from devnet.accounts import DEPLOYER_KEY, account_of, seeded_account
from devnet.chain import Log
from devnet.contract import ArtifactError, Contract, load_contract
from devnet.deployment import created_address

ABI = [
    {
        "type": "function",
        "name": "openMarketPosition",
        "inputs": [
            {
                "name": "params",
                "type": "tuple",
                "components": [
                    {"name": "market", "type": "address"},
                    {"name": "isLong", "type": "bool"},
                    {"name": "margin", "type": "uint256"},
                    {"name": "leverage", "type": "uint256"},
                    {"name": "maxSlippage", "type": "uint256"},
                ],
            }
        ],
        "outputs": [{"name": "", "type": "bytes16"}],
    },
    {
        "type": "function",
        "name": "rows",
        "inputs": [{"name": "", "type": "uint16[]"}],
        "outputs": [
            {
                "name": "",
                "type": "tuple[]",
                "components": [
                    {"name": "price", "type": "uint128"},
                    {"name": "index", "type": "int256"},
                ],
            }
        ],
    },
    {
        "type": "event",
        "name": "Moved",
        "inputs": [
            {"name": "id", "type": "bytes16", "indexed": True},
            {"name": "by", "type": "int256", "indexed": False},
            {"name": "to", "type": "uint64", "indexed": False},
        ],
    },
    {"type": "error", "name": "TooMuch", "inputs": [{"name": "most", "type": "uint256"}]},
]
CONTRACT = Contract(name="Sample", abi=ABI, bytecode=b"\x60")
MARKET = "0x" + f"{64:040x}"


def test_encode__published_trader_function__has_its_known_selector() -> None:
    order = (MARKET, True, 10**18, 3 * 10**18, 100)
    assert CONTRACT.encode("openMarketPosition", order)[:4].hex() == "ec5ff02b"


def test_decode__list_of_structs__dicts_by_name() -> None:
    output = encode(["(uint128,int256)[]"], [[(7, -1), (8, 2)]])
    (rows,) = CONTRACT.decode("rows", output)
    assert rows == [{"price": 7, "index": -1}, {"price": 8, "index": 2}]


@given(moved=st.integers(-(2**255), 2**255 - 1), to=st.integers(0, 2**64 - 1))
def test_read_log__indexed_and_data__all_arguments_by_name(moved: int, to: int) -> None:
    topics = (CONTRACT.topic("Moved"), "0x" + (b"\xab" * 16 + bytes(16)).hex())
    log = Log(address="0x", topics=topics, data=encode(["int256", "uint64"], [moved, to]))
    event = CONTRACT.read_log(log)
    assert event is not None
    assert (event.name, event.arguments) == ("Moved", {"id": b"\xab" * 16, "by": moved, "to": to})


def test_read_log__foreign_topic__none() -> None:
    assert CONTRACT.read_log(Log(address="0x", topics=("0x" + "00" * 32,), data=b"")) is None


def test_read_revert__custom_error__by_name_with_arguments() -> None:
    contract = load_contract("Exchange")
    assert contract.read_revert("0x" + keccak(text="SameBlock()")[:4].hex()) == ("SameBlock()")


def test_read_revert__unknown_data__as_it_is() -> None:
    assert CONTRACT.read_revert("0xdeadbeef") == "0xdeadbeef"
    assert CONTRACT.read_revert("") == "no revert data"


def test_load_contract__never_compiled__one_line_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contract_module, "ARTIFACTS", tmp_path)
    with pytest.raises(ArtifactError, match="make contracts"):
        load_contract("Exchange")


def test_created_address__first_nonces_of_the_well_known_deployer__well_known_addresses() -> None:
    deployer = account_of(DEPLOYER_KEY).address
    assert created_address(deployer, 0) == "0x5FbDB2315678afecb367f032d93F642f64180aa3"
    assert created_address(deployer, 1) == "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"


def test_seeded_account__by_seed_role_and_index__all_different_and_repeatable() -> None:
    keys = {
        seeded_account(seed=seed, role=role, index=index).private_key
        for seed in (1, 2)
        for role in ("trader", "feeder")
        for index in (0, 1)
    }
    assert len(keys) == 8
    assert seeded_account(seed=1, role="feeder") == seeded_account(seed=1, role="feeder")

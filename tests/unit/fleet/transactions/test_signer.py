import logging
import pickle
import traceback
from collections.abc import Coroutine
from typing import Any

import pytest
from eth_account import Account
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from fleet.transactions.envelope import Signed, Unsigned
from fleet.transactions.fees import Fee
from fleet.transactions.signer import LocalSigner
from units import Address, Wei

KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
ACCOUNT = Address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")


def unsigned(fee: Fee) -> Unsigned:
    return Unsigned(
        chain_id=964,
        nonce=3,
        to=Address("0x" + "11" * 20),
        data=b"\x01\x02",
        value=Wei(5 * 10**9),
        gas_limit=50_000,
        fee=fee,
    )


@pytest.mark.parametrize("fee", [Fee(max_fee=10**10), Fee(max_fee=10**10, tip=10**9)])
async def test_sign__both_kinds__recovers_to_the_account(fee: Fee) -> None:
    signed = await LocalSigner(KEY).sign(unsigned(fee))
    assert Account.recover_transaction(signed.raw) == ACCOUNT
    assert (signed.raw[0] == 2) is (fee.tip is not None), "type 2, or legacy without a type byte"


async def test_sign__twice__the_same_bytes() -> None:
    signer = LocalSigner(KEY)
    fee = Fee(max_fee=10**10)
    assert await signer.sign(unsigned(fee)) == await signer.sign(unsigned(fee))


def test_address__of_a_key__with_checksum() -> None:
    assert LocalSigner(KEY + "\n").address == ACCOUNT
    assert LocalSigner(KEY.removeprefix("0x")).address == ACCOUNT


numbers = st.one_of(st.integers(0, 300), st.integers(0, 2**255))
"""Small ones too: those of one byte, and zero, are encoded differently."""


fees = st.one_of(
    st.builds(Fee, max_fee=numbers),
    st.tuples(numbers, numbers).map(lambda both: Fee(max_fee=max(both), tip=min(both))),
)


@given(
    key=st.integers(1, 2**255),
    unsigned=st.builds(
        Unsigned,
        chain_id=st.integers(1, 2**40),
        nonce=st.integers(0, 2**63),
        to=st.binary(min_size=20, max_size=20).map(to_checksum_address),
        data=st.binary(max_size=400),
        value=numbers,
        gas_limit=st.integers(0, 2**40),
        fee=fees,
    ),
)
def test_sign__anything__the_bytes_and_the_hash_that_eth_account_gives(
    key: int, unsigned: Unsigned
) -> None:
    private_key = f"0x{key:064x}"
    expected = Account.sign_transaction(as_eth_account_takes_it(unsigned), private_key)
    signed = run(LocalSigner(private_key).sign(unsigned))
    assert signed.raw == bytes(expected.raw_transaction)
    assert signed.tx_hash == "0x" + bytes(expected.hash).hex()


def as_eth_account_takes_it(unsigned: Unsigned) -> dict[str, Any]:
    fee = unsigned.fee
    price: dict[str, int] = (
        {"gasPrice": fee.max_fee}
        if fee.tip is None
        else {"type": 2, "maxFeePerGas": fee.max_fee, "maxPriorityFeePerGas": fee.tip}
    )
    return {
        "chainId": unsigned.chain_id,
        "nonce": unsigned.nonce,
        "to": unsigned.to,
        "data": unsigned.data,
        "value": unsigned.value,
        "gas": unsigned.gas_limit,
        **price,
    }


def run(signing: Coroutine[Any, Any, Signed]) -> Signed:
    """Signing waits for nothing."""
    with pytest.raises(StopIteration) as stop:
        signing.send(None)
    found: Signed = stop.value.value
    return found


def test_key__repr_str_and_log__never_shown(caplog: pytest.LogCaptureFixture) -> None:
    signer = LocalSigner(KEY)
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").warning("%s %r", signer, signer)
    for text in (repr(signer), str(signer), caplog.text):
        assert KEY.removeprefix("0x")[:16] not in text
        assert ACCOUNT in text


@pytest.mark.parametrize(
    "wrong", ["", "0x12", KEY + "ff", KEY[:-1] + "g", "0x" + "00" * 32, "0x" + "ff" * 32]
)
def test_key__is_none__refused_without_repeating_it(wrong: str) -> None:
    with pytest.raises(ValueError, match="not a private key") as refused:
        LocalSigner(wrong)
    shown = "".join(traceback.format_exception(refused.value))
    assert len(wrong) < 10 or wrong.removeprefix("0x")[:16] not in shown.split("raise ")[-1]


def test_signer__pickled__does_not_carry_the_key_by_accident() -> None:
    signer = LocalSigner(KEY)
    with pytest.raises(TypeError, match="stays"):
        pickle.dumps(signer)

import logging
import pickle
import traceback

import pytest
from eth_account import Account

from fleet.transactions.fees import Fee
from fleet.transactions.signer import LocalSigner, Unsigned, is_signing_native
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


def test_signing__uses_libsecp256k1() -> None:
    assert is_signing_native()


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

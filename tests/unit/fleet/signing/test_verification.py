"""Signatures of somewhere else: right ones are taken, all others refused."""

import pytest
from coincurve import PrivateKey
from coincurve.utils import GROUP_ORDER_INT
from eth_account import Account
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from fleet.signing.verification import Answer, NotOurSignatureError, verified
from fleet.transactions.envelope import Signed, Unsigned, payload, sealed
from fleet.transactions.fees import Fee
from fleet.transactions.signer import LocalSigner
from units import Address, Wei

KEY = PrivateKey(bytes(range(1, 33)))
ACCOUNT = Address(Account.from_key(KEY.secret).address)
TO = Address("0x1111111111111111111111111111111111111111")


def _unsigned(**changes: object) -> Unsigned:
    values: dict[str, object] = {
        "chain_id": 964,
        "nonce": 0,
        "to": TO,
        "data": b"",
        "value": Wei(0),
        "gas_limit": 21_000,
        "fee": Fee(max_fee=Wei(10**10), tip=None),
    }
    return Unsigned(**(values | changes))  # type: ignore[arg-type]


def _sealed(transaction: Unsigned, answer: Answer, account: Address = ACCOUNT) -> Signed:
    return sealed(transaction, verified(answer, transaction, account))


def _signature(transaction: Unsigned, key: PrivateKey = KEY) -> Answer:
    compact = key.sign_recoverable(payload(transaction), hasher=keccak)
    return Answer(r=int.from_bytes(compact[:32], "big"), s=int.from_bytes(compact[32:64], "big"))


transactions = st.builds(
    _unsigned,
    chain_id=st.integers(1, 2**40),
    nonce=st.integers(0, 2**40),
    data=st.binary(max_size=80),
    value=st.integers(0, 2**96).map(Wei),
    gas_limit=st.integers(21_000, 75_000_000),
    fee=st.builds(
        lambda max_fee, tip: Fee(max_fee=Wei(max_fee), tip=None if tip is None else Wei(tip)),
        st.integers(1, 2**60),
        st.none() | st.integers(0, 1),
    ),
)


@given(transactions)
async def test_a_service_is_worth_what_a_local_key_is(transaction: Unsigned) -> None:
    expected = await LocalSigner("0x" + KEY.secret.hex()).sign(transaction)

    assert _sealed(transaction, _signature(transaction)) == expected


@given(transactions)
def test_a_high_s_is_turned_into_the_low_one_that_nodes_take(transaction: Unsigned) -> None:
    low = _signature(transaction)
    high = Answer(r=low.r, s=GROUP_ORDER_INT - low.s)

    assert _sealed(transaction, high) == _sealed(transaction, low)


def test_a_signature_over_something_else_is_refused() -> None:
    asked, signed = _unsigned(nonce=7), _unsigned(nonce=8)

    with pytest.raises(NotOurSignatureError, match=ACCOUNT):
        _sealed(asked, _signature(signed))


def test_a_signature_of_another_key_is_refused() -> None:
    transaction = _unsigned()

    with pytest.raises(NotOurSignatureError):
        _sealed(transaction, _signature(transaction, PrivateKey(bytes([9] * 32))))


@pytest.mark.parametrize(
    ("r", "s"), [(0, 1), (1, 0), (GROUP_ORDER_INT, 1), (1, GROUP_ORDER_INT), (2**256, 5)]
)
def test_numbers_that_are_no_signature_are_refused(r: int, s: int) -> None:
    with pytest.raises(NotOurSignatureError):
        _sealed(_unsigned(), Answer(r=r, s=s))

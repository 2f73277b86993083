"""Signs transactions. The only file that touches a private key, and the key never leaves it."""

import re
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_keys.backends import get_backend
from eth_keys.backends.coincurve import CoinCurveECCBackend
from eth_keys.constants import SECPK1_N

from fleet.transactions.fees import Fee
from units import Address, TxHash, Wei

_KEY = re.compile("[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsigned:
    """All that is signed. `fee` without a tip makes a legacy transaction."""

    chain_id: int
    nonce: int
    to: Address
    data: bytes
    value: Wei
    gas_limit: int
    fee: Fee


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """The bytes a node takes, and the hash they will have on chain."""

    raw: bytes
    tx_hash: TxHash


class Signer(Protocol):
    """Holds one key, here or elsewhere."""

    @property
    def address(self) -> Address:
        """The key's account."""

    async def sign(self, transaction: Unsigned) -> Signed:
        """Signs; the same transaction gives the same bytes."""


class LocalSigner:
    """A key in this process's memory; never in its repr, its errors or its logs."""

    def __init__(self, private_key: str) -> None:
        """Takes 0x and 64 hexadecimal digits.

        Raises:
            ValueError: it is no private key; the text does not repeat it.
        """
        self._account = _account(private_key)
        self.address = Address(self._account.address)

    def __repr__(self) -> str:
        return f"LocalSigner({self.address})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("the key stays in this process")

    async def sign(self, transaction: Unsigned) -> Signed:
        """Signs; about a millisecond with libsecp256k1."""
        signed = self._account.sign_transaction(_fields(transaction))
        return Signed(
            raw=bytes(signed.raw_transaction), tx_hash=TxHash("0x" + bytes(signed.hash).hex())
        )


def is_signing_native() -> bool:
    """Does libsecp256k1 sign (1 ms), and not pure Python (7 ms)?"""
    return isinstance(get_backend(), CoinCurveECCBackend)


def _account(private_key: str) -> LocalAccount:
    # checked here because eth-account's own errors may quote the key
    digits = private_key.strip().removeprefix("0x")
    if not _KEY.fullmatch(digits) or not 0 < int(digits, 16) < SECPK1_N:
        raise ValueError("not a private key: 0x and 64 hexadecimal digits are wanted")
    account: LocalAccount = Account.from_key(digits)
    return account


def _fields(transaction: Unsigned) -> dict[str, Any]:
    fee = transaction.fee
    price: dict[str, int] = (
        {"gasPrice": fee.max_fee}
        if fee.tip is None
        else {"type": 2, "maxFeePerGas": fee.max_fee, "maxPriorityFeePerGas": fee.tip}
    )
    return {
        "chainId": transaction.chain_id,
        "nonce": transaction.nonce,
        "to": transaction.to,
        "data": transaction.data,
        "value": transaction.value,
        "gas": transaction.gas_limit,
        **price,
    }

"""Accounts of the local world: keys made from a seed, and transactions really signed with them.

The keys are public knowledge by construction: never send anything of value to these addresses.
"""

from dataclasses import dataclass

from eth_account import Account as EthAccount
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from devnet.anvil import CHAIN_ID
from units import Address, Wei

DEPLOYER_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
"""The first account of anvil's well-known mnemonic, so that contract addresses never change."""

NOTHING = Wei(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account of the world; `private_key` is 0x-prefixed hex."""

    address: Address
    private_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsigned:
    """A transaction as its sender means it; `to` None creates a contract."""

    to: str | None
    data: bytes
    nonce: int
    gas: int
    gas_price: Wei
    value: Wei = NOTHING


def account_of(private_key: str) -> Account:
    """The account of a private key."""
    address = EthAccount.from_key(private_key).address
    return Account(address=Address(address), private_key=private_key)


def seeded_account(*, seed: int, role: str, index: int = 0) -> Account:
    """The account that this seed always gives to this role and index."""
    return account_of("0x" + keccak(text=f"devnet {seed} {role} {index}").hex())


def sign(account: Account, transaction: Unsigned) -> str:
    """The raw legacy transaction as hex, signed for the devnet's chain id."""
    signed = EthAccount.sign_transaction(
        {
            "chainId": CHAIN_ID,
            "to": to_checksum_address(transaction.to) if transaction.to else "",
            "data": transaction.data,
            "nonce": transaction.nonce,
            "gas": transaction.gas,
            "gasPrice": transaction.gas_price,
            "value": transaction.value,
        },
        account.private_key,
    )
    return "0x" + bytes(signed.raw_transaction).hex()

"""The baseline: what one writes with web3.py in an afternoon. web3 fills in whatever it can.

Sequential and synchronous, one connection kept open, the same native signing that the fleet has
where coincurve is installed. It waits for the node's answer and not for blocks.
"""

from eth_account import Account as EthAccount
from eth_account.signers.local import LocalAccount
from hexbytes import HexBytes
from web3 import HTTPProvider, Web3
from web3.middleware import SignAndSendRawMiddlewareBuilder

from bench.ground import FOREVER
from devnet.accounts import Account
from devnet.chaos.tally import TALLY, tally_call


class PlainSender:
    """One key; web3 asks the node for nonce, gas, fee and chain id, signs and sends."""

    def __init__(self, *, url: str, account: Account) -> None:
        self._web3 = Web3(HTTPProvider(url))
        key: LocalAccount = EthAccount.from_key(account.private_key)
        self._address = key.address
        signing = SignAndSendRawMiddlewareBuilder.build(key)
        self._web3.middleware_onion.inject(signing, layer=0)

    def send(self, piece: int) -> HexBytes:
        """Returns the hash when the node has taken it."""
        data = tally_call(piece, last_block=FOREVER)
        return self._web3.eth.send_transaction({"from": self._address, "to": TALLY, "data": data})

    def receipt(self, tx_hash: HexBytes) -> None:
        """Asks until there is a receipt."""
        self._web3.eth.wait_for_transaction_receipt(tx_hash)

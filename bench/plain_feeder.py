"""The baseline of a decision: what one writes with web3.py, over positions in a list.

It is told who trades, which spares it to follow that. web3 reads the feed's rows and the block's
logs, a loop judges every position, web3's contract encodes the call, eth-account signs it.
"""

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any, Final

from eth_account import Account as EthAccount
from web3 import HTTPProvider, Web3

from devnet.accounts import Account
from keepers.liquidation.assessment import judge
from keepers.liquidation.positions import Position
from keepers.liquidation.selection import rank
from keepers.liquidation.standing import Terms
from protocol.abi import interface
from protocol.deployment import Deployment
from units import Netuid, Wei

_GAS: Final = 15_000_000
_IDS_MAX: Final = 300


class PlainFeeder:
    """One key; a decision and its transaction at a time."""

    def __init__(
        self, *, url: str, account: Account, deployment: Deployment, crowd: Sequence[Position]
    ) -> None:
        self._web3 = Web3(HTTPProvider(url))
        self._key = EthAccount.from_key(account.private_key)
        self._crowd = crowd
        self._feed = self._contract("PriceFeed", deployment.price_feed)
        self._router = self._contract("KeeperRouter", str(deployment.keeper_router))

    def _contract(self, name: Any, address: str) -> Any:
        return self._web3.eth.contract(
            address=Web3.to_checksum_address(address), abi=interface(name)
        )

    def decide(self, terms: Mapping[Netuid, Terms], source: tuple[int, int]) -> tuple[bytes, int]:
        """The signed transaction of a push at these terms, and how many fall at it.

        `source`: number and time of the block that the prices are of.
        """
        self._feed.functions.rows(list(terms)).call()
        head = self._web3.eth.get_block("latest")
        for log in self._feed.events.PricePushed().get_logs(from_block=head["number"]):
            assert log["args"]["price"] > 0
        found = (judge(each, terms[each.netuid]) for each in self._crowd)
        fallen = rank((each for each in found if each is not None), dust=Wei(0))
        updates = [(n, at.price, *source) for n, at in terms.items()]
        ids = [each.position.key.id for each in fallen[:_IDS_MAX]]
        call = self._router.functions.pushAndLiquidate(updates, ids)
        transaction = call.build_transaction(
            {"from": self._key.address, "gas": _GAS} | self._next()
        )
        return bytes(self._key.sign_transaction(transaction).raw_transaction), len(ids)

    def _next(self) -> dict[str, Any]:
        nonce = self._web3.eth.get_transaction_count(self._key.address)
        return {"nonce": nonce, "gasPrice": 2 * self._web3.eth.gas_price}

    def timed(
        self,
        read: Callable[[], object],
        terms: Mapping[Netuid, Terms],
        source: tuple[int, int],
    ) -> tuple[float, int]:
        """Seconds to `read` the prices and to sign, and how many fall; then it is sent."""
        began = perf_counter()
        read()
        raw, count = self.decide(terms, source)
        seconds = perf_counter() - began
        self._web3.eth.send_raw_transaction(raw)
        return seconds, count

"""The contracts deployed and configured as in the beta, with one account for every role.

Every `send` is a block of its own, 12 s after the last one unless `elapse` was called before.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from tests.contracts.codec import Abi, Event
from tests.contracts.node import BLOCK_SECONDS, Node

TAO = 10**18
GWEI = 10**9
HOUR = 3_600
NO_CAP = 2**256 - 1
ALPHA_PRECOMPILE = "0x0000000000000000000000000000000000000808"
RICH = 10**9 * TAO


def account(name: str) -> str:
    return str(to_checksum_address(keccak(text=name)[-20:]))


ADMIN, GUARDIAN, REPORTER, KEEPER = map(account, ("admin", "guardian", "reporter", "keeper"))
OPERATOR = account("operator: reporter and keeper")
STRANGER = account("stranger")
ALICE, BOB, CAROL, DAVE = map(account, ("alice", "bob", "carol", "dave"))


class Parameters(NamedTuple):
    """MarketParameters, at the beta's values."""

    leverage_max: int = 3 * TAO
    open_fee: int = 10
    close_fee: int = 10
    maintenance: int = 2_000
    penalty: int = 500
    keeper_share: int = 2_000
    funding_rate_max: int = 75 * 10**14
    funding_interval: int = 8 * HOUR
    funding_cap: int = 32 * HOUR
    notional_min: int = TAO // 10
    trading_age_max: int = 900
    liquidation_age_max: int = 3_600
    exposure_max: int = 5_000


class Limits(NamedTuple):
    """VaultLimits, at the beta's values, without deposit caps."""

    utilisation_max: int = 8_000
    breaker: int = 9_000
    withdrawal_reserve: int = 6_000
    bad_debt_pause: int = 1_000
    slippage_low: int = 10
    slippage_medium: int = 15
    slippage_high: int = 25
    utilisation_medium: int = 5_000
    utilisation_high: int = 7_000
    deposit_cap_global: int = NO_CAP
    deposit_cap_account: int = NO_CAP


class RevertedError(Exception):
    """The transaction reverted; the message is its custom error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    tx_hash: str
    block: int
    time: int
    succeeded: bool
    gas_used: int
    events: tuple[Event, ...]

    def named(self, name: str) -> list[dict[str, Any]]:
        return [event.arguments for event in self.events if event.name == name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    sender: str
    to: str
    data: bytes
    value: int = 0
    gas: int = 30_000_000


@dataclass(kw_only=True)
class World:
    node: Node
    block: int
    time: int
    addresses: dict[str, str] = field(default_factory=dict)
    abis: dict[str, Abi] = field(default_factory=dict)
    elapsing: int = BLOCK_SECONDS

    # Sending

    def send(
        self, sender: str, contract: str, function: str, *arguments: object, **how: int
    ) -> Receipt:
        """One transaction in a block of its own; raises RevertedError with the custom error."""
        receipt = self.attempt(sender, contract, function, *arguments, **how)
        if not receipt.succeeded:
            raise RevertedError(self.revert_reason(contract, receipt))
        return receipt

    def attempt(
        self, sender: str, contract: str, function: str, *arguments: object, **how: int
    ) -> Receipt:
        """The same, but a revert is a receipt too."""
        (receipt,) = self.mine([self.transaction(sender, contract, function, *arguments, **how)])
        return receipt

    def transaction(
        self, sender: str, contract: str, function: str, *arguments: object, **how: int
    ) -> Transaction:
        data = self.abis[contract].encode(function, *arguments)
        return Transaction(sender=sender, to=self.addresses[contract], data=data, **how)

    def mine(self, transactions: Sequence[Transaction] = ()) -> list[Receipt]:
        """All of them in the next block, in this order."""
        hashes = [self.node.rpc("eth_sendTransaction", _wire(tx)) for tx in transactions]
        self.time += self.elapsing
        self.elapsing = BLOCK_SECONDS
        self.node.rpc("evm_mine", self.time)
        self.block += 1
        return [self._receipt(tx_hash) for tx_hash in hashes]

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Whatever happens inside has not happened afterwards."""
        snapshot, block, time = self.node.snapshot(), self.block, self.time
        try:
            yield
        finally:
            self.node.revert(snapshot)
            self.block, self.time = block, time

    def elapse(self, seconds: int) -> None:
        """The next block comes this much later than the last one."""
        self.elapsing = seconds

    def returned(self, contract: str, function: str, receipt: Receipt) -> Any:
        """What the transaction's call returned."""
        return self.abis[contract].decode(function, self._output(receipt))

    def revert_reason(self, contract: str, receipt: Receipt) -> str:
        return self.abis[contract].error(self._output(receipt))

    # Reading

    def call(self, contract: str, function: str, *arguments: object) -> Any:
        """What a view returns at the last block; structs as dicts."""
        data = self.abis[contract].encode(function, *arguments)
        request = {"to": self.addresses[contract], "data": "0x" + data.hex()}
        output = self.node.rpc("eth_call", request, "latest")
        return self.abis[contract].decode(function, bytes.fromhex(output[2:]))

    def vault(self) -> dict[str, Any]:
        found: dict[str, Any] = self.call("exchange", "vaultState")
        return found

    def balance(self, address: str) -> int:
        return int(self.node.rpc("eth_getBalance", address, "latest"), 16)

    # Doing what the tests do all the time

    def set_chain_price(self, netuid: int, price: int) -> None:
        """What the Alpha precompile answers from now on; 0 = no such subnet."""
        slot = "0x" + keccak(encode(["uint16", "uint256"], [netuid, 0])).hex()
        self.node.rpc("anvil_setStorageAt", ALPHA_PRECOMPILE, slot, f"0x{price:064x}")

    def push(self, *prices: tuple[int, int]) -> Receipt:
        """The feed takes (netuid, price) as read at the last block."""
        updates = [(netuid, price, self.block, self.time) for netuid, price in prices]
        return self.send(REPORTER, "feed", "push", updates)

    def price(self, netuid: int, price: int) -> Receipt:
        """Feed and chain agree on a price."""
        self.set_chain_price(netuid, price)
        return self.push((netuid, price))

    def deposit(self, trader: str, amount: int) -> Receipt:
        return self.send(trader, "exchange", "deposit", amount, value=amount)

    def open(
        self,
        trader: str,
        netuid: int,
        *,
        is_long: bool = True,
        margin: int = TAO,
        leverage: int = 3 * TAO,
        slippage: int = 100,
    ) -> Receipt:
        params = (market(netuid), is_long, margin, leverage, slippage)
        return self.send(trader, "exchange", "openMarketPosition", params)

    def close(self, trader: str, netuid: int, size: int = 0) -> Receipt:
        return self.send(trader, "exchange", "closePosition", position_id(trader, netuid), size)

    def liquidate(self, *ids: bytes) -> Receipt:
        return self.send(KEEPER, "exchange", "liquidate", list(ids), KEEPER)

    def outcomes(self, receipt: Receipt) -> list[int]:
        return list(self.returned("exchange", "liquidate", receipt))

    def position(self, trader: str, netuid: int) -> dict[str, Any]:
        (found,) = self.call("exchange", "positionsById", [position_id(trader, netuid)])
        return dict(found)

    def margin(self, trader: str, netuid: int) -> dict[str, Any]:
        (found,) = self.call("exchange", "marginRatios", [position_id(trader, netuid)])
        return dict(found)

    def market(self, netuid: int) -> dict[str, Any]:
        (found,) = self.call("exchange", "markets", [market(netuid)])
        return dict(found)

    def _output(self, receipt: Receipt) -> bytes:
        trace = self.node.rpc("debug_traceTransaction", receipt.tx_hash, {"tracer": "callTracer"})
        return bytes.fromhex(trace.get("output", "0x")[2:])

    def _receipt(self, tx_hash: str) -> Receipt:
        raw = self.node.rpc("eth_getTransactionReceipt", tx_hash)
        return Receipt(
            tx_hash=tx_hash,
            block=self.block,
            time=self.time,
            succeeded=raw["status"] == "0x1",
            gas_used=int(raw["gasUsed"], 16),
            events=tuple(filter(None, map(self._event, raw["logs"]))),
        )

    def _event(self, log: dict[str, Any]) -> Event | None:
        for name, address in self.addresses.items():
            if address.lower() == log["address"]:
                return self.abis[name].event(log["topics"], bytes.fromhex(log["data"][2:]))
        return None


def market(netuid: int) -> str:
    return f"0x{netuid:040x}"


def position_id(trader: str, netuid: int) -> bytes:
    return keccak(encode(["address", "address"], [trader, market(netuid)]))[:16]


def role(name: str) -> bytes:
    return bytes(32) if name == "DEFAULT_ADMIN_ROLE" else keccak(text=name)


def _wire(tx: Transaction) -> dict[str, str]:
    return {
        "from": tx.sender,
        "to": tx.to,
        "data": "0x" + tx.data.hex(),
        "value": hex(tx.value),
        "gas": hex(tx.gas),
        "gasPrice": "0x0",
    }

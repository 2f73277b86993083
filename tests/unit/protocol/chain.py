"""A node with the exchange on it, in memory: blocks, forks under the reader, requests that fail.

Calls are decoded and answered by eth_abi, so nothing here knows how `protocol` writes words.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Literal

from eth_utils.crypto import keccak

from fleet.chain.answers import Sealed
from fleet.chain.failures import ChainError, StateUnavailable
from fleet.chain.throttle import Urgency
from protocol.deployment import Deployment
from protocol.events import RawLog
from tests.unit.protocol.abi_values import Values, answer, decoded_call, netuid, raw_log
from units import Address, BlockHash, BlockNumber, Head, Timestamp

EXCHANGE = Address("0x00000000000000000000000000000000000000E1")
PRICE_FEED = Address("0x00000000000000000000000000000000000000F2")
ROUTER = Address("0x00000000000000000000000000000000000000C3")
TRADER = Address("0x00000000000000000000000000000000000000AA")
DEPLOYMENT = Deployment(exchange=EXCHANGE, price_feed=PRICE_FEED, keeper_router=ROUTER)
CONTRACTS = {EXCHANGE: "Exchange", PRICE_FEED: "PriceFeed"}

PARAMETERS = {
    "leverageMax": 3 * 10**18,
    "openFeeBps": 10,
    "closeFeeBps": 11,
    "maintenanceBps": 2_000,
    "penaltyBps": 500,
    "keeperShareBps": 2_001,
    "fundingRateMax": 75 * 10**14,
    "fundingInterval": 28_800,
    "fundingCap": 115_200,
    "notionalMin": 10**17,
    "tradingAgeMax": 900,
    "liquidationAgeMax": 3_600,
    "exposureMaxBps": 5_000,
}
VAULT = {
    "reserves": 10_000,
    "insurance": 10,
    "freeBalances": 500,
    "margins": 30,
    "claims": 7,
    "claimsFunded": 3,
    "keeperRewards": 2,
    "badDebt": 5,
    "badDebtUncovered": 1,
    "fundingLedger": -4,
    "exposure": 90,
    "utilisationBps": 100,
    "openingPaused": True,
    "openingPause": 1,
}


def market_of(number: int) -> str:
    return f"0x{number:040x}"


def position(number: int, *, market: int = 8) -> Values:
    """An open position as the contract has it."""
    return {
        "id": number.to_bytes(16, "big"),
        "sequence": 1 + number % 3,
        "trader": TRADER,
        "market": market_of(market),
        "isLong": bool(number % 2),
        "margin": 10**18 + number,
        "size": 3 * 10**18 + number,
        "entryPrice": 10**17,
        "entryIndex": -number,
    }


def market(number: int, *, listed: bool = True) -> Values:
    return {
        "market": market_of(number),
        "listed": listed,
        "price": 10**17,
        "sourceBlock": 90,
        "sourceTime": 1_080,
        "suspendedAt": 0,
        "suspension": 0,
        "longOpenInterest": 3,
        "shortOpenInterest": 2,
        "index": -5,
        "indexNow": -4,
        "lastAccrual": 1_000 + number,
        "rate": 1,
        "parameters": PARAMETERS if listed else dict.fromkeys(PARAMETERS, 0),
    }


def row(source_block: int = 0, *, price: int = 10**17, reason: int = 0) -> Values:
    return {
        "price": price if source_block else 0,
        "sourceBlock": source_block,
        "sourceTime": 12 * source_block,
        "suspendedAt": 0,
        "reason": reason,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What the contracts hold at the end of a block."""

    positions: tuple[Values, ...] = ()
    listed: tuple[int, ...] = (8, 64)
    rows: dict[int, Values] = field(default_factory=dict)
    tiers: tuple[int, ...] = (3_500, 2_500, 2_000)
    own_tiers: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def answer(self, function: str, given: Values) -> Values:
        views: dict[str, Callable[[Values], Values]] = {
            "listedMarkets": lambda _: {"": [market_of(n) for n in self.listed]},
            "markets": lambda given: {"found": [self._market(key) for key in given["keys"]]},
            "positionIds": self._page,
            "positionsById": self._positions,
            "rows": lambda given: {"found": [self.rows.get(n, row()) for n in given["netuids"]]},
            "warningTiers": self._tiers,
            "vaultState": lambda _: {"found": VAULT},
        }
        return views[function](given)

    def _tiers(self, given: Values) -> Values:
        (market,) = given.values()
        return {"": list(self.own_tiers.get(netuid(market), self.tiers))}

    def _market(self, key: str) -> Values:
        return market(netuid(key), listed=netuid(key) in self.listed)

    def _page(self, given: Values) -> Values:
        ids = [each["id"] for each in self.positions]
        first = given["offset"]
        return {"ids": ids[first : first + given["limit"]], "total": len(ids)}

    def _positions(self, given: Values) -> Values:
        held = {each["id"]: each for each in self.positions}
        nobody = position(0, market=0) | {"size": 0}
        return {"found": [held.get(key, nobody) for key in given["ids"]]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    head: Head
    ledger: Ledger
    logs: tuple[RawLog, ...] = ()


class FakeChain:
    """`protocol.reading.ChainReads`; the canonical chain is `blocks`."""

    def __init__(self, ledger: Ledger | None = None) -> None:
        self.blocks: list[Block] = []
        self.requests: list[str] = []
        self.sizes: list[int] = []
        self._incidents: dict[int, Callable[[], None]] = {}
        self.unindexed: set[int] = set()
        self._salt = ""
        for number in (98, 99, 100):
            self.blocks.append(self._block(number, ledger or Ledger(), ()))

    @property
    def newest(self) -> Head:
        return self.blocks[-1].head

    # What happens on it

    def seal(self, *events: tuple[str, str, Values], ledger: Ledger | None = None) -> Head:
        """One more block with these events, (contract, name, arguments)."""
        number = self.newest.number + 1
        block = self._block(number, ledger or self.blocks[-1].ledger, events)
        self.blocks.append(block)
        return block.head

    def replace_newest(
        self, *events: tuple[str, str, Values], ledger: Ledger | None = None
    ) -> Head:
        """Another block of the same height takes its place."""
        gone = self.blocks.pop()
        self._salt += "fork"
        return self.seal(*events, ledger=ledger or gone.ledger)

    def before_request(self, index: int, happening: Callable[[], None]) -> None:
        """Makes something happen just before the node answers its request of that index."""
        self._incidents[index] = happening

    def fail_request(self, index: int, failure: ChainError) -> None:
        def fail() -> None:
            raise failure

        self.before_request(index, fail)

    # What is asked of it

    async def head(self) -> Head:
        self._arrive("head")
        return self.newest

    async def block(self, number: BlockNumber) -> Head | None:
        self._arrive("block")
        found = self._at(number)
        return None if found is None else found.head

    async def sealed(self, number: BlockNumber) -> Sealed | None:
        self._arrive("block")
        found = self._at(number)
        if found is None:
            return None
        return Sealed(head=found.head, logs_bloom=bloom(log["address"] for log in found.logs))

    async def call(
        self,
        to: Address,
        data: bytes,
        block: BlockNumber | Literal["latest"],
        *,
        urgency: Urgency = Urgency.DECIDING,
    ) -> bytes:
        function, given = decoded_call(data)
        self._arrive(function)
        found = self._at(self.newest.number if block == "latest" else block)
        if found is None:
            raise StateUnavailable(f"no state of block {block}")
        if to not in CONTRACTS:
            return b""  # as a node answers for an address without code
        output = answer(CONTRACTS[to], function, found.ledger.answer(function, given))
        self.sizes.append(len(output))
        return output

    async def logs(
        self,
        first: BlockNumber,
        last: BlockNumber,
        addresses: Sequence[Address],
        *,
        tip: BlockHash | None = None,
    ) -> Sequence[RawLog]:
        self._arrive("logs")
        asked = [
            block
            for block in self.blocks
            if first <= block.head.number <= last and block.head.number not in self.unindexed
        ]
        return [log for block in asked for log in block.logs if log["address"] in addresses]

    def _arrive(self, request: str) -> None:
        index = len(self.requests)
        self.requests.append(request)
        if index in self._incidents:
            self._incidents[index]()

    def _at(self, number: int) -> Block | None:
        return next((b for b in self.blocks if b.head.number == number), None)

    def _block(
        self, number: int, ledger: Ledger, events: Sequence[tuple[str, str, Values]]
    ) -> Block:
        digest = sha256(f"{number}{self._salt}".encode()).hexdigest()
        head = Head(
            number=BlockNumber(number),
            hash=BlockHash(f"0x{digest}"),
            parent_hash=self.blocks[-1].head.hash if self.blocks else BlockHash("0x" + "00" * 32),
            time=Timestamp(12 * number),
        )
        return Block(head=head, ledger=ledger, logs=tuple(_log(head, event) for event in events))


def bloom(contracts: Iterable[str]) -> int:
    """What a header says of logs of these contracts."""
    bits = 0
    for contract in contracts:
        digest = keccak(hexstr=contract)
        for at in range(0, 6, 2):
            bits |= 1 << (digest[at] * 256 + digest[at + 1]) % 2_048
    return bits


def _log(head: Head, event: tuple[str, str, Values]) -> dict[str, Any]:
    contract, name, values = event
    address = {name: at for at, name in CONTRACTS.items()}.get(contract, ROUTER)
    log = raw_log(contract, name, values, number=head.number)
    return log | {"blockHash": head.hash, "address": address}


def pushed(number: int, source_block: int) -> tuple[str, str, Values]:
    """A push that was accepted, as `FakeChain.seal` takes events."""
    values = {
        "netuid": number,
        "price": 10**17,
        "sourceBlock": source_block,
        "sourceTime": 12 * source_block,
    }
    return "PriceFeed", "PricePushed", values


def with_row(ledger: Ledger, number: int, source_block: int) -> Ledger:
    return replace(ledger, rows=ledger.rows | {number: row(source_block)})

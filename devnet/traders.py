"""The crowd on the chain: wishes become signed transactions, receipts become what was done.

Every transaction is really signed and sent with an explicit nonce and gas. What is refused, by a
preflight call, the node or the block, is counted and not hidden.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from devnet.accounts import Account, Unsigned, sign
from devnet.chain import Log, Receipt, SealedBlock
from devnet.deployment import Deployment
from devnet.rpc import NodeClient, Request, RpcError
from devnet.trader import SLIPPAGE_BPS_MAX, Close, Deposit, Mind, Open, Wish, Withdraw
from devnet.views import market_address
from units import BlockNumber, TxHash, Wei

_GWEI = 10**9
_GAS = 600_000
_NO_PRICE = frozenset({"StalePrice", "MarketIsSuspended", "NoChainPrice"})
TAKEN_OVER = "account taken over"
_HEARD = ("PositionOpened", "PositionChanged", "PositionLiquidated")
_FEE_FACTOR = 2  # of the base fee: room for the six full blocks it may have to wait


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeCounts:
    """What became of the traders' wishes.

    `declined` counts refusals before anything was sent, by the contract's reason, or TAKEN_OVER
    where somebody else sends from the account; `rejected` those
    by the node; `reverted` transactions that were mined and failed.
    """

    sent: Counter[str] = field(default_factory=Counter)
    succeeded: Counter[str] = field(default_factory=Counter)
    reverted: Counter[str] = field(default_factory=Counter)
    declined: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True, kw_only=True)
class Trader:
    """A mind with an account. One transaction at a time."""

    account: Account
    mind: Mind
    nonce: int = 0
    pending: Wish | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Intent:
    """A wish as calldata."""

    trader: Trader
    wish: Wish
    data: bytes
    value: Wei


class Traders:
    """Everybody who trades; acts once a block, for the next one.

    Args:
        node: where transactions go.
        deployment: the exchange they trade on.
        traders: who they are.
        start: the block from which their plans count.
    """

    def __init__(
        self,
        *,
        node: NodeClient,
        deployment: Deployment,
        traders: Sequence[Trader],
        start: BlockNumber,
    ) -> None:
        self.counts = TradeCounts()
        self.traders = tuple(traders)
        self._node = node
        self._exchange = deployment.exchange
        self._start = start
        self._heard = {self._exchange.contract.topic(name) for name in _HEARD}
        self._by_address = {trader.account.address.lower(): trader for trader in traders}
        self._in_flight: dict[TxHash, Trader] = {}

    async def act(self, block: SealedBlock) -> None:
        """Learns what `block` did, and sends what the traders wish for the next one."""
        now = block.head.number - self._start
        for receipt in block.receipts:
            self._learn(receipt, now)
        wishes = await self._left_alone(list(self._wishes(now)), now)
        if not wishes:
            return
        granted = await self._granted(await self._intents(wishes), now)
        await self._send(granted, now, Wei(block.base_fee * _FEE_FACTOR))

    def _wishes(self, now: int) -> Iterator[tuple[Trader, Wish]]:
        for trader in self.traders:
            wish = trader.mind.wish(now) if trader.pending is None else None
            if wish is not None:
                yield trader, wish

    async def _left_alone(
        self, wishes: Sequence[tuple[Trader, Wish]], now: int
    ) -> list[tuple[Trader, Wish]]:
        """The wishes of traders whose account nobody else uses; the others leave it for good.

        Two who number their transactions apart would only replace each other's.
        """
        sent = await self._node.batch([_transaction_count(trader) for trader, _ in wishes])
        kept: list[tuple[Trader, Wish]] = []
        for (trader, wish), count in zip(wishes, sent, strict=True):
            if int(count, 16) == trader.nonce:
                kept.append((trader, wish))
            else:
                trader.mind.leave(now)
                self.counts.declined[TAKEN_OVER] += 1
        return kept

    async def _intents(self, wishes: Sequence[tuple[Trader, Wish]]) -> list[_Intent]:
        leaving = [trader for trader, wish in wishes if isinstance(wish, Withdraw)]
        free = await self._free_balances(leaving)
        return [self._intent(trader, wish, free) for trader, wish in wishes]

    async def _free_balances(self, traders: Sequence[Trader]) -> dict[str, int]:
        """What each may withdraw: its free balance in whole gwei."""
        reads = [self._read("freeBalance", trader.account.address) for trader in traders]
        found = await self._node.batch(reads)
        return {
            trader.account.address: int(balance, 16) // _GWEI * _GWEI
            for trader, balance in zip(traders, found, strict=True)
        }

    def _intent(self, trader: Trader, wish: Wish, free: dict[str, int]) -> _Intent:
        encode = self._exchange.contract.encode
        match wish:
            case Deposit(amount=amount):
                data = encode("deposit", amount)
            case Open(plan=plan):
                market = market_address(plan.netuid)
                order = (market, plan.is_long, plan.margin, plan.leverage, SLIPPAGE_BPS_MAX)
                data = encode("openMarketPosition", order)
            case Close(position=position, size=size):
                data = encode("closePosition", position, size)
            case Withdraw():
                data = encode("withdraw", free[trader.account.address])
            case never:
                assert_never(never)
        value = wish.amount if isinstance(wish, Deposit) else Wei(0)
        return _Intent(trader=trader, wish=wish, data=data, value=value)

    async def _granted(self, intents: Sequence[_Intent], now: int) -> list[_Intent]:
        """The intents that the exchange would grant at this block; the others are counted."""
        outcomes = await self._node.outcomes([self._preflight(intent) for intent in intents])
        granted: list[_Intent] = []
        for intent, outcome in zip(intents, outcomes, strict=True):
            if isinstance(outcome, RpcError):
                self._decline(intent.trader.mind, outcome, now)
            else:
                granted.append(intent)
        return granted

    def _decline(self, mind: Mind, refusal: RpcError, now: int) -> None:
        reason = self._exchange.contract.read_revert(refusal.data).partition("(")[0]
        self.counts.declined[reason] += 1
        if reason in _NO_PRICE:
            mind.waits(now)
        else:
            mind.refused(now)

    async def _send(self, intents: Sequence[_Intent], now: int, gas_price: Wei) -> None:
        outcomes = await self._node.outcomes(
            [
                Request(method="eth_sendRawTransaction", params=(self._raw(intent, gas_price),))
                for intent in intents
            ]
        )
        for intent, outcome in zip(intents, outcomes, strict=True):
            trader = intent.trader
            if isinstance(outcome, RpcError):
                self.counts.rejected[str(outcome)] += 1
                trader.mind.refused(now)
                continue
            self.counts.sent[_name(intent.wish)] += 1
            trader.nonce += 1
            trader.pending = intent.wish
            self._in_flight[TxHash(outcome)] = trader

    def _learn(self, receipt: Receipt, now: int) -> None:
        """From any transaction: its own trader's outcome, and liquidations of others."""
        trader = self._in_flight.pop(receipt.tx_hash, None)
        if trader is not None:
            self._settle(trader, receipt, now)
        for log in receipt.logs:
            self._hear(log, now)

    def _settle(self, trader: Trader, receipt: Receipt, now: int) -> None:
        wish, trader.pending = trader.pending, None
        assert wish is not None, "what is in flight is pending"
        if receipt.succeeded:
            self.counts.succeeded[_name(wish)] += 1
            trader.mind.done(wish, now)
        else:
            self.counts.reverted[_name(wish)] += 1
            trader.mind.refused(now)

    def _hear(self, log: Log, now: int) -> None:
        if log.address != self._exchange.address.lower() or log.topics[0] not in self._heard:
            return
        event = self._exchange.contract.read_log(log)
        assert event is not None, "its topic is known"
        trader = self._by_address.get(event.arguments["trader"].lower())
        if trader is None:
            return  # somebody else's: anybody may trade on a devnet
        if event.name == "PositionLiquidated":
            trader.mind.lost(now)
        else:
            trader.mind.hold(event.arguments["id"], Wei(event.arguments["size"]))

    def _raw(self, intent: _Intent, gas_price: Wei) -> str:
        return sign(
            intent.trader.account,
            Unsigned(
                to=self._exchange.address,
                data=intent.data,
                nonce=intent.trader.nonce,
                gas=_GAS,
                gas_price=gas_price,
                value=intent.value,
            ),
        )

    def _preflight(self, intent: _Intent) -> Request:
        call = {
            "from": intent.trader.account.address,
            "to": self._exchange.address,
            "data": "0x" + intent.data.hex(),
            "value": hex(intent.value),
        }
        return Request(method="eth_call", params=(call, "latest"))

    def _read(self, function: str, *arguments: object) -> Request:
        data = self._exchange.contract.encode(function, *arguments)
        call = {"to": self._exchange.address, "data": "0x" + data.hex()}
        return Request(method="eth_call", params=(call, "latest"))


def _transaction_count(trader: Trader) -> Request:
    """Those waiting in the node's pool included."""
    return Request(method="eth_getTransactionCount", params=(trader.account.address, "pending"))


def _name(wish: Wish) -> str:
    return type(wish).__name__.lower()

"""More fall at once than one transaction takes: each stands alone, in any order, truthfully."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pytest

from fleet.chain.node import Node
from fleet.transactions.request import Refused, Submission, Submitted, TransactionRequest
from keepers.liquidation.evidence import Judgement
from keepers.liquidation.follower import BookFollower, FollowerPolicy
from keepers.liquidation.gas import REFERENCE_GAS
from keepers.liquidation.risk import RiskEngine, RiskPolicy
from keepers.liquidation.selection import SelectionPolicy
from oracle.feed import Update
from oracle.plan import Publication
from protocol.deployment import Deployment
from protocol.reading import ExchangeReader
from protocol.sending import ExchangeWriter, SendingPolicy
from tests.anvil.keepers.crowd import crowd, open_all
from tests.contracts.deployment import FIRST_PRICE
from tests.contracts.world import OPERATOR, TAO, Receipt, Transaction, World
from units import Address, BlockNumber, Netuid, PriceWei, Timestamp, TxHash, Wei

pytestmark = [pytest.mark.anvil, pytest.mark.slow, pytest.mark.timeout(900)]

TRADERS, MARKETS = 340, (8, 64)
RUIN = FIRST_PRICE * 6 // 10
BLOCK_GAS = 75_000_000
POLICY = SendingPolicy(gas=REFERENCE_GAS, gas_limit_max=SelectionPolicy().gas_max)


@dataclass
class Collecting:
    """Signs nothing: keeps what it was asked for."""

    requests: list[TransactionRequest] = field(default_factory=list)

    async def submit(self, request: TransactionRequest) -> Submission:
        self.requests.append(request)
        return Submitted(tx_hash=TxHash(f"0x{len(self.requests):064x}"), nonce=len(self.requests))

    def busy(self, subjects: Iterable[str]) -> frozenset[str]:
        del subjects
        return frozenset()

    async def gas_price(self) -> Wei | Refused:
        return Wei(10**10)


@pytest.fixture
async def requests(
    world: World, chain: Node, deployment: Deployment, reader: ExchangeReader
) -> list[TransactionRequest]:
    """What the feeder asks for when 680 longs of two sizes fall in two markets at once."""
    traders = crowd(world, TRADERS, tao=10)
    open_all(world, traders[::2], MARKETS, margin=TAO // 2)
    open_all(world, traders[1::2], MARKETS, margin=TAO)
    head = await chain.head()
    follower = BookFollower(log=reader, policy=FollowerPolicy())
    risk = RiskEngine(follower=follower, policy=RiskPolicy(answer_s_max=None))
    prices = {Netuid(netuid): PriceWei(RUIN) for netuid in MARKETS}
    falling = await risk.liquidatable_at(prices, head)
    assert isinstance(falling, Judgement)
    sender = Collecting()
    writer = ExchangeWriter(
        sender=sender, deployment=deployment, beneficiary=Address(OPERATOR), policy=POLICY
    )
    updates = tuple(
        Update(
            netuid=netuid,
            price=price,
            source_block=BlockNumber(world.block),
            source_time=Timestamp(world.time),
        )
        for netuid, price in prices.items()
    )
    await writer.publish(
        Publication(updates=updates, liquidations=falling.ids, head=head, falling=falling)
    )
    return sender.requests


def mined(world: World, requests: Sequence[TransactionRequest]) -> list[Receipt]:
    """All of them in one block, in this order."""
    asked = [Transaction(sender=OPERATOR, to=r.to, data=r.data, gas=r.gas_limit) for r in requests]
    return world.mine(asked)


def taken(receipts: Iterable[Receipt]) -> list[int]:
    return [len(receipt.named("PositionLiquidated")) for receipt in receipts]


async def test_publish__more_than_two_transactions_take__largest_bad_debt_first(
    world: World, requests: list[TransactionRequest]
) -> None:
    receipts = mined(world, requests)
    assert taken(receipts) == [300, 300, 80]
    assert sum(request.gas_limit for request in requests) <= BLOCK_GAS
    assert all(r.gas_used <= q.gas_limit for r, q in zip(receipts, requests, strict=True))
    debts = [
        event["badDebt"] for receipt in receipts for event in receipt.named("PositionLiquidated")
    ]
    assert debts == sorted(debts, reverse=True)
    assert debts[0] > debts[-1] > 0


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 2, 0), (2, 0, 1)])
async def test_publish__in_any_order_within_a_block__all_are_taken(
    world: World, requests: list[TransactionRequest], order: tuple[int, ...]
) -> None:
    receipts = mined(world, [requests[number] for number in order])
    assert sum(taken(receipts)) == 2 * TRADERS
    assert [len(receipt.named("PricePushed")) for receipt in receipts] == [2, 0, 0]
    assert not any(receipt.named("LiquidationSkipped") for receipt in receipts)


async def test_publish__each_by_itself__simulates_truthfully_and_does_its_part(
    world: World, requests: list[TransactionRequest]
) -> None:
    router = world.abis["router"]
    for request, count in zip(requests, (300, 300, 80), strict=True):
        call = {
            "from": OPERATOR,
            "to": request.to,
            "data": "0x" + request.data.hex(),
            "gas": hex(request.gas_limit),
        }
        output = bytes.fromhex(world.node.rpc("eth_call", call, "latest")[2:])
        pushed, outcomes, succeeded = router.decode("pushAndLiquidate", output)
        assert succeeded
        assert list(pushed) == [0, 0], "every price is taken"
        assert list(outcomes) == [0] * count, "everybody is liquidated"
        with world.undone():
            (receipt,) = mined(world, [request])
            assert taken([receipt]) == [count]
            assert len(receipt.named("PricePushed")) == 2

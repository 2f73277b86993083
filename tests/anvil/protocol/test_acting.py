"""What the writer asks for does on the real contracts what it is meant to do, within its gas."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from fleet.chain.node import Node
from fleet.transactions.request import (
    Final,
    Reverted,
    Settled,
    Submission,
    Submitted,
    TransactionRequest,
)
from keepers.liquidation.gas import REFERENCE_GAS
from keepers.liquidation.outcomes import Liquidated, NotAttempted, Skipped, SkipReason
from keepers.liquidation.positions import PositionKey
from keepers.liquidation.selection import LiquidationBatch
from keepers.submission import Sent
from oracle.feed import SuspensionReason, Update
from oracle.plan import Publication
from protocol import roles
from protocol.abi import describe_revert
from protocol.deployment import Deployment
from protocol.ports import Liquidations
from protocol.sending import ExchangeWriter, SendingPolicy
from tests.contracts.deployment import FIRST_PRICE
from tests.contracts.world import (
    ADMIN,
    ALICE,
    BOB,
    CAROL,
    HOUR,
    OPERATOR,
    STRANGER,
    Receipt,
    Transaction,
    World,
    position_id,
)
from tests.unit.keepers.liquidation.examples import judgement
from units import (
    Address,
    BlockNumber,
    Head,
    Netuid,
    PositionId,
    PriceWei,
    Sequence,
    Timestamp,
    TxHash,
    Wei,
)

pytestmark = pytest.mark.anvil

CRASHED = FIRST_PRICE * 8 // 10
NO_PRICE = SuspensionReason.NO_PRICE


@dataclass
class MiningSender:
    """Signs for one account, and every request is mined in a block of its own."""

    world: World
    account: str = OPERATOR
    receipts: list[Receipt] = field(default_factory=list)
    requests: list[TransactionRequest] = field(default_factory=list)

    async def submit(self, request: TransactionRequest) -> Submission:
        asked = Transaction(
            sender=self.account, to=request.to, data=request.data, gas=request.gas_limit
        )
        (receipt,) = self.world.mine([asked])
        self.receipts.append(receipt)
        self.requests.append(request)
        return Submitted(tx_hash=TxHash(receipt.tx_hash), nonce=len(self.receipts))

    def busy(self, subjects: Iterable[str]) -> frozenset[str]:
        del subjects
        return frozenset()

    async def gas_price(self) -> Wei:
        return Wei(int(self.world.node.rpc("eth_gasPrice"), 16))

    def settled(self) -> Settled:
        """The last request's outcome, as the fleet's sender would tell it."""
        receipt, request = self.receipts[-1], self.requests[-1]
        raw = self.world.node.rpc("eth_getTransactionReceipt", receipt.tx_hash)
        block, fee = BlockNumber(receipt.block), Wei(0)
        outcome: Final | Reverted
        if receipt.succeeded:
            logs = tuple(raw["logs"])
            outcome = Final(block=block, gas_used=receipt.gas_used, fee=fee, logs=logs)
        else:
            reason = describe_revert(self.world._output(receipt))
            outcome = Reverted(block=block, gas_used=receipt.gas_used, fee=fee, reason=reason)
        return Settled(request=request, tx_hash=TxHash(receipt.tx_hash), outcome=outcome)


@pytest.fixture
def sender(world: World) -> MiningSender:
    return MiningSender(world)


@pytest.fixture
def writer(deployment: Deployment, sender: MiningSender) -> ExchangeWriter:
    return ExchangeWriter(
        sender=sender,
        deployment=deployment,
        beneficiary=Address(OPERATOR),
        policy=SendingPolicy(gas=REFERENCE_GAS),
    )


def publication(
    world: World, head: Head, prices: dict[int, int], *falling: tuple[str, int]
) -> Publication:
    updates = tuple(
        Update(
            netuid=Netuid(netuid),
            price=PriceWei(price),
            source_block=BlockNumber(world.block),
            source_time=Timestamp(world.time),
        )
        for netuid, price in prices.items()
    )
    ids = tuple(PositionId(position_id(trader, netuid)) for trader, netuid in falling)
    return Publication(updates=updates, liquidations=ids, head=head)


def batch(world: World, head: Head, *held: tuple[str, int]) -> LiquidationBatch:
    keys = tuple(
        PositionKey(
            id=PositionId(position_id(trader, netuid)),
            sequence=Sequence(max(world.position(trader, netuid)["sequence"], 1)),
        )
        for trader, netuid in held
    )
    return LiquidationBatch(head=head, keys=keys, gas_limit=REFERENCE_GAS.limit(ids=len(keys)))


async def test_publish__prices_alone__are_the_feed_s_new_rows(
    world: World, chain: Node, writer: ExchangeWriter, sender: MiningSender
) -> None:
    await writer.publish(publication(world, await chain.head(), {8: 7, 64: 2**100}))
    assert sender.receipts[0].succeeded
    assert [row["price"] for row in world.call("feed", "rows", [8, 64])] == [7, 2**100]


async def test_publish__with_those_who_fall__takes_them_in_the_same_transaction(
    world: World, chain: Node, writer: ExchangeWriter, sender: MiningSender
) -> None:
    world.open(ALICE, 8)
    world.open(BOB, 8, is_long=False)
    falling = publication(world, await chain.head(), {8: CRASHED}, (ALICE, 8), (BOB, 8))
    await writer.publish(falling)
    (receipt,) = sender.receipts
    names = [event.name for event in receipt.events]
    assert names.index("PricePushed") < names.index("PositionLiquidated")
    assert [event["id"] for event in receipt.named("PositionLiquidated")] == [position_id(ALICE, 8)]
    assert [event["id"] for event in receipt.named("LiquidationSkipped")] == [position_id(BOB, 8)]
    assert world.call("exchange", "keeperReward", OPERATOR) > 0


async def test_publish__more_than_fit__each_transaction_stands_alone(
    world: World, chain: Node, deployment: Deployment, sender: MiningSender
) -> None:
    for trader in (ALICE, BOB, CAROL):
        world.open(trader, 8)
    writer = ExchangeWriter(
        sender=sender,
        deployment=deployment,
        beneficiary=Address(OPERATOR),
        policy=SendingPolicy(gas=REFERENCE_GAS, ids_max=1),
    )
    held = ((ALICE, 8), (BOB, 8), (CAROL, 8))
    await writer.publish(publication(world, await chain.head(), {8: CRASHED}, *held))
    assert [len(r.named("PositionLiquidated")) for r in sender.receipts] == [1, 1, 1]
    assert [len(r.named("PricePushed")) for r in sender.receipts] == [1, 0, 0]


async def test_suspend_and_resume__some_markets__change_the_feed(
    world: World, chain: Node, writer: ExchangeWriter, sender: MiningSender
) -> None:
    netuids = [Netuid(8), Netuid(64)]
    await writer.suspend(netuids, NO_PRICE, await chain.head())
    rows = world.call("feed", "rows", netuids)
    assert [row["reason"] for row in rows] == [3, 3]
    assert {row["suspendedAt"] for row in rows} == {world.block}
    await writer.resume(netuids[:1], await chain.head())
    assert [row["reason"] for row in world.call("feed", "rows", netuids)] == [0, 3]
    assert all(receipt.succeeded for receipt in sender.receipts)


async def test_accrue__markets_of_which_one_is_not_listed__accrues_the_others(
    world: World, chain: Node, writer: ExchangeWriter, sender: MiningSender
) -> None:
    world.open(ALICE, 8)
    world.elapse(8 * HOUR)
    await writer.accrue([Netuid(8), Netuid(1_000)], "funding", await chain.head())
    assert len(sender.receipts[0].named("FundingAccrued")) == 1
    assert len(sender.receipts[0].named("AccrualSkipped")) == 1
    assert world.market(8)["lastAccrual"] == world.time


async def test_liquidations__a_batch__reports_what_became_of_each(
    world: World, chain: Node, writer: ExchangeWriter, sender: MiningSender
) -> None:
    world.open(ALICE, 8)
    world.open(BOB, 8, is_long=False)
    world.open(CAROL, 64)
    world.price(8, CRASHED)
    world.send(OPERATOR, "feed", "suspend", [64], int(NO_PRICE))
    liquidations = Liquidations(writer=writer)
    held = batch(world, await chain.head(), (ALICE, 8), (BOB, 8), (CAROL, 64), (ALICE, 64))
    assert isinstance(await liquidations.submit(held, judgement()), Sent)
    results = liquidations.results(sender.settled())
    assert [result.key for result in results] == list(held.keys)
    first, *others = (result.outcome for result in results)
    assert isinstance(first, Liquidated)
    assert first.event.price == CRASHED
    reasons = [SkipReason.HEALTHY, SkipReason.SUSPENDED, SkipReason.CLOSED]
    assert others == [Skipped(reason=reason) for reason in reasons]


async def test_liquidations__the_key_has_no_role__reverts_and_says_so(
    world: World, chain: Node, writer: ExchangeWriter, sender: MiningSender
) -> None:
    world.open(ALICE, 8)
    sender.account = STRANGER
    liquidations = Liquidations(writer=writer)
    await liquidations.submit(batch(world, await chain.head(), (ALICE, 8)), judgement())
    (result,) = liquidations.results(sender.settled())
    assert isinstance(result.outcome, NotAttempted)
    said = result.outcome.detail.lower()
    assert said.startswith(f"reverted: accesscontrolunauthorizedaccount(account={STRANGER}".lower())


# Roles


def has(world: World, role: roles.Role) -> bool:
    call = {"to": role.at, "data": "0x" + role.question.hex()}
    return bool(int(world.node.rpc("eth_call", call, "latest"), 16))


def granted(world: World, role: roles.Role, by: str) -> Receipt:
    (receipt,) = world.mine([Transaction(sender=by, to=role.at, data=role.grant)])
    return receipt


@pytest.mark.parametrize("make", [roles.reporter, roles.keeper])
def test_role__granted_by_the_admin__is_held(
    world: World, deployment: Deployment, make: Any
) -> None:
    role = make(deployment, Address(STRANGER))
    assert not has(world, role)
    assert not granted(world, role, by=STRANGER).succeeded
    assert not has(world, role)
    assert granted(world, role, by=ADMIN).succeeded
    assert has(world, role)


def test_roles__both_granted__let_a_key_push_and_liquidate(
    world: World, deployment: Deployment
) -> None:
    update = (8, FIRST_PRICE, world.block, world.time)
    refused = world.attempt(STRANGER, "router", "pushAndLiquidate", [update], [])
    assert not refused.succeeded
    for role in (
        roles.reporter(deployment, Address(STRANGER)),
        roles.keeper(deployment, Address(STRANGER)),
    ):
        granted(world, role, by=ADMIN)
    assert world.attempt(STRANGER, "router", "pushAndLiquidate", [update], []).succeeded


def test_of_router__as_deployed__are_all_held(world: World, deployment: Deployment) -> None:
    assert [has(world, role) for role in roles.of_router(deployment)] == [True, True]
    elsewhere = [roles.keeper(deployment, Address(ALICE)), roles.reporter(deployment, Address(BOB))]
    assert [has(world, role) for role in elsewhere] == [False, False]

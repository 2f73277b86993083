"""Work as the bots hand it over, with figures that are easy to recognise."""

from keepers.liquidation.gas import GasModel
from keepers.liquidation.positions import PositionKey
from keepers.liquidation.selection import LiquidationBatch
from oracle.feed import Update
from oracle.plan import Publication
from protocol.deployment import Deployment
from protocol.sending import ExchangeWriter, Sender, SendingPolicy
from tests.unit.keepers.liquidation.examples import judgement, position
from tests.unit.protocol.chain import DEPLOYMENT
from units import Address, BlockHash, BlockNumber, Head, Netuid, PositionId, PriceWei, Timestamp
from units import Sequence as Opening

ME = Address("0x00000000000000000000000000000000000000BB")
GAS = GasModel(intercept=100, liquidation_intercept=50, id_slope=10, update_slope=7)
POLICY = SendingPolicy(gas=GAS, ids_max=3, gas_limit_max=10**9)
HEAD = Head(
    number=BlockNumber(100),
    hash=BlockHash("0x" + "aa" * 32),
    parent_hash=BlockHash("0x" + "99" * 32),
    time=Timestamp(1_200),
)


def update(netuid: int = 8, *, block: int = 98, price: int = 10**17) -> Update:
    return Update(
        netuid=Netuid(netuid),
        price=PriceWei(price),
        source_block=BlockNumber(block),
        source_time=Timestamp(12 * block),
    )


def ids(count: int) -> tuple[PositionId, ...]:
    return tuple(PositionId((n + 1).to_bytes(16, "big")) for n in range(count))


def publication(*updates: Update, liquidations: int = 0) -> Publication:
    return Publication(updates=updates or (update(),), liquidations=ids(liquidations), head=HEAD)


def batch(count: int = 2, *, sequence: int = 1, head: Head = HEAD) -> LiquidationBatch:
    keys = tuple(PositionKey(id=each, sequence=Opening(sequence)) for each in ids(count))
    return LiquidationBatch(head=head, keys=keys, gas_limit=777)


JUDGED = judgement(*(position(number) for number in range(1, 301)))
"""What every batch and every push here rests on."""


def writer_to(
    sender: Sender,
    *,
    deployment: Deployment = DEPLOYMENT,
    policy: SendingPolicy = POLICY,
) -> ExchangeWriter:
    return ExchangeWriter(sender=sender, deployment=deployment, beneficiary=ME, policy=policy)

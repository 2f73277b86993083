"""What the model's ports send is what the fleet's own adapter would have sent."""

from dataclasses import replace

import pytest

from devnet.parameters import Beta
from keepers.liquidation.gas import REFERENCE_GAS
from keepers.liquidation.selection import LiquidationBatch
from keepers.submission import NotSent, Sent
from oracle.plan import Publication
from protocol.sending import SendingPolicy
from replay.actions import Liquidate
from replay.exchange import opened_exchange
from replay.ports import ModelChain
from tests.unit.keepers.liquidation.examples import head_at, position
from units import Netuid, Timestamp, Wei

HEAD = head_at(1_000)
TAKEN, LEFT = position(1), position(2)


@pytest.fixture
def chain() -> ModelChain:
    return ModelChain(
        exchange=opened_exchange(Beta(), [Netuid(8)], Timestamp(HEAD.time)),
        head=HEAD,
        sending=SendingPolicy(gas=REFERENCE_GAS),
        push_cost=Wei(1),
    )


async def test_liquidate__what_a_push_of_the_block_takes_already__is_left_to_it(
    chain: ModelChain,
) -> None:
    await chain.submit(Publication(updates=(), liquidations=(TAKEN.key.id,), head=HEAD))
    batch = LiquidationBatch(head=HEAD, keys=(TAKEN.key, LEFT.key), gas_limit=10**6)

    assert isinstance(chain.liquidate(batch), Sent)
    assert chain.outbox[1:] == [Liquidate(ids=(LEFT.key.id,), keys=batch.keys)]

    assert isinstance(chain.liquidate(replace(batch, keys=(TAKEN.key,))), NotSent)
    assert len(chain.outbox) == 2, "a transaction about nobody is none"

"""A puppet in the fleet's place that plays on the chain itself, and the referee who watches it."""

from dataclasses import dataclass

from devnet.accounts import Unsigned, sign
from devnet.audit.feed import Promise
from devnet.audit.lateness import Capacity
from devnet.audit.referee import RefereePolicy
from devnet.audit.watch import Audit
from devnet.chain import SealedBlock
from devnet.parameters import MARKETS, Beta
from devnet.views import ExchangeViews
from devnet.world import FINALITY_BLOCKS, World
from units import BlockNumber, Bps, Wei


@dataclass
class PuppetKeeper:
    """Pushes every finalized price and offers every position for liquidation, in one transaction.

    The exchange skips the healthy ones. `is_asleep`: pushes prices alone.
    """

    world: World
    is_asleep: bool = False
    nonce: int = 0

    async def act(self, block: SealedBlock) -> None:
        source = BlockNumber(block.head.number - FINALITY_BLOCKS)
        tape = self.world.options.tape
        prices = tape.row_at(source).prices
        updates = [(n, rao * 10**9, source, tape.time_at(source)) for n, rao in prices.items()]
        views = ExchangeViews(self.world.node, self.world.deployment)
        ids = [] if self.is_asleep else await views.position_ids(block.head.number)
        router = self.world.deployment.keeper_router
        transaction = Unsigned(
            to=router.address,
            data=router.contract.encode("pushAndLiquidate", updates, ids),
            nonce=self.nonce,
            gas=20_000_000,
            gas_price=Wei(2 * block.base_fee),
        )
        raw = sign(self.world.fleet.all, transaction)
        await self.world.node.call("eth_sendRawTransaction", raw)
        self.nonce += 1


PROMISE = Promise(band=Bps(10), guard_limit=Bps(1_000), confirm_blocks=11, restart_blocks=7_200)


async def begin_audit(world: World) -> Audit:
    return await Audit.begin(
        head=world.head.head,
        views=ExchangeViews(world.node, world.deployment),
        tape=world.options.tape,
        contracts=world.deployment.contracts,
        policy=RefereePolicy(
            promises=dict.fromkeys(MARKETS, PROMISE),
            pins={n: world.options.tape.registered_at(n, world.head.head.number) for n in MARKETS},
            tiers=Beta().warning_tiers_bps,
            capacity=Capacity(gas_each=60_000, gas_share=20_000_000),
            finality_blocks=FINALITY_BLOCKS,
            fleet=frozenset({world.fleet.all.address.lower()}),
        ),
        traders=tuple(trader.account.address for trader in world.traders.traders),
    )

"""The sequencer: anvil, the exchange, the traders and the Subtensor stand-in, block by block.

Block n: precompile prices, base fee and time of n, sealed → watchers look at it → traders send
what is to be in n+1 → the stand-in shows n as best and n − lag as finalized, and in lock-step every
participant finishes n before n+1 is sealed.

Knows nothing of the fleet but the keys it may use.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import aiohttp

from devnet.accounts import DEPLOYER_KEY, Account, account_of, seeded_account
from devnet.anvil import Anvil, Genesis, running_anvil
from devnet.chain import Chain, SealedBlock
from devnet.deployment import Deployment, Grants, deploy, planned_deployment
from devnet.parameters import MARKETS, Beta
from devnet.population import Crowd, population
from devnet.precompile import PrecompilePrices
from devnet.replay import most_shaken_first, priced
from devnet.rpc import NodeClient, Request
from devnet.standin import SubtensorStandIn
from devnet.tape import Tape
from devnet.trader import Mind
from devnet.traders import Trader, Traders
from units import ONE, BlockNumber, Netuid

FINALITY_BLOCKS = 2
SET_UP_BLOCKS = 1 + FINALITY_BLOCKS
"""Sealed between a world's first block and the one at which it is up."""
_REQUEST_SECONDS_MAX = 120.0
_WALLET_TAO = 2_000

Watcher = Callable[[SealedBlock], Awaitable[None]]
"""Looks at a sealed block before anybody acts on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldOptions:
    """What world to make.

    Attributes:
        tape: the prices it replays.
        first: the block it begins with; on the tape.
        blocks: how many blocks the traders' plans span.
        traders: how many trade.
        seed: of the traders' keys and plans.
        crowd: how the traders are made up.
        minds: the traders themselves, instead of a crowd; `traders` then counts for nothing.
        netuids: the markets that are listed.
        beta: what the admin has decided.
        turn_s_max: wall-clock seconds a lock-step participant may take for a block.
    """

    tape: Tape
    first: BlockNumber
    blocks: int
    traders: int
    seed: int = 1
    crowd: Crowd = field(default_factory=Crowd)
    minds: Sequence[Mind] | None = None
    netuids: tuple[Netuid, ...] = tuple(MARKETS)
    beta: Beta = field(default_factory=Beta)
    turn_s_max: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetAccounts:
    """The fleet's keys: `all` may do everything, the others what their workload needs."""

    all: Account
    feeder: Account
    liquidator: Account
    funding: Account
    operator: Account

    @property
    def by_workload(self) -> dict[str, Account]:
        """Every key by the workload it belongs to."""
        return {
            "all": self.all,
            "feeder": self.feeder,
            "liquidator": self.liquidator,
            "funding": self.funding,
            "operator": self.operator,
        }

    @property
    def grants(self) -> Grants:
        """The router admits only callers that may push and liquidate themselves."""
        both = (self.all.address, self.feeder.address, self.operator.address)
        return Grants(
            reporters=both,
            keepers=(*both, self.liquidator.address, self.funding.address),
        )


@dataclass(slots=True, kw_only=True)
class World:
    """A world that answers. `head` is the last sealed block, traders' plans count from `start`."""

    options: WorldOptions
    anvil: Anvil
    node: NodeClient
    chain: Chain
    stand_in: SubtensorStandIn
    deployment: Deployment
    deployer: Account
    fleet: FleetAccounts
    traders: Traders
    start: BlockNumber
    head: SealedBlock
    prices: PrecompilePrices
    watchers: list[Watcher] = field(default_factory=list)

    @property
    def last_block(self) -> BlockNumber:
        """The last block that the tape has prices for."""
        return self.options.tape.last_block

    async def advance(self, *, in_step: bool) -> SealedBlock:
        """Seals the next block and lets the world, and in lock-step the fleet, act on it.

        Raises:
            TapeError: the tape has ended.
            LateParticipantError: a participant did not finish in time.
        """
        number = BlockNumber(self.head.head.number + 1)
        tape = self.options.tape
        writes = self.prices.writes(tape.row_at(number).prices, number)
        self.head = await self.chain.seal(tape.time_at(number), writes)
        for watch in self.watchers:
            await watch(self.head)
        await self.traders.act(self.head)
        if in_step:
            await self.stand_in.release(number)
        else:
            self.stand_in.advance(number)
        return self.head


@contextlib.asynccontextmanager
async def running_world(options: WorldOptions) -> AsyncIterator[World]:
    """Runs a world for the length of the block: up once everything in it answers.

    Raises:
        AnvilError, ArtifactError, DeploymentError, TapeError: one line each.
    """
    genesis = Genesis(block=options.first, time=options.tape.time_at(options.first))
    timeout = aiohttp.ClientTimeout(total=_REQUEST_SECONDS_MAX)
    async with (
        running_anvil(genesis) as anvil,
        aiohttp.ClientSession(timeout=timeout) as session,
        SubtensorStandIn(
            options.tape,
            start=options.first,
            finality_lag=FINALITY_BLOCKS,
            turn_s_max=options.turn_s_max,
        ) as stand_in,
    ):
        yield await _set_up(
            options, anvil, NodeClient(session=session, url=anvil.rpc_url), stand_in
        )


async def _set_up(
    options: WorldOptions, anvil: Anvil, node: NodeClient, stand_in: SubtensorStandIn
) -> World:
    """Deploys, funds everybody, and seals blocks until the deployment is final."""
    fleet, deployer = _fleet_accounts(options.seed), account_of(DEPLOYER_KEY)
    deployment = planned_deployment(deployer.address, options.netuids)
    traders = _traders(options)
    await _fund(node, [*fleet.by_workload.values(), *(trader.account for trader in traders)])
    chain, prices = Chain(node), PrecompilePrices()
    number = BlockNumber(options.first + 1)
    head = await deploy(
        node=node,
        chain=chain,
        deployer=deployer,
        deployment=deployment,
        beta=options.beta,
        grants=fleet.grants,
        time=options.tape.time_at(number),
        prices=prices.writes(options.tape.row_at(number).prices, number),
    )
    start = BlockNumber(number + FINALITY_BLOCKS)
    world = World(
        options=options,
        anvil=anvil,
        node=node,
        chain=chain,
        stand_in=stand_in,
        deployment=deployment,
        deployer=deployer,
        fleet=fleet,
        traders=Traders(node=node, deployment=deployment, traders=traders, start=start),
        start=start,
        head=head,
        prices=prices,
    )
    for _ in range(FINALITY_BLOCKS):
        await world.advance(in_step=False)
    return world


def _fleet_accounts(seed: int) -> FleetAccounts:
    return FleetAccounts(
        all=seeded_account(seed=seed, role="all"),
        feeder=seeded_account(seed=seed, role="feeder"),
        liquidator=seeded_account(seed=seed, role="liquidator"),
        funding=seeded_account(seed=seed, role="funding"),
        operator=seeded_account(seed=seed, role="operator"),
    )


def _traders(options: WorldOptions) -> list[Trader]:
    minds = _crowd(options) if options.minds is None else options.minds
    return [
        Trader(account=seeded_account(seed=options.seed, role="trader", index=index), mind=mind)
        for index, mind in enumerate(minds)
    ]


def _crowd(options: WorldOptions) -> list[Mind]:
    """Each in a market that has a price at the first block; all eyes on the most shaken one."""
    listed = priced(options.tape, options.first, options.netuids) if options.traders else []
    if options.crowd.in_one_market:
        listed = most_shaken_first(options.tape, options.first, options.blocks, listed)
    plans = population(
        seed=options.seed,
        count=options.traders,
        netuids=listed,
        blocks=options.blocks,
        crowd=options.crowd,
    )
    return [Mind(plan=plan) for plan in plans]


async def _fund(node: NodeClient, accounts: Sequence[Account]) -> None:
    wallet = hex(_WALLET_TAO * ONE)
    await node.batch(
        [
            Request(method="anvil_setBalance", params=(account.address, wallet))
            for account in accounts
        ]
    )

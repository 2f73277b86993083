"""Both engines, on the same input, come to the same: every event of every block, every wei.

The chain engine is anvil, the contracts, signed transactions and the fleet as a process of its own;
the model engine is one process without a socket. A made-up hour has a crash, a spike and a grind.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from devnet.population import Crowd, TraderPlan, population
from devnet.replay import open_replay
from devnet.trader import Mind
from devnet.world import SET_UP_BLOCKS
from fleet.wiring import policies
from keepers.liquidation.positions import BookEvent
from oracle.feed import SuspensionReason
from replay.chain import ChainEngine, listed_markets
from replay.configuration import Configuration, configured
from replay.model import ModelEngine
from replay.observer import Observer
from replay.populations import Scene, minds
from replay.records import BlockRecord, VaultRecord, Work
from replay.run import ReplayOptions, run
from replay.setup import Setup
from units import ONE, BlockNumber, Netuid, Wei

pytestmark = [pytest.mark.anvil, pytest.mark.slow, pytest.mark.timeout(900)]

SEED = 1
WINNERS = Crowd(
    at_maximum_leverage=0.9,
    long=0.35,
    in_the_rush=0.95,
    rush_of_the_run=0.15,
    reducing=0.4,
    leaving=0.8,
)
THIN = (
    "vault.reserves=8",
    "vault.insurance=1",
    "vault.utilisation_max_bps=400000",
    "vault.breaker_bps=500000",
    "vault.bad_debt_pause_bps=500000",
    "market.exposure_max_bps=400000",
    "market.funding_interval_s=1200",
    "market.funding_cap_s=2400",
    "oracle.heartbeat_s=480",
)
"""A vault that winners outrun, and funding that is due three times an hour."""


@dataclass(slots=True)
class Seen:
    """Everything an engine reported."""

    events: dict[BlockNumber, tuple[BookEvent, ...]] = field(default_factory=dict)
    vaults: dict[BlockNumber, VaultRecord] = field(default_factory=dict)
    gas: Counter[Work] = field(default_factory=Counter)

    def take(self, observer: Observer, record: BlockRecord, vault: VaultRecord) -> None:
        self.events[record.head.number] = record.events
        self.vaults[record.head.number] = vault
        for spent in record.spent:
            self.gas[spent.work] += spent.gas
        observer.block(record, vault if observer.samples.is_due(record.head.number) else None)


def made() -> tuple[Configuration, Callable[[], Setup]]:
    """The configuration, and setups that are all the same: minds remember."""
    replay = open_replay(path=None, start=None, hours=1, seed=SEED)
    start = BlockNumber(replay.first + SET_UP_BLOCKS)
    configuration = configured(None, THIN, replay.tape, start)
    blocks = replay.blocks - SET_UP_BLOCKS - 1
    scene = Scene(
        tape=replay.tape,
        start=start,
        blocks=blocks,
        settings=configuration.settings,
        terms=configuration.beta.market,
    )

    def setup() -> Setup:
        plans = population(seed=SEED, count=60, netuids=scene.priced, blocks=blocks, crowd=WINNERS)
        return Setup(
            replay=replay,
            settings=configuration.settings,
            beta=configuration.beta,
            minds=[
                *(Mind(plan=plan) for plan in plans),
                *minds("3x-cluster", scene=scene, count=40, seed=SEED),
                *map(gambler, range(36)),
                *minds("arbitrageurs", scene=scene, count=0, seed=SEED),
            ],
            seed=SEED,
        )

    return configuration, setup


def gambler(index: int) -> Mind:
    """In the markets that crash and grind at the limit; most are short and take their gain."""
    is_short = index % 3 != 0
    plan = TraderPlan(
        netuid=Netuid(34 if index % 2 else 120),
        is_long=not is_short,
        margin=Wei((index % 5 + 1) * ONE // 2),
        leverage=3 * ONE,
        arrives=index,
        reduces_after=60 if index % 4 == 0 else None,
        leaves_after=200 if is_short else None,
        withdraws=is_short,
        comes_back_after=None,
        sleeps=False,
    )
    return Mind(plan=plan)


def observer(setup: Setup) -> Observer:
    policy = policies.warnings(setup.settings, setup.beta.warning_tiers_bps)
    return Observer(setup, policy, listed_markets(setup))


async def test_engines__the_same_input__come_to_the_same_to_the_wei(tmp_path: Path) -> None:
    configuration, setup = made()
    modelled, chained = Seen(), Seen()

    first = setup()
    model, model_observer = ModelEngine(first), observer(first)
    await model.run(lambda record: modelled.take(model_observer, record, model.vault()))

    second = setup()
    chain, chain_observer = ChainEngine(second, configuration, tmp_path), observer(second)

    async def take(record: BlockRecord) -> None:
        chained.take(chain_observer, record, await chain.vault())

    ended = await chain.run(take, lambda: False)

    for number, events in chained.events.items():
        assert modelled.events[number] == events, f"block {number - first.start}"
        assert modelled.vaults[number] == chained.vaults[number], f"block {number - first.start}"
    free = [model.exchange.accounts[holder].free for holder in first.holders]
    assert free == ended.free_balances
    assert model.traders.counts == ended.counts
    _same_figures(model_observer, chain_observer)
    _much_has_happened(model_observer, model.vault(), modelled)
    _gas_is_about_right(modelled.gas, chained.gas)


def _same_figures(model: Observer, chain: Observer) -> None:
    for each in (model, chain):
        each.feed.finish()
    assert model.fallen.falls == chain.fallen.falls
    assert model.fallen.verdict == chain.fallen.verdict
    assert model.feed.markets == chain.feed.markets
    assert model.warned == chain.warned
    assert model.funding == chain.funding


def _much_has_happened(seen: Observer, vault: VaultRecord, modelled: Seen) -> None:
    """Else the two agree on nothing."""
    assert seen.fallen.verdict.liquidations > 10
    assert vault.bad_debt > 0
    assert vault.bad_debt_uncovered > 0
    assert vault.claims > 0
    assert seen.warned.by_tier.total() > 5
    assert seen.funding.accruals > 1
    assert seen.feed.suspensions[SuspensionReason.JUMP] > 1
    assert {type(event).__name__ for events in modelled.events.values() for event in events} >= {
        "PositionChanged",
        "PositionClosed",
        "MarketResumed",
    }


def _gas_is_about_right(modelled: Counter[Work], chained: Counter[Work]) -> None:
    for work, gas in chained.items():
        assert abs(modelled[work] - gas) <= gas / 10, f"{work}: {modelled[work]}, chain {gas}"


async def test_summaries__of_both_engines__differ_in_gas_and_time_alone(tmp_path: Path) -> None:
    options = ReplayOptions(out=tmp_path / "model", hours=1, population="arbitrageurs", traders=20)

    in_process = await run(options, _ignored)
    on_chain = await run(replace(options, out=tmp_path / "chain", engine="chain"), _ignored)

    assert on_chain["arbitrageurs"]["count"] == 12
    assert on_chain["arbitrageurs"]["took_wei"] != 0
    for summary in (in_process, on_chain):
        assert summary.pop("wall_clock_s") > 0
        assert summary.pop("gas")["gas"] > 0
    assert (in_process.pop("engine"), on_chain.pop("engine")) == ("model", "chain")
    assert in_process == on_chain
    assert (tmp_path / "chain" / "report.html").exists()


def _ignored(done: int, total: int) -> None:
    del done, total

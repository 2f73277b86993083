"""Everything that a running process has beside its bots: schedule, health, metrics, an end."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

import structlog

from fleet.chain.failures import WrongChain
from fleet.runtime.clock import Clock
from fleet.runtime.health import Health
from fleet.runtime.loop import LoopPolicy
from fleet.runtime.refusal import StartRefusedError
from fleet.runtime.schedule import Periodic, schedule
from fleet.runtime.server import server
from fleet.runtime.service import Service
from fleet.runtime.supervisor import Supervisor
from fleet.settings import Settings
from fleet.settings.problems import SettingsError
from fleet.store.engine import StoreError
from fleet.telemetry.instruments import UNKNOWN
from fleet.telemetry.metrics import Metrics
from fleet.telemetry.redaction import redact
from fleet.transactions.journal import Fenced, JournalConflict
from fleet.wiring.bots import Alarms, Crew, bots
from fleet.wiring.facts import BotName
from fleet.wiring.observer import Observer
from fleet.wiring.policies import is_lockstep
from fleet.wiring.rhythm import Rhythm
from fleet.wiring.speaking import VERSION
from fleet.wiring.standing import Standing
from fleet.wiring.tenure import Tenure
from units import Seconds

_log = structlog.stdlib.get_logger("fleet")

HEARTBEAT = Seconds(30)
FUNDING = Seconds(60)
RECONCILIATION = Seconds(600)
RETENTION = Seconds(60)

PERMANENT = (WrongChain, StoreError, SettingsError, JournalConflict, StartRefusedError, Fenced)
"""Errors that trying again cannot cure: another chain, another world's store, a second sender."""


def supervisor(
    names: Iterable[BotName],
    *,
    settings: Settings,
    crew: Crew,
    rhythm: Rhythm,
    clock: Clock,
    metrics: Metrics,
    services: Sequence[Service],
    drain: Callable[[], Awaitable[None]],
    tenure: Tenure | None = None,
) -> Supervisor:
    """The bots of a process with all that keeps them going, and further `services`.

    They begin when `tenure` leads; without one nothing is sent, so at once.
    """
    alarms = Alarms()
    health = Health(
        clock=clock,
        age_s_max=settings.runtime.loop_age_s_max,
        head_age_s=rhythm.head_age_s,
    )
    in_step = is_lockstep(settings)
    stands_by = tenure is not None and not in_step
    chosen = tuple(bots(names, crew, rhythm, alarms, clock, stands_by=stands_by))
    _heed_first_prices(frozenset(names), settings, crew)
    _say_started(names, settings, crew)
    metrics.chain.head_age(rhythm.head_age_s)
    _show_policy(settings, metrics)
    if tenure is not None:
        tenure.watched_by(health)
        metrics.transactions.leading(lambda: tenure.is_leading)
        metrics.store.silence(lambda: tenure.silent_s if tenure.is_leading else UNKNOWN)
    for bot in chosen:
        metrics.loops.track(bot.name, partial(health.loop_age, bot.name))
    return Supervisor(
        bots=chosen,
        policy=_loop_policy(settings),
        clock=clock,
        health=health,
        observer=Observer(metrics),
        grace_s=settings.runtime.grace_s,
        drain=drain,
        admission=None if tenure is None else tenure.lead,
        gate=None if in_step else tenure,
        services=(
            *rhythm.services,
            *services,
            *_scheduled(settings, alarms),
            *_served(settings, health, metrics, _standing(settings, crew, tenure)),
        ),
    )


def _heed_first_prices(names: frozenset[BotName], settings: Settings, crew: Crew) -> None:
    """Without a router a push carries nobody, so there is nothing to leave to it."""
    feeder = crew.feeder
    if BotName.FEEDER in names:
        crew.liquidator.heed(lambda: feeder.unconfirmed)
    elif settings.contracts.keeper_router is not None:
        crew.liquidator.heed(None)


def _say_started(names: Iterable[BotName], settings: Settings, crew: Crew) -> None:
    """The first line of every process: a quiet world gives no other for minutes."""
    _log.info(
        "started",
        version=VERSION,
        network=settings.network.name,
        bots=sorted(name.value for name in names),
        account=None if crew.sender is None else crew.sender.account,
        listen=settings.telemetry.listen,
    )


def _show_policy(settings: Settings, metrics: Metrics) -> None:
    """What rules and dashboards measure by is what the operator has set, not a copy of it."""
    metrics.feeder.policy(
        heartbeat_s=settings.oracle.heartbeat_s,
        trading_age_s_max=settings.exchange.trading_price_age_s_max,
    )
    metrics.transactions.policy(
        balance_tao_min=settings.transactions.balance_low_tao,
        drill_tao_hour=settings.transactions.drill_mtao_hour / 1_000,
    )


def _loop_policy(settings: Settings) -> LoopPolicy:
    runtime, in_step = settings.runtime, is_lockstep(settings)
    return LoopPolicy(
        pause_s_min=runtime.backoff_s_min,
        pause_s_max=runtime.backoff_s_max,
        retries=not in_step,
        step_s_max=None if in_step else LoopPolicy().step_s_max,
        permanent=PERMANENT,
    )


def periodics(alarms: Alarms) -> tuple[Periodic, ...]:
    """What rings which alarm, and how often."""
    return (
        Periodic(name="price heartbeat", every=HEARTBEAT, alarm=alarms.heartbeat),
        Periodic(name="funding calendar", every=FUNDING, alarm=alarms.funding),
        Periodic(name="reconciliation", every=RECONCILIATION, alarm=alarms.reconciliation),
        Periodic(name="retention", every=RETENTION, alarm=alarms.retention),
    )


def _scheduled(settings: Settings, alarms: Alarms) -> tuple[Service, ...]:
    """Wakes by the wall clock; none in lock-step, where only the chain's time counts."""
    if is_lockstep(settings):
        return ()
    return (schedule(periodics(alarms)),)


def _standing(settings: Settings, crew: Crew, tenure: Tenure | None) -> Standing:
    return Standing(
        version=VERSION,
        network=settings.network.name,
        account=None if crew.sender is None else crew.sender.account,
        tenure=tenure,
    )


def _served(
    settings: Settings, health: Health, metrics: Metrics, standing: Standing
) -> tuple[Service, ...]:
    listen = settings.telemetry.listen
    if listen is None:
        return ()
    return (
        server(
            listen=listen,
            health=health,
            registry=metrics.registry,
            redact=redact,
            status=standing,
        ),
    )

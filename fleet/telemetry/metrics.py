"""Every number the fleet shows, in one registry that is made here and handed around.

One recorder a part of the fleet; each takes plain numbers and texts, so that nothing here knows
the values those parts work with. The wiring makes one `Metrics` and gives each its recorder.
"""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Info, ProcessCollector

from fleet.telemetry.bot_metrics import (
    FeederMetrics,
    FundingMetrics,
    LiquidationMetrics,
    WarningsMetrics,
)
from fleet.telemetry.chain_metrics import ChainMetrics, TransactionMetrics
from fleet.telemetry.instruments import PREFIX, Bounded, Instruments
from fleet.telemetry.store_metrics import StoreMetrics

_STEP_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 4, 8, 12, 24, 60)


class LoopMetrics:
    """The loops of the bots: how often they turn, how long it takes, how long ago it worked."""

    def __init__(self, registry: CollectorRegistry) -> None:
        make = Instruments(registry, "")
        self._steps = make.counter("steps", "Steps, by result.", ("bot", "result"))
        self._seconds = make.histogram(
            "step_seconds", "Duration of a step.", _STEP_SECONDS, ("bot",)
        )
        self._age = make.gauge(
            "loop_age_seconds", "Seconds since a bot last succeeded, or since it began.", ("bot",)
        )
        self._result = Bounded()

    def track(self, bot: str, age: Callable[[], float]) -> None:
        """Shows a bot's age; `age` (seconds) is asked at every scrape, so a dead loop ages."""
        self._age.labels(bot).set_function(age)

    def stepped(self, bot: str, *, result: str, seconds: float) -> None:
        """A step returned `result`, such as the name of its outcome's type."""
        self._steps.labels(bot, self._result(result)).inc()
        self._seconds.labels(bot).observe(seconds)

    def failed(self, bot: str) -> None:
        """A step raised."""
        self._steps.labels(bot, "failed").inc()


class Metrics:
    """All recorders over one registry.

    Args:
        version: of this program.
        network: the name of the network it works on.
    """

    def __init__(self, *, version: str, network: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(namespace=PREFIX, registry=self.registry)
        build = Info(f"{PREFIX}_build", "What runs here.", registry=self.registry)
        build.info({"version": version, "network": network})
        self.loops = LoopMetrics(self.registry)
        self.chain = ChainMetrics(self.registry)
        self.transactions = TransactionMetrics(self.registry)
        self.feeder = FeederMetrics(self.registry)
        self.liquidations = LiquidationMetrics(self.registry)
        self.funding = FundingMetrics(self.registry)
        self.warnings = WarningsMetrics(self.registry)
        self.store = StoreMetrics(self.registry)

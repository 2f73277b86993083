"""The store, as this process sees it."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry

from fleet.telemetry.instruments import UNKNOWN, Instruments


class StoreMetrics:
    """How large it is, and whether it answers."""

    def __init__(self, registry: CollectorRegistry) -> None:
        make = Instruments(registry, "store")
        self._bytes = make.gauge("bytes", "Disk that the store takes, by its database.")
        self._bytes.set(UNKNOWN)
        self._silence = make.gauge(
            "silence_seconds", "Since the store last confirmed the lease of a process that leads."
        )
        self._silence.set(UNKNOWN)

    def size(self, size_bytes: float) -> None:
        """It was measured."""
        self._bytes.set(size_bytes)

    def silence(self, answer: Callable[[], float]) -> None:
        """Shows for how long the store has been silent; asked at every scrape."""
        self._silence.set_function(answer)

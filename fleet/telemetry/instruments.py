"""What metrics are made of: one registry handed around, one prefix, labels that cannot run wild.

Base units everywhere: seconds, TAO, ratios; the unit is the end of the name. What is unknown is
NaN, never zero. Knows prometheus-client and nothing of the fleet.
"""

import math
from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from fleet.telemetry.redaction import redact_text
from units import BPS_ONE, ONE

PREFIX = "megatao"
OTHER = "other"
UNKNOWN = math.nan

_LABEL_VALUES_MAX = 64
_LABEL_CHARACTERS_MAX = 80


class Bounded:
    """Admits so many different values of a label; every later new one is `other`.

    A reason may quote a node's words: without a limit each wording would be a series for ever, and
    a secret among them would be read by whoever watches.
    """

    def __init__(self, values_max: int = _LABEL_VALUES_MAX) -> None:
        self._values_max = values_max
        self._admitted: set[str] = set()

    def __call__(self, value: object) -> str:
        """The label value to use for `value`."""
        text = redact_text(str(value))[:_LABEL_CHARACTERS_MAX]
        if text in self._admitted:
            return text
        if len(self._admitted) >= self._values_max:
            return OTHER
        self._admitted.add(text)
        return text


class Instruments:
    """Makes the metrics of one part of the fleet, all registered in one place."""

    def __init__(self, registry: CollectorRegistry, subsystem: str) -> None:
        self._registry = registry
        self._prefix = f"{PREFIX}_{subsystem}" if subsystem else PREFIX

    def counter(self, name: str, text: str, labels: Sequence[str] = ()) -> Counter:
        """Something that only grows; `_total` is added to its name."""
        return Counter(f"{self._prefix}_{name}", text, labels, registry=self._registry)

    def gauge(self, name: str, text: str, labels: Sequence[str] = ()) -> Gauge:
        """Something that stands where it stands now."""
        return Gauge(f"{self._prefix}_{name}", text, labels, registry=self._registry)

    def asked(self, name: str, text: str, answer: Callable[[], float]) -> None:
        """A gauge whose value is asked for whenever it is read, so that it ages by itself."""
        self.gauge(name, text).set_function(answer)

    def histogram(
        self, name: str, text: str, buckets: Sequence[float], labels: Sequence[str] = ()
    ) -> Histogram:
        """How something is distributed, with bucket bounds in its unit."""
        return Histogram(
            f"{self._prefix}_{name}", text, labels, registry=self._registry, buckets=buckets
        )


def or_unknown(value: float | None) -> float:
    """The value, or NaN when there is none: a missing price must not plot as zero."""
    return UNKNOWN if value is None else value


def tao(wei: int) -> float:
    """Wei as TAO; rounded, for watching only."""
    return wei / ONE


def ratio(bps: int) -> float:
    """Basis points as a ratio."""
    return bps / BPS_ONE

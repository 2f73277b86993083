"""Hears of every step: one canonical log line, the metrics, and what failed to Sentry."""

from typing import Any

import structlog

from fleet.runtime.loop import describe
from fleet.telemetry.errors import report
from fleet.telemetry.metrics import Metrics
from fleet.wiring.lines import is_quiet, line
from fleet.wiring.recording import Recorder
from units import Head

_log = structlog.stdlib.get_logger("step")


class Observer:
    """Implements `fleet.runtime.loop.StepObserver`."""

    def __init__(self, metrics: Metrics) -> None:
        self._loops = metrics.loops
        self._chain = metrics.chain
        self._recorder = Recorder(metrics)

    def succeeded(self, name: str, wake: Any, result: object, seconds: float) -> None:
        """Writes the line; a step that found nothing to do is for those who look closely."""
        self._loops.stepped(name, result=type(result).__name__, seconds=seconds)
        if isinstance(wake, Head):
            self._chain.head(number=wake.number, timestamp=wake.time)
        self._recorder.record(result)
        write = _log.debug if is_quiet(result) else _log.info
        write("step", bot=name, block=wake.number, seconds=round(seconds, 4), **line(result))

    def failed(self, name: str, wake: Any, error: Exception, failures: int) -> None:
        """Writes what failed; the first of a row goes to Sentry as well."""
        self._loops.failed(name)
        block = None if wake is None else wake.number
        _log.error("step_failed", bot=name, block=block, failures=failures, error=describe(error))
        if failures == 1:
            report(error, bot=name)

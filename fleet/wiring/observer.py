"""Hears of every step: one canonical log line, the metrics, and what failed to Sentry."""

from typing import Any

import structlog

from fleet.runtime.loop import describe
from fleet.telemetry.errors import report
from fleet.wiring.lines import is_quiet, line

_log = structlog.stdlib.get_logger("step")


class Observer:
    """Implements `fleet.runtime.loop.StepObserver`."""

    def succeeded(self, name: str, wake: Any, result: object, seconds: float) -> None:
        """Writes the line; a step that found nothing to do is for those who look closely."""
        write = _log.debug if is_quiet(result) else _log.info
        write("step", bot=name, block=wake.number, seconds=round(seconds, 4), **line(result))

    def failed(self, name: str, wake: Any, error: Exception, failures: int) -> None:
        """Writes what failed; the first of a row goes to Sentry as well."""
        block = None if wake is None else wake.number
        _log.error("step_failed", bot=name, block=block, failures=failures, error=describe(error))
        if failures == 1:
            report(error)

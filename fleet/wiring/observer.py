"""Hears of every step: one canonical log line, the metrics, and what failed to Sentry."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from fleet.chain.failures import ChainError
from fleet.runtime.loop import describe, leaves
from fleet.store.engine import StoreError
from fleet.telemetry.errors import report
from fleet.telemetry.metrics import Metrics
from fleet.wiring.lines import complaints, is_quiet, line
from fleet.wiring.recording import Recorder
from units import Head

FORESEEN = (ChainError, SQLAlchemyError, StoreError, TimeoutError, ConnectionError)
"""Others that are away: retried, counted, alerted by metrics; no defect of this program."""

_log = structlog.stdlib.get_logger("step")


class Observer:
    """Implements `fleet.runtime.loop.StepObserver`."""

    def __init__(self, metrics: Metrics) -> None:
        self._loops = metrics.loops
        self._chain = metrics.chain
        self._recorder = Recorder(metrics)
        self._complaints: dict[str, tuple[str, ...]] = {}

    def succeeded(self, name: str, wake: Any, result: object, seconds: float) -> None:
        """Writes the line; a step with nothing to do and to tell is for those who look closely."""
        self._loops.stepped(name, result=type(result).__name__, seconds=seconds)
        if isinstance(wake, Head):
            self._chain.head(number=wake.number, timestamp=wake.time)
        self._recorder.record(result)
        is_news = self._complains_anew(name, result)
        write = _log.debug if is_quiet(result) and not is_news else _log.info
        write("step", bot=name, block=wake.number, seconds=round(seconds, 4), **line(result))

    def _complains_anew(self, name: str, result: object) -> bool:
        """Whether a bot complains of something else than before, or of nothing any more."""
        found, before = complaints(result), self._complaints.get(name, ())
        if found is None or found == before:
            return False
        self._complaints[name] = found
        return True

    def failed(self, name: str, wake: Any, error: Exception, failures: int) -> None:
        """Writes what failed; the first of a row that nobody foresaw goes to Sentry as well."""
        self._loops.failed(name)
        block = None if wake is None else wake.number
        _log.error("step_failed", bot=name, block=block, failures=failures, error=describe(error))
        if failures == 1 and not isinstance(error, FORESEEN):
            report(error, bot=name)


@contextmanager
def fatal_reported() -> Iterator[None]:
    """What a running process dies of is reported, whatever it is; an orderly end is not."""
    try:
        yield
    except ExceptionGroup as group:
        for error in leaves(group):
            report(error, kind="fatal")
        raise

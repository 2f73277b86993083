"""Who hears of a step: the log, the metrics, Sentry."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from fleet.telemetry.metrics import Metrics
from fleet.wiring.observer import Observer
from fleet.wiring.rhythm import FeederWake
from tests.unit.fleet.runtime.streams import head
from tests.unit.fleet.wiring.outcomes import EVERY, HEAD
from tests.unit.oracle.simulated import source_head
from units import BlockNumber


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(version="0.1.0", network="devnet")


@pytest.fixture
def observer(metrics: Metrics) -> Observer:
    return Observer(metrics)


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    structlog.reset_defaults()
    with capture_logs() as captured:
        yield captured


def read(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"megatao_{name}", labels)


@pytest.mark.parametrize("name", EVERY)
def test_succeeded__any_outcome__is_one_line_and_one_step(
    observer: Observer, metrics: Metrics, lines: list[Any], name: str
) -> None:
    outcome = EVERY[name]

    observer.succeeded("a bot", HEAD, outcome, 0.25)

    (line,) = lines
    assert (line["event"], line["bot"], line["block"]) == ("step", "a bot", 100)
    kind = type(outcome).__name__
    assert read(metrics, "steps_total", bot="a bot", result=kind) == 1
    assert read(metrics, "step_seconds_sum", bot="a bot") == 0.25


def test_succeeded__nothing_to_do__is_for_those_who_look_closely(
    observer: Observer, lines: list[Any]
) -> None:
    observer.succeeded("feeder", HEAD, EVERY["quiet feed"], 0.1)
    observer.succeeded("feeder", HEAD, EVERY["push"], 0.1)

    assert [line["log_level"] for line in lines] == ["debug", "info"]


def test_succeeded__a_complaint_that_lasts__is_news_when_it_begins_and_when_it_ends(
    observer: Observer, lines: list[Any]
) -> None:
    for name in ("quiet feed", "alarmed feed", "alarmed feed", "unread feed", "alarmed feed"):
        observer.succeeded("feeder", HEAD, EVERY[name], 0.1)
    observer.succeeded("feeder", HEAD, EVERY["quiet feed"], 0.1)

    assert [line["log_level"] for line in lines] == [
        *("debug", "info", "debug"),
        *("info", "debug", "info"),  # what could not be read ends no complaint
    ]


def test_succeeded__woken_by_a_block__shows_it_as_the_head_without_any_key(
    observer: Observer, metrics: Metrics
) -> None:
    observer.succeeded("warnings", head(7), EVERY["quiet warnings"], 0.1)
    assert read(metrics, "head_block") == 7
    assert read(metrics, "head_timestamp_seconds") == 84

    wake = FeederWake(number=BlockNumber(5), finalized=source_head(5))
    observer.succeeded("feeder", wake, EVERY["quiet feed"], 0.1)
    assert read(metrics, "head_block") == 7


def test_failed__a_step_or_a_stream__is_a_line_and_a_count(
    observer: Observer, metrics: Metrics, lines: list[Any]
) -> None:
    observer.failed("feeder", head(7), OSError("down"), 1)
    observer.failed("feeder", None, OSError("cut off"), 2)

    assert [(line["block"], line["error"], line["failures"]) for line in lines] == [
        (7, "OSError: down", 1),
        (None, "OSError: cut off", 2),
    ]
    assert {logging.getLevelNamesMapping()[line["log_level"].upper()] for line in lines} == {40}
    assert read(metrics, "steps_total", bot="feeder", result="failed") == 2

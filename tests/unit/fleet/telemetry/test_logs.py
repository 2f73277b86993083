import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from fleet.telemetry.logs import LogFormat, configure


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    stream = io.StringIO()
    yield stream
    structlog.reset_defaults()
    root.setLevel(before[0])
    root.handlers[:] = before[1]


def _fail() -> None:
    local = "hunter" + "2"  # in no source line as a whole
    raise OSError(f"https://operator:{local}@node is down")


def lines(output: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


def test_configure__json__one_object_a_line_with_what_is_bound(output: io.StringIO) -> None:
    configure(style=LogFormat.JSON, level="info", stream=output)

    with structlog.contextvars.bound_contextvars(bot="feeder"):
        structlog.stdlib.get_logger("step").info("step", seconds=0.1235, pushed={"8": "17"})

    (line,) = lines(output)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "step",
        "logger": "step",
        "level": "info",
        "bot": "feeder",
        "seconds": 0.1235,
        "pushed": {"8": "17"},
    }


def test_configure__console__readable_text(output: io.StringIO) -> None:
    configure(style=LogFormat.CONSOLE, level="info", stream=output)

    structlog.get_logger("x").info("price pushed", netuid=8)

    assert "price pushed" in output.getvalue()
    assert "netuid=8" in output.getvalue()


def test_configure__level__less_is_not_written(output: io.StringIO) -> None:
    configure(style=LogFormat.JSON, level="warning", stream=output)

    structlog.get_logger("x").info("quiet")
    structlog.get_logger("x").warning("loud")

    assert [line["event"] for line in lines(output)] == ["loud"]


def test_configure__unknown_level__refused() -> None:
    with pytest.raises(ValueError, match="no such log level: chatty"):
        configure(style=LogFormat.JSON, level="chatty", stream=io.StringIO())


@pytest.mark.parametrize("style", list(LogFormat))
def test_logs__secrets_from_anywhere__never_written(style: LogFormat, output: io.StringIO) -> None:
    configure(style=style, level="debug", stream=output)
    log = structlog.get_logger("x")

    log.info("starting", private_key="0x" + "4c" * 32, url="https://operator:hunter2@node")
    logging.getLogger("library").warning("cannot reach %s", "https://operator:hunter2@node")
    try:
        _fail()
    except OSError:
        log.exception("failed")

    assert "hunter2" not in output.getvalue()
    assert "4c4c" not in output.getvalue()
    assert "is down" in output.getvalue()


def test_configure__libraries__only_their_warnings(output: io.StringIO) -> None:
    configure(style=LogFormat.JSON, level="info", stream=output)

    logging.getLogger("apscheduler.scheduler").info("job added")
    logging.getLogger("apprise").warning("not delivered")

    assert [line["event"] for line in lines(output)] == ["not delivered"]

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pytest
import structlog

from fleet.telemetry.fields import outcome_fields, plain
from fleet.telemetry.logs import LogFormat, configure, in_step, log_step
from units import BlockNumber


class Reason(StrEnum):
    QUIET = "nothing moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    netuid: int
    price: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    reason: Reason
    id: bytes
    updates: tuple[Inner, ...]
    event: str = "taken name"


HELD = Held(reason=Reason.QUIET, id=b"\x01\x02", updates=(Inner(netuid=8, price=10**18),))


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


def test_log_step__json__one_line_with_everything(output: io.StringIO) -> None:
    configure(style=LogFormat.JSON, level="info", stream=output)

    with in_step(bot="feeder", block=BlockNumber(7)):
        log_step(HELD, seconds=0.12345)

    (line,) = lines(output)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "step",
        "logger": "step",
        "level": "info",
        "bot": "feeder",
        "block": 7,
        "seconds": 0.1235,
        "outcome": "Held",
        "reason": "nothing moved",
        "id": "0x0102",
        "updates": [{"type": "Inner", "netuid": 8, "price": "1000000000000000000"}],
        "outcome_event": "taken name",
    }


def test_in_step__left__its_fields_are_gone(output: io.StringIO) -> None:
    configure(style=LogFormat.JSON, level="info", stream=output)
    with in_step(bot="feeder", block=BlockNumber(7)):
        pass

    structlog.get_logger("later").info("something")

    assert "bot" not in lines(output)[0]


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


def test_plain__long_collections__cut_with_the_number_left_out() -> None:
    many = plain({"a": list(range(25)), "b": {n: n for n in range(22)}})

    assert many["a"][-2:] == [19, "and 5 more"]
    assert many["b"]["more"] == 2


def test_plain__key_of_several_parts__one_name() -> None:
    assert plain({Inner(netuid=8, price=1): 2}) == {"8-1": 2}


def test_plain__sets__in_a_stable_order() -> None:
    assert plain(frozenset({"b", "a"})) == ["a", "b"]


def test_outcome_fields__not_a_dataclass__type_and_value() -> None:
    assert outcome_fields(None) == {"outcome": "NoneType", "value": None}
    assert outcome_fields((1, 2)) == {"outcome": "tuple", "value": [1, 2]}

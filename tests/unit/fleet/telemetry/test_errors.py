import json
import logging
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from fleet.telemetry.errors import ErrorPolicy, report, start

KEY = "0x" + "4c" * 32
POLICY = ErrorPolicy(
    dsn="https://public@sentry.invalid/1", environment="devnet", release="keepers@0.1.0"
)


class Recorder(Transport):
    """Keeps what would have been sent."""

    sent: ClassVar[list[dict[str, Any]]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        event = envelope.get_event()
        assert event is not None
        self.sent.append(dict(event))


@pytest.fixture(autouse=True)
def _quiet_afterwards() -> Iterator[None]:
    Recorder.sent.clear()
    yield
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)
    sentry_sdk.get_isolation_scope().clear()


def _fail() -> None:
    private_key = KEY  # noqa: F841 - a local that must not leave the process
    raise OSError("https://operator:hunter2@node refused password=swordfish")


def test_start__no_dsn__nothing_is_reported() -> None:
    is_on = start(ErrorPolicy(dsn=None, environment="devnet", release="1"), transport=Recorder)

    report(ValueError("x"))

    assert (is_on, Recorder.sent) == (False, [])


def test_report__an_error__arrives_with_its_bot_and_world() -> None:
    assert start(POLICY, transport=Recorder)

    try:
        _fail()
    except OSError as error:
        report(error, bot="feeder")

    (event,) = Recorder.sent
    assert event["tags"] == {"bot": "feeder"}
    assert (event["environment"], event["release"]) == ("devnet", "keepers@0.1.0")
    assert event["exception"]["values"][0]["type"] == "OSError"


def test_report__secrets_everywhere__none_leaves() -> None:
    start(POLICY, transport=Recorder)
    logging.getLogger("node").warning("connecting to wss://operator:hunter2@node")
    sentry_sdk.add_breadcrumb(message="key loaded", data={"private_key": KEY})
    sentry_sdk.set_context("settings", {"api_key": "hunter2", "rpc": "http://a:hunter2@node"})

    try:
        _fail()
    except OSError as error:
        report(error, bot="feeder")

    (event,) = Recorder.sent
    sent = json.dumps(event, default=str)
    assert "hunter2" not in sent
    assert "swordfish" not in sent
    assert "4c4c" not in sent
    assert "refused" in sent
    messages = [crumb.get("message") for crumb in event["breadcrumbs"]["values"]]
    assert messages == ["connecting to wss://***", "key loaded"]


def test_report__an_error__without_local_variables_or_source() -> None:
    start(POLICY, transport=Recorder)
    try:
        _fail()
    except OSError as error:
        report(error)

    frames = Recorder.sent[0]["exception"]["values"][0]["stacktrace"]["frames"]

    assert all("vars" not in frame and "context_line" not in frame for frame in frames)


def test_logs__a_line_at_level_error__is_no_report_by_itself() -> None:
    start(POLICY, transport=Recorder)

    logging.getLogger("alert").error("a position fell")

    assert Recorder.sent == []

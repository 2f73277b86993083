"""What holds for every test: unit tests open no sockets, and no skip goes unnoticed in CI."""

import faulthandler
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

SKIPS_ALLOWED = Path(__file__).with_name("skips_allowed.txt")
UNIT = Path(__file__).with_name("unit")

# how long an example takes says more about the machine than about the code
settings.register_profile("no clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no clock")

END_SECONDS_MAX = 120.0
"""For what a test that took too long does until it has ended."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--strict-skips",
        action="store_true",
        help=f"fail when a test is skipped that is not on {SKIPS_ALLOWED.name}",
    )


def _allowed_patterns() -> list[str]:
    lines = SKIPS_ALLOWED.read_text().splitlines()
    return [line.split("\t")[0] for line in lines if line.strip() and not line.startswith("#")]


class StrictSkips:
    """Collects the skipped tests and turns an unlisted one into a failed run."""

    def __init__(self) -> None:
        self._patterns = _allowed_patterns()
        self._unlisted: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not any(fnmatch(report.nodeid, p) for p in self._patterns):
            self._unlisted.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._unlisted.append(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._unlisted and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for nodeid in dict.fromkeys(self._unlisted):
            terminalreporter.write_line(f"skipped, and not on {SKIPS_ALLOWED.name}: {nodeid}")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--strict-skips") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(StrictSkips())


def _seconds_max(item: pytest.Item) -> float:
    """What pytest-timeout gives this test."""
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0] if marker is not None else item.config.getini("timeout"))


@contextmanager
def _ended_at_last(item: pytest.Item) -> Iterator[None]:
    """Ends the process where even the failure of a test that took too long comes to no end.

    Around each phase anew: pytest calls it off when a phase has failed.
    """
    faulthandler.dump_traceback_later(_seconds_max(item) + END_SECONDS_MAX, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    with _ended_at_last(item):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    with _ended_at_last(item):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    with _ended_at_last(item):
        return (yield)


@pytest.fixture(autouse=True)
def _no_sockets_in_unit_tests(request: pytest.FixtureRequest) -> None:
    if UNIT in request.path.parents:
        request.getfixturevalue("socket_disabled")

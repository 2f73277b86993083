"""Structured logs: JSON for machines, aligned text for people.

Everything goes through one formatter, the libraries' own records too, so that nothing is printed
past the redaction.
"""

import logging
from enum import StrEnum
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from fleet.telemetry.redaction import redact

_QUIET = (
    *("aiohttp", "aiosqlite", "alembic", "apprise", "apscheduler", "asyncpg", "sqlalchemy"),
    *("urllib3", "web3"),
)
"""Libraries of which only warnings are of use."""


class LogFormat(StrEnum):
    """How lines are written."""

    JSON = "json"
    CONSOLE = "console"


def configure(*, style: LogFormat, level: str, stream: TextIO) -> None:
    """Sends every log line of the process to `stream`; called once, before anything runs.

    Args:
        style: one JSON object a line, or aligned text.
        level: the least level written: debug, info, warning or error.
        stream: where to.

    Raises:
        ValueError: there is no such level.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"no such log level: {level}")
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(), processors=_rendering(style, has_colours=stream.isatty())
    )
    output = logging.StreamHandler(stream)
    output.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [output]
    root.setLevel(number)
    for library in _QUIET:
        logging.getLogger(library).setLevel(max(number, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _rendering(style: LogFormat, *, has_colours: bool) -> list[Processor]:
    # a traceback becomes values before the redaction, so that it is searched like the rest
    meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if style is LogFormat.JSON:
        traceback = structlog.processors.ExceptionRenderer(_TRACEBACK)
        return [meta, traceback, _redacted, structlog.processors.JSONRenderer()]
    console = structlog.dev.ConsoleRenderer(
        colors=has_colours, exception_formatter=structlog.dev.plain_traceback
    )
    return [meta, structlog.processors.format_exc_info, _redacted, console]


_TRACEBACK = structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=30)


def _redacted(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    clean: EventDict = redact(event)
    return clean

"""Starts logs and error reports as the operator wants them."""

import sys
from importlib.metadata import version

from fleet.settings import Settings
from fleet.settings.secrets import read_secret
from fleet.telemetry import errors, logs
from fleet.telemetry.errors import ErrorPolicy
from fleet.telemetry.logs import LogFormat

VERSION = version("megatao-keepers")


def speak(settings: Settings) -> None:
    """Logs to stderr, so that stdout is the command's alone; Sentry where a DSN is configured.

    Raises:
        SettingsError: the file of the DSN can't be read.
    """
    telemetry = settings.telemetry
    logs.configure(style=_style(settings), level=telemetry.log_level, stream=sys.stderr)
    dsn_file = telemetry.sentry_dsn_file
    policy = ErrorPolicy(
        dsn=None if dsn_file is None else read_secret(dsn_file),
        environment=settings.network.name,
        release=VERSION,
    )
    errors.start(policy)


def _style(settings: Settings) -> LogFormat:
    """What was asked for; otherwise lines for people on a terminal, for machines anywhere else."""
    wanted = settings.telemetry.log_format
    if wanted == "auto":
        return LogFormat.CONSOLE if sys.stderr.isatty() else LogFormat.JSON
    return LogFormat(wanted)

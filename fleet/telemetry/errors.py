"""Reports errors to Sentry, if and only if a DSN is configured, and never a secret with them.

Neither are local variables sent (a key or a raw transaction may be among them), nor addresses of
nodes and accounts. Knows no bot.
"""

import logging
from dataclasses import dataclass

import sentry_sdk
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.integrations.threading import ThreadingIntegration
from sentry_sdk.transport import Transport
from sentry_sdk.types import Breadcrumb, BreadcrumbHint, Event, Hint

from fleet.telemetry.redaction import anonymous, redact


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPolicy:
    """Where errors are reported and how the fleet names itself there.

    Attributes:
        dsn: Sentry's address for this project, a secret; None reports nothing.
        environment: The network, such as finney or devnet.
        release: The version of this program.
        breadcrumbs_max: Steps before the error that are sent with it; each is redacted.
    """

    dsn: str | None
    environment: str
    release: str
    breadcrumbs_max: int = 30


def start(policy: ErrorPolicy, transport: type[Transport] | None = None) -> bool:
    """Begins to report; called once, before the bots run.

    Args:
        policy: where to.
        transport: how events travel; Sentry's own when None.

    Returns:
        Whether anything is reported.
    """
    if policy.dsn is None:
        return False
    sentry_sdk.init(
        dsn=policy.dsn,
        environment=policy.environment,
        release=policy.release,
        transport=transport,
        before_send=_scrub,
        before_breadcrumb=_scrub_breadcrumb,
        max_breadcrumbs=policy.breadcrumbs_max,
        include_local_variables=False,
        include_source_context=False,
        default_integrations=False,
        auto_enabling_integrations=False,
        auto_session_tracking=False,
        integrations=[
            AtexitIntegration(callback=_quietly),
            DedupeIntegration(),
            ExcepthookIntegration(),
            # lines before an error go with it; a line alone is no error, also at level error
            LoggingIntegration(level=logging.INFO, event_level=None, sentry_logs_level=None),
            ThreadingIntegration(propagate_scope=False),
        ],
    )
    return True


def report(error: BaseException, **tags: str) -> None:
    """Sends an error with what it belongs to, such as bot="feeder"; nothing without a DSN."""
    with sentry_sdk.new_scope() as scope:
        for name, value in tags.items():
            scope.set_tag(name, value)
        scope.capture_exception(error)


def stop(timeout_s: float) -> None:
    """Waits up to `timeout_s` for what is still on its way; blocks, so call it last."""
    sentry_sdk.flush(timeout=timeout_s)


def _scrub(event: Event, _: Hint) -> Event:
    scrubbed: Event = anonymous(redact(dict(event)))
    scrubbed["fingerprint"] = _fingerprint(event)
    return scrubbed


def _scrub_breadcrumb(breadcrumb: Breadcrumb, _: BreadcrumbHint) -> Breadcrumb:
    scrubbed: Breadcrumb = anonymous(redact(breadcrumb))
    return scrubbed


def _fingerprint(event: Event) -> list[str]:
    """One group an error, a bot and a place: what differs from block to block is in the text."""
    values = event.get("exception", {}).get("values", [])
    if not values:
        return ["{{ default }}"]
    last = values[-1]
    frames = last.get("stacktrace", {}).get("frames", [])
    own = [frame for frame in frames if frame.get("in_app")] or frames
    where = own[-1] if own else {}
    place = f"{where.get('module')}.{where.get('function')}"
    return [str(last.get("type")), str(event.get("tags", {}).get("bot", "process")), place]


def _quietly(_: int, __: float) -> None:
    """Sentry would print how many events are pending."""

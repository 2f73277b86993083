"""The ways to reach people: the log, always, and whatever service Apprise speaks.

An Apprise address holds tokens and passwords, so it never leaves this module: a channel is known
by the service's name and a fingerprint.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence

import apprise
import structlog

from fleet.telemetry.messages import URGENCY, Message
from fleet.telemetry.notify import Channel, Delivered, Undelivered
from fleet.telemetry.redaction import redact_text

_log = structlog.stdlib.get_logger("alert")

_LEVELS = {"page": "error", "notify": "warning"}
_TYPES = {"page": apprise.NotifyType.FAILURE, "notify": apprise.NotifyType.WARNING}


class LogChannel:
    """Writes every message into the log."""

    name = "log"
    severities = frozenset(URGENCY)
    gathers = False

    async def send(self, message: Message) -> Delivered | Undelivered:
        """Logs the message; cannot fail."""
        write = getattr(_log, _LEVELS.get(message.severity, "info"))
        write(
            "alert",
            alert_id=message.id,
            severity=message.severity,
            title=message.title,
            text=message.body,
            block=message.block,
        )
        return Delivered()


class AppriseChannel:
    """One Apprise address for some severities.

    The alert's id is the last line of every message: whoever receives one twice can tell.
    """

    gathers = True

    def __init__(
        self, *, url: str, severities: frozenset[str], source: str, timeout_s: float
    ) -> None:
        """Prepares the service behind `url`, so that nothing is loaded while the bots run.

        Args:
            url: as Apprise takes it, such as json://host:port or tgram://token/chat.
            severities: what is sent there.
            source: stands before every title: which fleet speaks.
            timeout_s: wall-clock seconds after which a delivery counts as failed.

        Raises:
            ValueError: Apprise knows no such service; the text does not repeat the address.
        """
        scheme = url.partition("://")[0]
        self._service = apprise.Apprise()
        if not self._service.add(url):
            raise ValueError(f"Apprise cannot use the notification address {scheme}://…")
        self._source = source
        self._timeout_s = timeout_s
        self.name = f"{scheme}-{hashlib.sha256(url.encode()).hexdigest()[:12]}"
        self.severities = severities

    async def send(self, message: Message) -> Delivered | Undelivered:
        """Hands the message, without secrets, to the service and waits for its answer."""
        try:
            async with asyncio.timeout(self._timeout_s):
                was_taken = await self._service.async_notify(
                    title=f"[{self._source}] {redact_text(message.title)}",
                    body=f"{redact_text(message.body)}\n\n{message.severity} {message.id}",
                    notify_type=_TYPES.get(message.severity, apprise.NotifyType.INFO),
                )
        except TimeoutError:
            return Undelivered(reason=f"no answer within {self._timeout_s} s")
        return Delivered() if was_taken else Undelivered(reason="the service did not take it")


def addresses(text: str) -> dict[str, list[str]]:
    """Reads a list of notification addresses: severity → addresses.

    One address a line, empty lines and lines that begin with # aside, in the form of Apprise's
    own text configuration: `page,notify=tgram://token/chat`, or the address alone for every
    severity.

    Raises:
        ValueError: a line without an address; named by its number, not repeated.
    """
    found: dict[str, list[str]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        scheme, separator, rest = line.strip().partition("://")
        tags, _, service = scheme.rpartition("=")
        if not separator or not service:
            raise ValueError(f"line {number} of the notification addresses is none")
        for severity in (tag.strip() for tag in tags.split(",")) if tags else URGENCY:
            found.setdefault(severity, []).append(f"{service.strip()}://{rest}")
    return found


def channels(
    urls: Mapping[str, Sequence[str]], *, source: str, timeout_s: float = 15.0
) -> tuple[Channel, ...]:
    """The log, and one channel for every address of `urls` (severity → addresses).

    Raises:
        ValueError: an unknown severity, or an address that Apprise cannot use.
    """
    unknown = set(urls) - set(URGENCY)
    if unknown:
        raise ValueError(f"no such severity: {', '.join(sorted(unknown))}")
    addresses = dict.fromkeys(url for some in urls.values() for url in some)
    return (
        LogChannel(),
        *(
            AppriseChannel(
                url=url,
                severities=frozenset(severity for severity, some in urls.items() if url in some),
                source=source,
                timeout_s=timeout_s,
            )
            for url in addresses
        ),
    )

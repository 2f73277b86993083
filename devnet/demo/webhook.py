"""A webhook on this machine that the fleet's alerts are really delivered to, and counted.

Reads what Apprise's json:// sends: title and text, whose last line is `<severity> <id>`. The same
id counts once, however often it is delivered.
"""

import contextlib
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from aiohttp import web

_PATH = "/alerts"
_FALL = re.compile(r"(0x[0-9a-f]{32})-(\d+)-(\d+)-\d+")
_LIQUIDATED = re.compile(r"(0x[0-9a-f]{32})-(\d+)-liquidated")
_DIGEST_LINE = re.compile(r"(?:fell|was found) below (\d+)(?:\.(\d{2}))? %")
_DIGEST_REST = re.compile(r"and (\d+) more")
_BPS_A_PERCENT = 100


@dataclass(slots=True)
class Inbox:
    """Every alert that arrived.

    `falls` counts margin warnings by their deepest tier in bps, those in digests too, which
    `digested` counts alone. `deepest` and
    `liquidated` name the positions of alerts of their own as id#sequence.
    """

    url: str
    falls: Counter[int] = field(default_factory=Counter)
    deepest: dict[str, int] = field(default_factory=dict)
    liquidated: set[str] = field(default_factory=set)
    severities: Counter[str] = field(default_factory=Counter)
    digested: int = 0
    unreadable: int = 0
    deliveries: int = 0
    _seen: set[str] = field(default_factory=set)

    def take(self, text: str) -> None:
        """One delivery: the message's text."""
        self.deliveries += 1
        body, _, name = text.rstrip().rpartition("\n")
        severity, _, alert_id = name.partition(" ")
        if not alert_id:
            self.unreadable += 1
        elif alert_id not in self._seen:
            self._seen.add(alert_id)
            self.severities[severity] += 1
            self._note(severity, alert_id, body)

    def _note(self, severity: str, alert_id: str, body: str) -> None:
        fall, taken = _FALL.fullmatch(alert_id), _LIQUIDATED.fullmatch(alert_id)
        if fall is not None:
            name, tier = f"{fall[1]}#{fall[2]}", int(fall[3])
            self.falls[tier] += 1
            self.deepest[name] = min(tier, self.deepest.get(name, tier))
        elif taken is not None:
            self.liquidated.add(f"{taken[1]}#{taken[2]}")
        elif severity == "digest":
            lines = _digested(body)
            self.falls.update(lines)
            self.digested += lines.total()


def _digested(body: str) -> Counter[int]:
    """The tiers that a digest's lines are named after."""
    tiers = Counter(
        int(whole) * _BPS_A_PERCENT + int(hundredths or 0)
        for whole, hundredths in _DIGEST_LINE.findall(body)
    )
    rest = _DIGEST_REST.search(body)
    if rest is not None and tiers:
        tiers[max(tiers)] += int(rest[1])  # digests collect the highest tier only
    return tiers


@contextlib.asynccontextmanager
async def listening_webhook() -> AsyncIterator[Inbox]:
    """Takes alerts on a free port of this machine for the length of the block."""
    inbox = Inbox(url="")

    async def take(request: web.Request) -> web.Response:
        try:
            message = json.loads(await request.read())["message"]
        except (ValueError, KeyError, TypeError):
            inbox.unreadable += 1
            return web.Response(status=400)
        inbox.take(str(message))
        return web.Response()

    application = web.Application()
    application.router.add_post(_PATH, take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        _, port = runner.addresses[0][:2]
        inbox.url = f"json://127.0.0.1:{port}{_PATH}"
        yield inbox
    finally:
        await runner.cleanup()

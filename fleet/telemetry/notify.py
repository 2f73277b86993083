"""Brings the outbox to people: every message to every channel of its severity, at least once.

A message is marked only after its channel took it, so a crash in between delivers it again with
the same id. Channels are served side by side and each in order of urgency; a dead one costs one
attempt a round and holds up nobody. Knows nothing of what the messages are about.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from fleet.telemetry.messages import URGENCY, Message, Pending
from fleet.telemetry.storms import Group, StormPolicy, groups, message_of
from units import Seconds, Timestamp

_log = structlog.stdlib.get_logger("notify")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The channel took it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """The channel did not take it, or nobody knows; `reason` is one line without secrets."""

    reason: str


class Channel(Protocol):
    """One way to reach people."""

    @property
    def name(self) -> str:
        """Stable over restarts, and no secret: deliveries are remembered under it."""
        ...

    @property
    def severities(self) -> frozenset[str]:
        """What it is for."""
        ...

    @property
    def gathers(self) -> bool:
        """Whether many messages at once are told with one; not so where all must stand."""
        ...

    async def send(self, message: Message) -> Delivered | Undelivered:
        """Delivers within a time of its own limit."""
        ...


class Outbox(Protocol):
    """The messages to deliver, and the memory of what was delivered where."""

    async def pending(
        self, channel: str, severities: frozenset[str], now: Timestamp, limit: int
    ) -> tuple[Pending, ...]:
        """What the channel should be given now, most urgent first, then oldest first."""
        ...

    async def close(self, group: Group, channel: str, now: Timestamp) -> None:
        """The channel is done with these messages: it took them, or is not asked again."""
        ...

    async def postpone(self, group: Group, channel: str, until: Timestamp) -> None:
        """The channel did not take them and is asked again from `until` on."""
        ...

    async def settle(self, channels: Mapping[str, frozenset[str]], now: Timestamp) -> int:
        """Settles messages with which every channel of their severity is done.

        Args:
            channels: severity → the names of its channels.
            now: when.

        Returns:
            How many messages are still open.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyPolicy:
    """Limits of delivery.

    Attributes:
        storms: When many messages become one.
        batch_max: Messages given to one channel in one round. 20: a round stays short.
        retry_s_min: Pause after the first failure; doubles with each.
        retry_s_max: Longest pause between two attempts. 300: so long at most a page waits for a
            channel that is back after an outage, however long that was.
        attempts_max: Attempts after which a channel is not asked again for a message. 600: about
            two days with the other defaults. The log has the message in any case.
    """

    storms: StormPolicy = field(default_factory=StormPolicy)
    batch_max: int = 20
    retry_s_min: Seconds = Seconds(5)
    retry_s_max: Seconds = Seconds(300)
    attempts_max: int = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round did, by channel. `still_open` counts messages that somebody still lacks."""

    delivered: Mapping[str, int]
    failed: Mapping[str, int]
    still_open: int


class Notifier:
    """Drains the outbox; one a store."""

    def __init__(
        self, *, outbox: Outbox, channels: Sequence[Channel], policy: NotifyPolicy
    ) -> None:
        """Takes the channels it serves.

        Raises:
            ValueError: two channels have one name.
        """
        names = [channel.name for channel in channels]
        if len(set(names)) != len(names):
            raise ValueError("two notification channels have the same name")
        self._outbox = outbox
        self._channels = tuple(channels)
        self._policy = policy
        self._storms: dict[tuple[str, str], Timestamp] = {}

    async def drain(self, now: Timestamp) -> Round:
        """One round over every channel; call it again and again, on a clock that never jumps."""
        async with asyncio.TaskGroup() as tasks:
            served = {
                channel.name: tasks.create_task(self._serve(channel, now))
                for channel in self._channels
            }
        done = {name: task.result() for name, task in served.items()}
        still_open = await self._outbox.settle(self._by_severity(), now)
        return Round(
            delivered={name: delivered for name, (delivered, _) in done.items()},
            failed={name: failed for name, (_, failed) in done.items()},
            still_open=still_open,
        )

    async def _serve(self, channel: Channel, now: Timestamp) -> tuple[int, int]:
        """Delivers until the first failure; returns how many were delivered and failed."""
        told = 0
        for group in await self._waiting(channel, now):
            result = await channel.send(message_of(group, self._policy.storms))
            if isinstance(result, Undelivered):
                await self._failed(channel, group, result.reason, now)
                return told, 1
            await self._outbox.close(group, channel.name, now)
            told += len(group)
            if len(group) > 1:
                self._storms[channel.name, group[0].message.severity] = now
        return told, 0

    async def _waiting(self, channel: Channel, now: Timestamp) -> tuple[Group, ...]:
        storms = self._policy.storms
        limit = storms.read_max if channel.gathers else self._policy.batch_max
        pending = await self._outbox.pending(channel.name, channel.severities, now, limit)
        if not channel.gathers:
            return tuple((each,) for each in pending)
        told = {of: at for (name, of), at in self._storms.items() if name == channel.name}
        return groups(pending, told, now, storms)[: self._policy.batch_max]

    async def _failed(self, channel: Channel, group: Group, reason: str, now: Timestamp) -> None:
        """Gives up on those whose own attempts are used up, whatever they were told with."""
        last = self._policy.attempts_max - 1
        spent = tuple(each for each in group if each.attempts >= last)
        rest = tuple(each for each in group if each.attempts < last)
        if spent:
            await self._outbox.close(spent, channel.name, now)
            _log.error("notification_given_up", reason=reason, **_details(channel, spent))
        if rest:
            until = Timestamp(now + retry_pause(_attempts(rest), self._policy))
            await self._outbox.postpone(rest, channel.name, until)
            _log.warning("notification_failed", reason=reason, **_details(channel, rest))

    def _by_severity(self) -> dict[str, frozenset[str]]:
        return {
            severity: frozenset(c.name for c in self._channels if severity in c.severities)
            for severity in URGENCY
        }


def _attempts(group: Group) -> int:
    """With the one that has just failed."""
    return max(each.attempts for each in group) + 1


def _details(channel: Channel, group: Group) -> dict[str, object]:
    ids = group[0].message.id if len(group) == 1 else f"{len(group)} messages"
    return {"channel": channel.name, "alert_id": ids, "attempts": _attempts(group)}


def retry_pause(attempts: int, policy: NotifyPolicy) -> Seconds:
    """Seconds to wait after so many failures: doubling from the shortest to the longest pause."""
    doublings = min(attempts - 1, 32)  # past any sensible limit, and no giant integers
    return Seconds(min(policy.retry_s_min * 2**doublings, policy.retry_s_max))

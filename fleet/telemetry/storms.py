"""Many messages at once become one: the worst of them, and how many there are. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fleet.telemetry.messages import URGENCY, Message, Pending
from units import Seconds, Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class StormPolicy:
    """What counts as too many.

    Attributes:
        messages_max: Of one severity to one channel at once, each by itself. 10: what somebody
            who is woken still reads.
        quiet_s: Seconds after a storm for which further ones of its severity wait, to be one
            message again. 60: what a person needs to look.
        lines_max: Of the worst messages that are told in full.
        read_max: Messages that are looked at together, at most.
    """

    messages_max: int = 10
    quiet_s: Seconds = Seconds(60)
    lines_max: int = 10
    read_max: int = 10_000


Group = tuple[Pending, ...]
"""What is told with one message; never empty."""


def groups(
    pending: Sequence[Pending],
    storms: Mapping[str, Timestamp],
    now: Timestamp,
    policy: StormPolicy,
) -> tuple[Group, ...]:
    """How the pending messages are told now, most urgent first.

    Args:
        pending: of one channel, most urgent first.
        storms: when the last storm of a severity was told there.
        now: when.
        policy: what counts as too many.

    Returns:
        Each message by itself, or all of a severity together; those of a severity whose storm
        was told just now are left for later.
    """
    told: list[Group] = []
    for severity in URGENCY:
        own = tuple(each for each in pending if each.message.severity == severity)
        last = storms.get(severity)
        if last is not None and 0 <= now - last < policy.quiet_s:
            continue
        told += [own] if len(own) > policy.messages_max else [(each,) for each in own]
    return tuple(told)


def message_of(group: Group, policy: StormPolicy) -> Message:
    """The one message that tells a group; a group of one is that one."""
    if len(group) == 1:
        return group[0].message
    found = sorted((each.message for each in group), key=lambda message: message.rank)
    worst, rest = found[: policy.lines_max], len(found) - policy.lines_max
    lines = [message.body for message in worst]
    if rest > 0:
        lines.append(f"and {rest} more: all of them are in the log")
    return Message(
        id=f"storm-{_digest(group)}",
        severity=worst[0].severity,
        title=f"{len(found)} alerts at once, the worst: {worst[0].title}",
        body="\n".join(lines),
        block=max(message.block for message in found),
        created_at=max(message.created_at for message in found),
        rank=worst[0].rank,
    )


def _digest(group: Group) -> str:
    ids = "\n".join(sorted(each.message.id for each in group))
    return hashlib.sha256(ids.encode()).hexdigest()[:24]

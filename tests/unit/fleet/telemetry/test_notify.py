from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from fleet.telemetry.channels import LogChannel, addresses, channels
from fleet.telemetry.messages import URGENCY, Message, Pending
from fleet.telemetry.notify import (
    Channel,
    Delivered,
    Notifier,
    NotifyPolicy,
    Undelivered,
    retry_pause,
)
from fleet.telemetry.storms import Group
from units import BlockNumber, Seconds, Timestamp

NOW = Timestamp(1_700_000_000)
POLICY = NotifyPolicy()


def message(id_: str, severity: str = "notify") -> Message:
    return Message(
        id=id_,
        severity=severity,
        title=f"title of {id_}",
        body=f"body of {id_}",
        block=BlockNumber(7),
        created_at=NOW,
    )


@dataclass
class Memory:
    """An outbox that lives as long as the test."""

    messages: list[Message]
    closed: set[tuple[str, str]] = field(default_factory=set)
    settled: set[str] = field(default_factory=set)
    postponed: dict[tuple[str, str], tuple[int, Timestamp]] = field(default_factory=dict)

    async def pending(
        self, channel: str, severities: frozenset[str], now: Timestamp, limit: int
    ) -> tuple[Pending, ...]:
        found = []
        for one in sorted(self.messages, key=lambda m: URGENCY.index(m.severity)):
            attempts, until = self.postponed.get((one.id, channel), (0, now))
            is_open = one.id not in self.settled and (one.id, channel) not in self.closed
            if is_open and one.severity in severities and until <= now:
                found.append(Pending(message=one, attempts=attempts))
        return tuple(found[:limit])

    async def close(self, group: Group, channel: str, now: Timestamp) -> None:
        self.closed |= {(each.message.id, channel) for each in group}

    async def postpone(self, group: Group, channel: str, until: Timestamp) -> None:
        for each in group:
            self.postponed[each.message.id, channel] = (each.attempts + 1, until)

    async def settle(self, channels: Mapping[str, frozenset[str]], now: Timestamp) -> int:
        for one in self.messages:
            if all((one.id, name) in self.closed for name in channels[one.severity]):
                self.settled.add(one.id)
        return len(self.messages) - len(self.settled)


@dataclass
class Service:
    """A channel that takes everything but what it refuses."""

    name: str
    severities: frozenset[str] = frozenset(URGENCY)
    gathers: bool = False
    refuses: set[str] = field(default_factory=set)
    is_down: bool = False
    taken: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    asked: int = 0

    async def send(self, message: Message) -> Delivered | Undelivered:
        self.asked += 1
        if self.is_down or message.id in self.refuses:
            return Undelivered(reason="refused")
        self.taken.append(message.id)
        self.messages.append(message)
        return Delivered()


def notifier(memory: Memory, *services: Channel, policy: NotifyPolicy = POLICY) -> Notifier:
    return Notifier(outbox=memory, channels=services, policy=policy)


async def test_drain__several_channels__each_gets_its_severities_most_urgent_first() -> None:
    memory = Memory([message("a", "inform"), message("b", "page"), message("c", "digest")])
    everything, pages = Service("everything"), Service("pager", frozenset({"page"}))

    done = await notifier(memory, everything, pages).drain(NOW)

    assert (everything.taken, pages.taken) == (["b", "a", "c"], ["b"])
    assert done.still_open == 0


async def test_drain__again__nothing_is_sent_twice() -> None:
    memory, service = Memory([message("a")]), Service("one")
    bot = notifier(memory, service)

    await bot.drain(NOW)
    await bot.drain(NOW)

    assert service.taken == ["a"]


async def test_drain__one_channel_down__the_others_are_served_and_it_is_asked_once() -> None:
    memory = Memory([message("a"), message("b")])
    dead, alive = Service("dead", is_down=True), Service("alive")

    done = await notifier(memory, dead, alive).drain(NOW)

    assert (dead.asked, alive.taken) == (1, ["a", "b"])
    assert (done.failed, done.still_open) == ({"dead": 1, "alive": 0}, 2)


async def test_drain__back_after_a_while__delivers_what_was_missed() -> None:
    memory = Memory([message("a"), message("b")])
    service = Service("one", is_down=True)
    bot = notifier(memory, service)
    await bot.drain(NOW)
    service.is_down = False

    await bot.drain(Timestamp(NOW + POLICY.retry_s_min - 1))
    before = list(service.taken)
    await bot.drain(Timestamp(NOW + POLICY.retry_s_min))

    assert (before, service.taken) == (["b"], ["b", "a"])


@pytest.mark.parametrize("outage_s", [60, 3_600, 24 * 3_600])
async def test_drain__back_after_any_outage__all_is_delivered_within_five_minutes(
    outage_s: int,
) -> None:
    memory = Memory([message("a"), message("b"), message("c", "page")])
    service = Service("one", is_down=True)
    bot = notifier(memory, service)
    for second in range(0, outage_s, 5):
        await bot.drain(Timestamp(NOW + second))
    service.is_down = False

    for second in range(outage_s, outage_s + 301, 5):
        await bot.drain(Timestamp(NOW + second))

    assert sorted(service.taken) == ["a", "b", "c"]


async def test_drain__thousand_alerts_and_a_page_behind_them__the_page_is_next() -> None:
    memory = Memory([message(str(n), "notify") for n in range(1_000)])
    service = Service("one")
    bot = notifier(memory, service)
    await bot.drain(NOW)
    memory.messages.append(message("urgent", "page"))

    await bot.drain(NOW)
    rounds = 2
    while (await bot.drain(NOW)).still_open:
        rounds += 1

    assert service.taken[POLICY.batch_max] == "urgent"
    assert (len(service.taken), len(set(service.taken))) == (1_001, 1_001)
    assert rounds == 1_001 // POLICY.batch_max


async def test_drain__a_message_nobody_can_take__does_not_hold_up_the_others() -> None:
    memory = Memory([message("poison"), message("b"), message("c")])
    service = Service("one", refuses={"poison"})
    bot = notifier(memory, service)

    await bot.drain(NOW)
    await bot.drain(NOW)

    assert service.taken == ["b", "c"]


async def test_drain__attempts_used_up__given_up_with_an_error_in_the_log() -> None:
    memory, service = Memory([message("a")]), Service("one", is_down=True)
    bot = notifier(memory, service, policy=NotifyPolicy(attempts_max=3))

    with capture_logs() as lines:
        for day in range(6):
            done = await bot.drain(Timestamp(NOW + day * 86_400))

    assert service.asked == 3
    assert done.still_open == 0
    assert [line["event"] for line in lines] == ["notification_failed"] * 2 + [
        "notification_given_up"
    ]
    assert lines[-1]["log_level"] == "error"


async def test_drain__attempts_used_up_for_one_of_a_storm__the_others_are_still_told() -> None:
    memory = Memory([message(str(n)) for n in range(12)])
    memory.postponed["0", "one"] = (2, NOW)
    service = Service("one", gathers=True, is_down=True)
    bot = notifier(memory, service, policy=NotifyPolicy(attempts_max=3))

    with capture_logs() as lines:
        await bot.drain(NOW)
    assert [(line["event"], line["alert_id"]) for line in lines] == [
        ("notification_given_up", "0"),
        ("notification_failed", "11 messages"),
    ]

    service.is_down = False
    assert (await bot.drain(Timestamp(NOW + 300))).delivered == {"one": 11}


async def test_drain__more_than_a_batch__the_rest_follows() -> None:
    memory = Memory([message(str(n)) for n in range(5)])
    service = Service("one")
    bot = notifier(memory, service, policy=NotifyPolicy(batch_max=2))

    rounds = [(await bot.drain(NOW)).still_open for _ in range(3)]

    assert rounds == [3, 1, 0]


async def test_log_channel__any_message__stands_in_the_log_with_its_id() -> None:
    memory = Memory([message("a", "page"), message("b", "inform")])

    with capture_logs() as lines:
        await notifier(memory, LogChannel()).drain(NOW)

    assert [(line["alert_id"], line["log_level"]) for line in lines] == [
        ("a", "error"),
        ("b", "info"),
    ]


def test_notifier__two_channels_of_one_name__refused() -> None:
    with pytest.raises(ValueError, match="same name"):
        notifier(Memory([]), Service("one"), Service("one"))


def test_channels__no_address__the_log_alone() -> None:
    assert [type(one) for one in channels({}, source="devnet")] == [LogChannel]


def test_channels__one_address_for_two_severities__one_channel_that_hides_it() -> None:
    url = "json://user:secret@127.0.0.1:9/hook"
    found = channels({"page": [url], "notify": [url]}, source="devnet")

    assert [one.severities for one in found[1:]] == [frozenset({"page", "notify"})]
    assert found[1].name.startswith("json-")
    assert "secret" not in found[1].name
    assert found[1].name == channels({"page": [url]}, source="devnet")[1].name


def test_channels__address_apprise_cannot_use__refused_without_repeating_it() -> None:
    with pytest.raises(ValueError, match=r"cannot use the notification address nonsense://…$"):
        channels({"page": ["nonsense://token-12345"]}, source="devnet")


def test_channels__unknown_severity__refused() -> None:
    with pytest.raises(ValueError, match="no such severity: shout"):
        channels({"shout": []}, source="devnet")


def test_addresses__with_and_without_severities__each_where_it_belongs() -> None:
    text = """
    # the people on call
    page, notify = tgram://token/chat
    digest=mailto://user:pass@example.com?to=team

    json://127.0.0.1:9/hook
    """

    found = addresses(text)

    assert found["page"] == ["tgram://token/chat", "json://127.0.0.1:9/hook"]
    assert found["notify"] == found["page"]
    assert found["digest"] == [
        "mailto://user:pass@example.com?to=team",
        "json://127.0.0.1:9/hook",
    ]
    assert found["inform"] == ["json://127.0.0.1:9/hook"]


@pytest.mark.parametrize("line", ["secret-token", "page=", "page=://x"])
def test_addresses__a_line_that_is_none__named_by_its_number_only(line: str) -> None:
    with pytest.raises(ValueError, match=r"^line 2 of the notification addresses is none$"):
        addresses(f"json://127.0.0.1:9\n{line}")


@given(st.integers(1, 10**6))
def test_retry_pause__any_attempt__within_the_limits_and_never_shorter(attempts: int) -> None:
    policy = NotifyPolicy(retry_s_min=Seconds(3), retry_s_max=Seconds(100))

    pause = retry_pause(attempts, policy)

    assert 3 <= pause <= 100
    assert retry_pause(attempts + 1, policy) >= pause

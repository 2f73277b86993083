"""A thousand warnings in a minute are one message, and nothing of them is lost."""

import random

from hypothesis import given
from hypothesis import strategies as st

from fleet.telemetry.messages import URGENCY, Message, Pending
from fleet.telemetry.notify import Notifier, NotifyPolicy
from fleet.telemetry.storms import StormPolicy, groups, message_of
from tests.unit.fleet.telemetry.test_notify import NOW, Memory, Service
from units import BlockNumber, Timestamp

POLICY = StormPolicy()


def warning(number: int, severity: str = "notify") -> Message:
    return Message(
        id=f"{number}-2500-1",
        severity=severity,
        title=f"Margin below 25 % in market {number % 12}",
        body=f"ratio {number}",
        block=BlockNumber(number),
        created_at=Timestamp(NOW + number % 12),
        rank=number,
    )


def waiting(*messages: Message) -> list[Pending]:
    ordered = sorted(messages, key=lambda message: URGENCY.index(message.severity))
    return [Pending(message=each, attempts=0) for each in ordered]


def gathering(name: str = "pager") -> Service:
    return Service(name, gathers=True)


async def test_drain__a_thousand_at_once__one_message_with_the_worst_ten_and_the_rest_counted() -> (
    None
):
    numbers = list(range(1_000))
    random.Random(1).shuffle(numbers)
    memory, pager, log = Memory([warning(n) for n in numbers]), gathering(), Service("log")

    done = await Notifier(outbox=memory, channels=[pager, log], policy=NotifyPolicy()).drain(NOW)

    (sent,) = pager.messages
    assert sent.title == "1000 alerts at once, the worst: Margin below 25 % in market 0"
    assert sent.body.splitlines() == [
        *(f"ratio {n}" for n in range(10)),
        "and 990 more: all of them are in the log",
    ]
    assert done.delivered["pager"] == 1_000
    assert len(log.taken) == 20, "the log gets each by itself, round by round"


async def test_drain__a_storm_that_goes_on__is_one_message_a_minute_and_pages_come_through() -> (
    None
):
    memory, pager = Memory([warning(n) for n in range(200)]), gathering()
    bot = Notifier(outbox=memory, channels=[pager], policy=NotifyPolicy())
    await bot.drain(NOW)
    memory.messages += [warning(n) for n in range(200, 1_000)]
    memory.messages.append(warning(5_000, "page"))

    await bot.drain(Timestamp(NOW + 12))
    assert [message.severity for message in pager.messages] == ["notify", "page"]

    await bot.drain(Timestamp(NOW + 60))
    assert [message.title.split(" ")[0] for message in pager.messages[2:]] == ["800"]
    assert (await bot.drain(Timestamp(NOW + 120))).still_open == 0


async def test_drain__a_storm_nobody_takes__is_kept_and_told_later() -> None:
    memory, pager = Memory([warning(n) for n in range(50)]), gathering()
    bot = Notifier(outbox=memory, channels=[pager], policy=NotifyPolicy())
    pager.is_down = True
    await bot.drain(NOW)
    assert not memory.closed

    pager.is_down = False
    assert (await bot.drain(Timestamp(NOW + 5))).still_open == 0
    assert len(pager.messages) == 1


def test_message__of_one__is_that_one() -> None:
    (one,) = waiting(warning(3))

    assert message_of((one,), POLICY) is one.message


def test_message__of_the_same_ones__has_the_same_id_in_any_order() -> None:
    found = waiting(*(warning(n) for n in range(20)))

    assert message_of(tuple(found), POLICY).id == message_of(tuple(found[::-1]), POLICY).id
    assert message_of(tuple(found), POLICY).id != message_of(tuple(found[1:]), POLICY).id


@given(
    counts=st.fixed_dictionaries({severity: st.integers(0, 25) for severity in URGENCY}),
    ages=st.dictionaries(st.sampled_from(URGENCY), st.integers(-30, 130)),
)
def test_groups__each_message_is_told_once_or_waits_for_a_storm_s_end(
    counts: dict[str, int], ages: dict[str, int]
) -> None:
    pending = waiting(*(warning(n, s) for s, count in counts.items() for n in range(count)))
    storms = {severity: Timestamp(NOW - age) for severity, age in ages.items()}

    told = groups(pending, storms, NOW, POLICY)

    quiet = {severity for severity, age in ages.items() if 0 <= age < POLICY.quiet_s}
    assert [each for group in told for each in group] == [
        each for each in pending if each.message.severity not in quiet
    ]
    for group in told:
        assert len({each.message.severity for each in group}) == 1
        assert len(group) == 1 or len(group) > POLICY.messages_max

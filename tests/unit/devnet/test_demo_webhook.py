from devnet.demo.webhook import Inbox

POSITION = "0x" + "ab" * 16


def text(body: str, name: str) -> str:
    return f"{body}\n\n{name}"


def test_take__fall__counted_under_its_deepest_tier() -> None:
    inbox = Inbox(url="")
    inbox.take(text("Long position … fell below 20 %, through 25 %", f"page {POSITION}-1-2000-1"))
    assert inbox.falls == {2_000: 1}
    assert inbox.deepest == {f"{POSITION}#1": 2_000}
    assert inbox.severities == {"page": 1}


def test_take__same_alert_twice__counted_once_and_both_deliveries_known() -> None:
    inbox = Inbox(url="")
    for _ in range(2):
        inbox.take(text("fell below 25 %", f"notify {POSITION}-1-2500-1"))
    assert inbox.falls == {2_500: 1}
    assert inbox.deliveries == 2


def test_take__same_position_another_episode__another_warning() -> None:
    inbox = Inbox(url="")
    inbox.take(text("fell below 25 %", f"notify {POSITION}-1-2500-1"))
    inbox.take(text("fell below 25 %", f"notify {POSITION}-1-2500-2"))
    assert inbox.falls == {2_500: 2}


def test_take__falls_of_one_position__the_deepest_counts_whatever_came_last() -> None:
    inbox = Inbox(url="")
    for tier in (2_500, 2_000, 2_500):
        inbox.take(text("fell", f"notify {POSITION}-3-{tier}-{tier}"))
    inbox.take(text("fell below 25 %", f"notify {POSITION}-3-2500-9"))
    assert inbox.deepest == {f"{POSITION}#3": 2_000}


def test_take__digest__one_warning_a_line_and_those_left_out() -> None:
    inbox = Inbox(url="")
    lines = "Long position A fell below 35 %; margin ratio 34.10 %\n" * 3 + "and 4 more"
    inbox.take(text(lines, "digest digest-17-abc"))
    assert inbox.falls == {3_500: 7}
    assert inbox.digested == 7


def test_take__liquidation__no_margin_warning() -> None:
    inbox = Inbox(url="")
    inbox.take(text("Position … was liquidated", f"inform {POSITION}-1-liquidated"))
    assert inbox.falls == {}
    assert inbox.severities == {"inform": 1}
    assert inbox.liquidated == {f"{POSITION}#1"}


def test_take__message_without_an_id__counted_as_unreadable() -> None:
    inbox = Inbox(url="")
    inbox.take("hello")
    assert inbox.unreadable == 1

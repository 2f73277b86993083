"""Alerts on their way to people."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.chain.failures import NodeUnavailable
from fleet.settings import SettingsError
from fleet.telemetry.notify import Round
from fleet.wiring.telling import Telling, all_channels, told
from tests.unit.fleet.wiring.simulated import Wall, settings
from units import Timestamp

SEVERITIES = {"page", "notify", "inform", "digest"}


class Post:
    """An outbox of so many messages, of which `a_round` are taken in each round.

    `refused` stay behind: their channel does not take them.
    """

    def __init__(self, waiting: int, *, a_round: int = 20, refused: int = 0) -> None:
        self.waiting = waiting
        self.a_round = a_round
        self.refused = refused
        self.rounds: list[Timestamp] = []

    async def drain(self, now: Timestamp) -> Round:
        self.rounds.append(now)
        taken = min(self.a_round, self.waiting)
        self.waiting -= taken
        failed = 1 if self.refused else 0
        return Round(
            delivered={"log": taken, "tgram": 0},
            failed={"log": 0, "tgram": failed},
            still_open=self.waiting + self.refused,
        )


async def test_told__nothing_waits__is_over_after_one_look(wall: Wall) -> None:
    post = Post(0)

    assert await told(post, wall) == 0
    assert len(post.rounds) == 1


async def test_told__a_channel_takes_nothing__does_not_wait_for_it(wall: Wall) -> None:
    post = Post(0, refused=3)

    assert await told(post, wall) == 3
    assert len(post.rounds) == 1


@given(st.integers(0, 60), st.integers(1, 25), st.integers(0, 5))
async def test_told__any_outbox__delivers_all_that_can_be_and_ends(
    waiting: int, a_round: int, refused: int
) -> None:
    post = Post(waiting, a_round=a_round, refused=refused)

    assert await told(post, Wall()) == refused
    assert post.waiting == 0
    assert len(post.rounds) <= -(-waiting // a_round) + 1


class Opening:
    """Makes the notifier; `fails` so many times before."""

    def __init__(self, fails: int = 0) -> None:
        self.post = Post(25)
        self.fails = fails
        self.openings = 0

    async def __call__(self) -> Post:
        self.openings += 1
        if self.fails:
            self.fails -= 1
            raise NodeUnavailable("anvil: no answer")
        return self.post


async def test_telling__rounds_and_the_rest__share_one_notifier(wall: Wall) -> None:
    opened = Opening()
    telling = Telling(opened=opened, clock=wall)
    assert opened.openings == 0

    done = await telling.round()
    wall.advance(Timestamp(1_010))
    left = await telling.rest()

    assert (done.delivered["log"], left, opened.openings) == (20, 0, 1)
    assert opened.post.rounds == [1_000, 1_010]


async def test_telling__it_could_not_be_opened__is_opened_with_the_next_round(wall: Wall) -> None:
    telling = Telling(opened=Opening(fails=2), clock=wall)
    for _ in range(2):
        with pytest.raises(NodeUnavailable):
            await telling.round()

    assert (await telling.round()).delivered["log"] == 20


def written(folder: Path, text: str) -> dict[str, Any]:
    file = folder / "addresses"
    file.write_text(text)
    file.chmod(0o600)
    return {"notify_urls_file": str(file)}


def test_channels__no_address__is_the_log_for_everything() -> None:
    (log,) = all_channels(settings())

    assert log.name == "log"
    assert log.severities == SEVERITIES


def test_channels__addresses__each_for_its_severities(tmp_path: Path) -> None:
    text = "# people\npage,notify=json://localhost/one\n\njson://localhost/two\n"

    log, one, two = all_channels(settings(telemetry=written(tmp_path, text)))

    assert log.severities == two.severities == SEVERITIES
    assert one.severities == {"page", "notify"}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("nowhere\n", "line 1 of the notification addresses is none"),
        ("json://localhost/secret\nnobody://secret\n", "cannot use the notification address nobo"),
        ("loud=json://localhost/secret\n", "no such severity: loud"),
    ],
)
def test_channels__an_address_of_no_use__is_an_error_of_the_settings_without_its_secret(
    tmp_path: Path, text: str, what: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        all_channels(settings(telemetry=written(tmp_path, text)))

    said = str(raised.value)
    assert said.startswith(f"{tmp_path}/addresses: ")
    assert what in said
    assert "secret" not in said
    assert len(said.splitlines()) == 1

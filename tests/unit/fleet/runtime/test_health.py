import math

from fleet.runtime.clock import ChainClock
from fleet.runtime.health import Health
from units import Timestamp


def test_ready__before_the_first_success__is_not(clock: ChainClock, health: Health) -> None:
    assert not health.ready().is_well  # no bot at all is no health either
    health.register("feeder")
    health.began("feeder")
    health.failed("feeder", "NodeUnavailable: nobody answers")

    assert not health.ready().is_well
    assert health.ready().bots == {
        "feeder": "no success yet, 0 s after its start: NodeUnavailable: nobody answers"
    }
    assert health.alive().is_well


def test_ready__one_of_two_bots_without_success_for_too_long__is_not(
    clock: ChainClock, health: Health
) -> None:
    for name in ("feeder", "funding"):
        health.register(name)
        health.began(name)
        health.succeeded(name)
    assert health.ready().is_well

    clock.advance(Timestamp(1_181))
    health.began("feeder")
    health.succeeded("feeder")

    assert not health.ready().is_well
    assert health.ready().bots == {"feeder": "working", "funding": "no success for 181 s"}
    assert (health.loop_age("feeder"), health.loop_age("funding")) == (0, 181)


def test_ready__failures_after_a_success__count_until_the_next(
    clock: ChainClock, health: Health
) -> None:
    health.register("feeder")
    for _ in range(3):
        health.began("feeder")
        health.failed("feeder", "why")
    assert health.bots["feeder"].failures == 3

    health.began("feeder")
    health.succeeded("feeder")

    assert health.bots["feeder"].failures == 0
    assert health.ready().is_well


def test_alive__hanging_in_one_step__is_not(clock: ChainClock, health: Health) -> None:
    health.register("feeder")
    health.began("feeder")
    clock.advance(Timestamp(1_181))

    assert not health.alive().is_well
    assert health.alive().bots == {"feeder": "in one step for 181 s"}

    health.failed("feeder", "gave up")
    assert health.alive().is_well


class Watched:
    """A bot, probed every ten seconds, and the blocks that come or do not."""

    def __init__(self) -> None:
        self.clock = ChainClock(Timestamp(1_000))
        self.head_at = math.nan
        self.health = Health(
            clock=self.clock,
            age_s_max=180,
            head_age_s=lambda: self.clock.monotonic() - self.head_at,
        )
        self.health.register("feeder")
        self.stepped()

    def stepped(self) -> None:
        self.health.began("feeder")
        self.health.failed("feeder", "nobody answers")

    def passes(self, seconds: int, *, blocks: bool, steps: bool) -> list[bool]:
        """What the probes find meanwhile."""
        found = []
        for _ in range(seconds // 10):
            self.clock.advance(Timestamp(int(self.clock.monotonic()) + 10))
            if blocks:
                self.head_at = self.clock.monotonic()
            found.append(self.health.alive().is_well)
            if steps:
                self.stepped()
        return found


def test_alive__blocks_come_and_no_step_is_finished__is_not() -> None:
    world = Watched()
    assert all(world.passes(190, blocks=True, steps=False))
    assert not any(world.passes(30, blocks=True, steps=False))
    assert world.health.alive().bots == {
        "feeder": "no step though blocks come, for 210 s",
    }
    world.stepped()
    assert world.health.alive().is_well


def test_alive__no_step_because_no_block_comes__is_and_stays_so_when_they_come_again() -> None:
    world = Watched()
    world.passes(30, blocks=True, steps=True)
    assert all(world.passes(3_000, blocks=False, steps=False))
    assert all(world.passes(180, blocks=True, steps=False))
    assert all(world.passes(600, blocks=True, steps=True))


def test_alive__steps_that_fail__are_steps() -> None:
    assert all(Watched().passes(3_000, blocks=True, steps=True))


def test_alive__kept_from_acting_or_standing_by__is_and_the_time_does_not_count() -> None:
    world = Watched()
    world.health.hinder("the store is away")
    assert all(world.passes(3_000, blocks=True, steps=False))
    world.health.hinder("")
    assert all(world.passes(180, blocks=True, steps=False))
    world.health.stand_by("feeder", "standing by")
    assert all(world.passes(3_000, blocks=True, steps=False))


def test_ready__standing_by__is_well_and_does_not_age_until_it_begins(
    clock: ChainClock, health: Health
) -> None:
    health.register("feeder")
    health.stand_by("feeder", "standing by")
    clock.advance(Timestamp(9_000))

    assert health.ready().is_well
    assert health.ready().bots == {"feeder": "standing by"}
    assert math.isnan(health.loop_age("feeder"))

    health.register("feeder")

    assert health.ready().bots == {"feeder": "no success yet, 0 s after its start"}
    assert health.loop_age("feeder") == 0

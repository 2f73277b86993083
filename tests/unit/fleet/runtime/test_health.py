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

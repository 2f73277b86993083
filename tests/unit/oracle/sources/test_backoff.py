from oracle.sources.backoff import Backoff


def test_pause_s__failure_after_failure__doubles_up_to_the_limit() -> None:
    backoff = Backoff(first_s=0.5, max_s=3.0, chance=lambda: 1.0)
    assert [backoff.pause_s() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_pause_s__after_a_success__begins_anew() -> None:
    backoff = Backoff(first_s=0.5, max_s=3.0, chance=lambda: 1.0)
    backoff.pause_s()
    backoff.succeeded()
    assert backoff.pause_s() == 0.5


def test_pause_s__by_chance__lies_between_half_the_step_and_all_of_it() -> None:
    assert Backoff(first_s=1.0, max_s=3.0, chance=lambda: 0.0).pause_s() == 0.5
    assert Backoff(first_s=1.0, max_s=3.0, chance=lambda: 0.5).pause_s() == 0.75

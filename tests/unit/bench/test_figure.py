"""What is made of the samples."""

import pytest

from bench.figure import Figure, Series, percentile


@pytest.mark.parametrize(
    ("percent", "expected"), [(50, 5.0), (90, 9.0), (91, 10.0), (99, 10.0), (100, 10.0), (0, 1.0)]
)
def test_percentile__ten_samples__the_smallest_that_so_many_do_not_exceed(
    percent: int, expected: float
) -> None:
    samples = [10.0, 1.0, 9.0, 2.0, 8.0, 3.0, 7.0, 4.0, 6.0, 5.0]
    assert percentile(samples, percent) == expected


def test_ratio__run_for_run__not_that_of_the_medians() -> None:
    figure = Figure(
        name="speed",
        unit="ms",
        fleet=Series(runs=(1.0, 2.0, 30.0)),
        baseline=Series(runs=(10.0, 10.0, 100.0)),
        baseline_is="the other way",
    )
    assert figure.ratio.runs == (0.1, 0.2, 0.3)
    assert figure.as_json()["ratio"] == {
        "median": 0.2,
        "lowest": 0.1,
        "highest": 0.3,
        "runs": [0.1, 0.2, 0.3],
    }


def test_ratio__runs_that_do_not_pair__an_error() -> None:
    figure = Figure(
        name="speed",
        unit="ms",
        fleet=Series(runs=(1.0,)),
        baseline=Series(runs=(10.0, 10.0)),
        baseline_is="the other way",
    )
    with pytest.raises(ValueError, match="zip"):
        _ = figure.ratio

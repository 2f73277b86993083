"""A figure, and a benchmark that yields figures, as values.

A figure is never a number alone: it is several runs, each with the same work done by a baseline in
the same run. What a machine that is busy with something else does to one it does to the other; so
the ratio is the figure, and the numbers are its evidence.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

_PERCENT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One quantity, once a run."""

    runs: tuple[float, ...]

    @property
    def median(self) -> float:
        """The run in the middle."""
        return median(self.runs)

    def as_json(self) -> dict[str, Any]:
        """Median, spread and every run."""
        return {
            "median": _short(self.median),
            "lowest": _short(min(self.runs)),
            "highest": _short(max(self.runs)),
            "runs": [_short(run) for run in self.runs],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What was measured.

    Attributes:
        name: what it is, in a few words.
        unit: of both series.
        fleet: ours.
        baseline: the other way to do the same work, run for run.
        baseline_is: what that other way is.
        parts: where ours goes, in the same unit, as medians of the runs; may be empty.
    """

    name: str
    unit: str
    fleet: Series
    baseline: Series
    baseline_is: str
    parts: Mapping[str, float] = field(default_factory=dict)

    @property
    def ratio(self) -> Series:
        """Ours over the baseline, run for run."""
        pairs = zip(self.fleet.runs, self.baseline.runs, strict=True)
        return Series(runs=tuple(ours / theirs for ours, theirs in pairs))

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "name": self.name,
            "unit": self.unit,
            "fleet": self.fleet.as_json(),
            "baseline": self.baseline.as_json(),
            "baseline_is": self.baseline_is,
            "ratio": self.ratio.as_json(),
            "parts": {name: _short(value) for name, value in self.parts.items()},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much is measured: `runs` of every benchmark, with so many transactions or positions.

    `traders` take part in a drill over an hour of `tape` from `start` on (ISO 8601); without a tape
    the hour is made up.
    """

    runs: int = 5
    transactions: int = 200
    positions: int = 1_000_000
    traders: int = 300
    tape: Path | None = None
    start: str | None = None


Measure = Callable[[Scale, Callable[[], None]], Awaitable[Sequence[Figure]]]
"""Measures at a scale; calls the second argument after every run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One file of this package: a name for the progress bar, and what it measures."""

    name: str
    measure: Measure


def percentile(samples: Sequence[float], percent: int) -> float:
    """The smallest sample that so many percent of all do not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, -(-len(ordered) * percent // _PERCENT) - 1)]


def _short(value: float) -> float:
    return round(value, 4)

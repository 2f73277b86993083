"""Where a value stands on an axis, and which values are worth a label. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

_STEPS = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A range of values laid over a range of pixels; `is_log` by orders of magnitude."""

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    @classmethod
    def over(
        cls, values: Iterable[float], *, start: float, end: float, is_log: bool, from_zero: bool
    ) -> Self:
        """A scale that holds all finite values (positive ones only when `is_log`)."""
        usable = [each for each in values if math.isfinite(each) and (each > 0 or not is_log)]
        low, high = min(usable, default=1.0), max(usable, default=1.0)
        if from_zero and not is_log:
            low, high = min(low, 0.0), max(high, 0.0)
        if low == high:
            low, high = (low / 2, high * 2) if is_log else (low - 0.5, high + 0.5)
        return cls(low=low, high=high, start=start, end=end, is_log=is_log)

    def at(self, value: float) -> float:
        """The pixel of a value; one that a logarithm does not know stands at the low end."""
        if self.is_log:
            value = max(value, self.low)
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 2)

    def ticks(self, about: int, steps: Sequence[float] = ()) -> Sequence[float]:
        """Round values inside the range, about so many; at a distance of `steps` where one fits."""
        if self.is_log:
            return _log_ticks(self.low, self.high)
        fitting = (each for each in steps if (self.high - self.low) / each <= about)
        return self._multiples(next(fitting, None) or self._step(about))

    def _step(self, about: int) -> float:
        rough = (self.high - self.low) / about
        magnitude = 10.0 ** math.floor(math.log10(rough))
        return magnitude * min(each for each in _STEPS if magnitude * each >= rough * (1 - 1e-9))

    def _multiples(self, step: float) -> Sequence[float]:
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [index * step for index in range(first, last + 1)]


def _log_ticks(low: float, high: float) -> Sequence[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [10.0**power * step for power in powers for step in _STEPS[:3]]
    return [each for each in found if low * (1 - 1e-9) <= each <= high * (1 + 1e-9)]

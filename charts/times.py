"""An axis of time: Unix seconds as hours or days, with ticks where a clock has them."""

from datetime import UTC, datetime

from charts.drawing import Axis

_DAY = 86_400
_STEPS = (60, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, _DAY, 2 * _DAY)
_WEEKS = (7 * _DAY, 14 * _DAY, 28 * _DAY)


def time_axis(first: float, last: float) -> Axis:
    """The axis of a stretch of time, in UTC."""
    begins = datetime.fromtimestamp(first, UTC)
    if last - first <= _DAY:
        return Axis(label=f"{begins:%Y-%m-%d}, UTC", text=_hour, steps=_STEPS)
    if last - first <= 4 * _DAY:
        return Axis(label=f"{begins:%Y}, UTC", text=_day_and_hour, steps=_STEPS)
    return Axis(label=f"{begins:%Y}, UTC", text=_day, steps=(*_STEPS, *_WEEKS))


def _hour(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M}"


def _day_and_hour(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%m-%d %Hh}"


def _day(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%m-%d}"

"""Long work as a generator that pauses after every few milliseconds, done at once. Pure."""

from collections.abc import Generator
from typing import TypeVar

_Result = TypeVar("_Result")


def finished(work: Generator[None, None, _Result]) -> _Result:
    """The result of the work. Raises what it raises."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            result: _Result = done.value
            return result

"""How long to wait before trying again. Pure: chance is handed in."""

from collections.abc import Callable


class Backoff:
    """Doubling pauses with jitter, so that a fleet does not come back all at once."""

    def __init__(self, *, first_s: float, max_s: float, chance: Callable[[], float]) -> None:
        """`chance` gives numbers from 0 to 1 (`random.random`)."""
        self._first_s = first_s
        self._max_s = max_s
        self._chance = chance
        self._next_s = first_s

    def pause_s(self) -> float:
        """The next pause: between half of the present step and all of it."""
        step = self._next_s
        self._next_s = min(step * 2, self._max_s)
        return step * (0.5 + self._chance() / 2)

    def succeeded(self) -> None:
        """Begin with the first step again."""
        self._next_s = self._first_s

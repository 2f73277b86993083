"""What is news among the finalized heights that are said, and when there was some last. Pure."""

LAG_BLOCKS_MAX = 64
"""How far below what it said before an endpoint may fall for being slow: behind one address a node
that lags answers in turn with one that does not."""

_PASSED_MAX = 1_024


def replaces(said: int, before: int) -> bool:
    """Whether a height is news after another: above it, or so far below that one was never true.

    Nothing final is taken back. A height that nobody has, believed for ever because it was the
    highest once, would outlive every true one.
    """
    return said > before or said < before - LAG_BLOCKS_MAX


class Rise:
    """When a height was reached that never was before.

    Taken back and said again, as behind one address by a node that has stopped far below another,
    it is no rise: finality that stands must not look alive.
    """

    def __init__(self) -> None:
        self.risen_at: float | None = None
        self._height = -1
        self._passed: dict[int, None] = {}

    def note(self, number: int, held: int, now: float) -> None:
        """A height was said that counts.

        Args:
            number: the height.
            held: the highest that still counts; lower than before where that was taken back.
            now: monotonic seconds.
        """
        below = min(self._height, held)
        if number > below and number not in self._passed:
            self.risen_at = now
        if number > below:
            self._pass(below, number)
        self._height = max(below, number)

    def _pass(self, below: int, number: int) -> None:
        """A step of finality passes what is between; a leap says nothing of that."""
        is_step = number - below <= LAG_BLOCKS_MAX
        heights = range(below + 1, number + 1) if is_step else (number,)
        self._passed |= dict.fromkeys(heights)
        for height in list(self._passed)[:-_PASSED_MAX]:
            del self._passed[height]

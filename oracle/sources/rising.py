"""Which of two finalized heights of one endpoint is what it says now. Pure."""

LAG_BLOCKS_MAX = 64
"""How far below what it said before an endpoint may fall for being slow: behind one address a node
that lags answers in turn with one that does not."""


def replaces(said: int, before: int) -> bool:
    """Whether a height is news after another: above it, or so far below that one was never true.

    Nothing final is taken back. A height that nobody has, believed for ever because it was the
    highest once, would outlive every true one.
    """
    return said > before or said < before - LAG_BLOCKS_MAX

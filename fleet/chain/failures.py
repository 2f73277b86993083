"""What can go wrong between us and a node, as types: temporary with a delay, or final.

Everything here is a ChainError; whoever only wants to know "no answer" catches that.
"""

from collections.abc import Mapping, Sequence


class ChainError(Exception):
    """The node gave no usable answer; the text is one line without secrets."""


class NodeUnavailable(ChainError):  # noqa: N818 -- named after what happened
    """Temporary: nobody answered. Ask again after `retry_after_s` seconds, not before."""

    def __init__(self, message: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class AskedToWait(NodeUnavailable):
    """A node refuses by policy: too many requests. It is well, and not to be asked meanwhile."""


class NoAnswerInTime(NodeUnavailable):
    """The node was silent for as long as it may be: it is gone, or the question is too much."""


class RateUsedUp(NodeUnavailable):
    """Our own limit for a node held the request back; it says nothing about the node."""


class CannotAnswer(NodeUnavailable):
    """The node is well and cannot answer just this; another one may."""


class StateUnavailable(CannotAnswer):
    """The node has no state of that block: pruned away, or the node has not reached it."""


class NodesDisagree(NodeUnavailable):
    """Nodes that must agree do not; `said` is what each endpoint says, shortened."""

    def __init__(self, message: str, *, said: Mapping[str, str]) -> None:
        super().__init__(message)
        self.said = said


class CallReverted(ChainError):  # noqa: N818 -- named after what happened
    """The contract refused a call; `data` is what it returned, empty when it ran out of gas."""

    def __init__(self, data: bytes, message: str = "execution reverted") -> None:
        super().__init__(message)
        self.data = data


class RequestRejected(ChainError):  # noqa: N818 -- named after what happened
    """The node understood and said no; asking again gives the same answer."""

    def __init__(self, *, method: str, code: int, message: str, data: object = None) -> None:
        super().__init__(f"{method}: {message} ({code})")
        self.code = code
        self.message = message
        self.data = data


class WrongChain(ChainError):  # noqa: N818 -- named after what happened
    """A configured endpoint serves another chain."""


class LogsTooOld(CannotAnswer):
    """The range reaches back to where a pruned node answers "no logs" instead of refusing."""


class TooManyLogs(CannotAnswer):
    """One single block has more logs than the node is willing to return."""


_SHARED = (StateUnavailable, LogsTooOld, TooManyLogs, CannotAnswer, AskedToWait, RateUsedUp)


def gathered(
    failures: Sequence[NodeUnavailable | WrongChain], message: str | None = None
) -> NodeUnavailable | WrongChain:
    """One failure for all: of the type that they share, with the shortest delay.

    Args:
        failures: at least one.
        message: instead of what they say.
    """
    text = message or "; ".join(str(failure) for failure in failures)
    absences = [each for each in failures if isinstance(each, NodeUnavailable)]
    if not absences:
        return WrongChain(text)
    wait_s = min(failure.retry_after_s for failure in absences)
    shared = (kind for kind in _SHARED if all(isinstance(each, kind) for each in absences))
    return next(shared, NodeUnavailable)(text, retry_after_s=wait_s)

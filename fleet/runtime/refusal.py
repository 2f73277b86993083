"""Why a process must not start: a key whose lease somebody else holds, a store of another chain."""


class StartRefusedError(Exception):
    """The process must not start; the text is one line that says why and what to do."""

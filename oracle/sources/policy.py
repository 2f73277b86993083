"""How patient a source is. Pure values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePolicy:
    """Limits of one Subtensor endpoint; durations in seconds of wall-clock time.

    request_s_max: one request and its answer; opening a connection may take as long again. A
        block is 12 s, and a price that is late by one block is worth more than a fourth of a
        block of waiting.
    heads_gap_s_max: so long without a head, the subscription is taken for dead, also when its
        connection is not. More than three blocks, because finality comes in steps.
    backoff_s_first, backoff_s_max: pause before the subscription is set up again, doubling from
        one to the other. The reader needs none: it tries once a block.
    metadata_s_max: fetching a runtime's metadata and decoding it in a child process, which takes
        one to three seconds.
    upgrade_wait_s_max: how long a reading waits for a new runtime to be decoded before it goes
        out without identities. 0: prices do not wait. Lock-step sets it, so that a drill does not
        depend on how fast the machine is. The first runtime after a start is always waited for.
    """

    request_s_max: float = 4.0
    heads_gap_s_max: float = 60.0
    backoff_s_first: float = 0.5
    backoff_s_max: float = 30.0
    metadata_s_max: float = 30.0
    upgrade_wait_s_max: float = 0.0

"""What a process that stays asks of Python itself, so that nothing holds up its event loop.

The collector of reference cycles looks at everything there is now and then: 222 ms were measured
among the 188,000 objects of a feeder and its libraries, on a busy machine, once in sixty pushes.
Nearly all of them are there from the start, for good.

A thread that computes, such as one that judges a million positions for the warnings, gives way to
one that waits after 5 ms, and the way of a price waits a dozen times. On a busy machine a journal
write alone took 12 to 24 ms beside such a thread, and 3 to 8 with turns a tenth as long, in which
as much was computed.
"""

import gc
import sys

TURN_S = 0.0005
"""So long a thread computes while another one waits."""


def settle_in() -> None:
    """From now on the collector looks at what comes later only, and threads take short turns.

    Call it once, when all is built.
    """
    sys.setswitchinterval(TURN_S)
    gc.collect()
    gc.freeze()

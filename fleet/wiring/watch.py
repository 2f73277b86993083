"""Says when no block comes: the bots are silent then, because nothing wakes them.

Knows when the last head came and what its source complains of; decides nothing.
"""

import math
from typing import Protocol

import structlog

from fleet.runtime.clock import Clock
from fleet.runtime.service import Service
from units import Seconds

_log = structlog.stdlib.get_logger("heads")

LOOK_S = 2.0
"""Pause between two looks."""


class HeadState(Protocol):
    """How the heads of chain 964 come; `fleet.chain.heads.EthHeads` is one."""

    @property
    def problem(self) -> str | None:
        """What fails now, in one line; heads may come in another way."""
        ...

    def age_s(self) -> float | None:
        """Seconds since the newest head came; None before the first."""
        ...


def watching(heads: HeadState, clock: Clock, *, stall_s: Seconds) -> Service:
    """A service that writes a line when reading blocks begins to fail, and when it works again.

    And one every `stall_s` seconds without a new block, whatever the reason.
    """

    async def watch() -> None:
        started, was_well, said = clock.monotonic(), True, 0
        while True:
            problem, age = heads.problem, heads.age_s()
            if was_well and problem is not None:
                _log.warning("blocks_are_hard_to_read", problem=problem)
            elif problem is None and not was_well:
                _log.info("blocks_are_read_again")
            silence = clock.monotonic() - started if age is None else age
            stalls = math.floor(silence / stall_s)
            if stalls > said:
                _log.error("no_new_block", seconds=round(silence), problem=problem)
            was_well, said = problem is None, stalls
            await clock.sleep(LOOK_S)

    return watch

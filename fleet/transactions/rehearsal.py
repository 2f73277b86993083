"""Runs a whole transaction without sending it, and asks what it would have been good for.

Before its first sending, and again whenever what it was decided on may no longer hold: after a
reorganisation took it back, and after a restart.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from fleet.transactions.chain import Chain, Simulation
from fleet.transactions.request import Outcome, Refused, TransactionRequest
from units import Address, BlockNumber


class Judge(Protocol):
    """What the contracts' answers mean; `protocol/effects.py` knows the exchange's."""

    def pointless(self, request: TransactionRequest, result: bytes) -> str | None:
        """Why a call that returned this would do nothing; None when it would do something."""
        ...

    def had_effect(self, request: TransactionRequest, logs: Sequence[dict[str, Any]]) -> bool:
        """Whether a transaction that left these logs did something, or was not to blame."""
        ...

    def report(self, request: TransactionRequest, outcome: Outcome) -> str | None:
        """What became of a request, to be kept beside its record; None when it is not kept."""
        ...


class EverythingCounts:
    """The judge of contracts that are not known: what does not revert has done something."""

    def pointless(self, request: TransactionRequest, result: bytes) -> str | None:
        """See `Judge`."""
        del request, result
        return None

    def had_effect(self, request: TransactionRequest, logs: Sequence[dict[str, Any]]) -> bool:
        """See `Judge`."""
        del request, logs
        return True

    def report(self, request: TransactionRequest, outcome: Outcome) -> str | None:
        """See `Judge`."""
        del request, outcome
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What a simulation came to; `reason` is one line, empty when it is worth sending.

    `is_moot` tells the pointless one that leaves nothing undone from the one that reverts.
    """

    verdict: Literal["worth sending", "pointless", "unknown"]
    reason: str = ""
    is_moot: bool = False

    @property
    def refusal(self) -> Refused | None:
        """Why it is not sent; None when it is."""
        if self.verdict == "worth sending":
            return None
        return Refused(reason=self.reason, is_moot=self.is_moot)


class Rehearsal:
    """Simulations of one key's transactions."""

    def __init__(
        self,
        *,
        chain: Chain,
        account: Address,
        decode_revert: Callable[[bytes], str],
        judge: Judge,
    ) -> None:
        self._chain = chain
        self._account = account
        self._decode_revert = decode_revert
        self._judge = judge

    async def run(self, request: TransactionRequest, at: BlockNumber) -> Rehearsed:
        """Whether the whole transaction would be worth sending on top of a block."""
        found = await self._simulated(request, at)
        if found.outcome == "unknown":
            return Rehearsed(verdict="unknown", reason=f"it could not be simulated: {found.detail}")
        if found.outcome == "reverts":
            return Rehearsed(verdict="pointless", reason=self._revert(found))
        skipped = self._judge.pointless(request, found.data)
        if skipped is None:
            return Rehearsed(verdict="worth sending")
        return Rehearsed(verdict="pointless", reason=skipped, is_moot=True)

    @asynccontextmanager
    async def running(
        self, request: TransactionRequest, at: BlockNumber
    ) -> AsyncIterator[asyncio.Task[Rehearsed]]:
        """The same, while the body does something else; ended with the body."""
        task = asyncio.get_running_loop().create_task(self.run(request, at), name="rehearsal")
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def why_it_reverts(self, request: TransactionRequest, at: BlockNumber) -> str | None:
        """Why it reverts on top of a block; None: it does not there, or nobody can say."""
        found = await self._simulated(request, at)
        return self._revert(found) if found.outcome == "reverts" else None

    async def _simulated(self, request: TransactionRequest, at: BlockNumber) -> Simulation:
        return await self._chain.simulate(
            sender=self._account,
            to=request.to,
            data=request.data,
            value=request.value,
            gas=request.gas_limit,
            block=at,
        )

    def _revert(self, found: Simulation) -> str:
        return self._decode_revert(found.data) if found.data else found.detail

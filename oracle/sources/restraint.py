"""When one endpoint may be asked: within its rate, and not while it asks to be left alone."""

import asyncio
from contextlib import AbstractAsyncContextManager
from types import TracebackType

from oracle.sources.client import AskedToWaitError

Throttle = AbstractAsyncContextManager[object]
"""Entered once a request; may wait."""


class Restraint(Throttle):
    """Entered before every request and every connection; hears what comes of it."""

    def __init__(self, throttle: Throttle) -> None:
        self._throttle = throttle
        self._rests_until = 0.0

    async def __aenter__(self) -> None:
        """Waits for its turn. Raises AskedToWaitError: it is not to be asked at all now."""
        self._require_awake()
        await self._throttle.__aenter__()
        try:
            self._require_awake()  # others may have been refused meanwhile
        except AskedToWaitError:
            await self._throttle.__aexit__(None, None, None)
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Takes note of a refusal by policy."""
        self.heard(failure)
        await self._throttle.__aexit__(kind, failure, trace)

    def heard(self, failure: BaseException | None) -> None:
        """Takes note of a refusal by policy, wherever it came: a subscription is not entered."""
        if isinstance(failure, AskedToWaitError):
            self._rests_until = max(self._rests_until, _now() + failure.retry_after_s)

    def _require_awake(self) -> None:
        left_s = self._rests_until - _now()
        if left_s > 0:
            raise AskedToWaitError(f"it asked us to wait, {left_s:.0f} s more", left_s)


def _now() -> float:
    return asyncio.get_running_loop().time()

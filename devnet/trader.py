"""One trader's mind: from its plan and what happened so far to its next wish. Pure.

Knows no calldata, no nonce, no node. A wish that was refused is tried again later, a few times.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import assert_never

from devnet.population import TraderPlan, is_night
from units import BPS_ONE, ONE, Wei

RETRY_BLOCKS = 10
ATTEMPTS_MAX = 20
SLIPPAGE_BPS_MAX = 100
_GWEI = 10**9
_FEE_BPS = 10


class Stage(Enum):
    """Where a trader stands."""

    AWAY = auto()
    FUNDED = auto()
    HOLDING = auto()
    FLAT = auto()
    GONE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """Put `amount` wei, whole gwei, into the exchange."""

    amount: Wei


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Open the position of the plan."""

    plan: TraderPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """Close `size` wei of the position's notional; 0 closes all of it."""

    position: bytes
    size: Wei


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """Take everything out that is free."""


Wish = Deposit | Open | Close | Withdraw


@dataclass(slots=True, kw_only=True)
class Mind:
    """What one trader remembers; `deposited` in wei. Blocks count from the start of the run."""

    plan: TraderPlan
    stage: Stage = Stage.AWAY
    since: int = 0
    position: bytes = b""
    size: Wei = Wei(0)
    has_reduced: bool = False
    has_come_back: bool = False
    not_before: int = 0
    attempts: int = 0
    deposited: int = 0

    def wish(self, now: int) -> Wish | None:
        """What the trader wants to do at block `now`; None: nothing yet."""
        if now < self.not_before or (self.plan.sleeps and is_night(now)):
            return None
        match self.stage:
            case Stage.AWAY:
                return self._deposit() if now >= self.plan.arrives else None
            case Stage.FUNDED:
                return Open(plan=self.plan)
            case Stage.HOLDING:
                return self._close(now - self.since)
            case Stage.FLAT:
                return self._afterwards(now - self.since)
            case Stage.GONE:
                return None
            case never:
                assert_never(never)

    def wakes(self, now: int) -> int | None:
        """The first block from `now` on at which there may be a wish; None: never by itself.

        Before it `wish` says None as long as nothing happens to the trader.
        """
        plan, due = self.plan, None
        match self.stage:
            case Stage.AWAY:
                due = plan.arrives
            case Stage.FUNDED:
                due = now
            case Stage.HOLDING:
                due = self._closes_from()
            case Stage.FLAT:
                due = self._returns_from(now)
            case Stage.GONE:
                due = None
            case never:
                assert_never(never)
        return None if due is None else max(now, due, self.not_before)

    def _closes_from(self) -> int | None:
        plan, reduces = self.plan, None
        if plan.reduces_after is not None and not self.has_reduced:
            reduces = max(plan.reduces_after, 2)
        waits = [each for each in (plan.leaves_after, reduces) if each is not None]
        return self.since + min(waits) if waits else None

    def _returns_from(self, now: int) -> int | None:
        plan = self.plan
        if plan.comes_back_after is not None and not self.has_come_back:
            return self.since + plan.comes_back_after
        return now if plan.withdraws else None

    def done(self, wish: Wish, now: int) -> None:
        """A wish came true in block `now`; the position's new size comes by `hold`."""
        self.attempts = 0
        match wish:
            case Deposit(amount=amount):
                self.deposited += amount
                self.has_come_back = self.stage is Stage.FLAT
                self._enter(Stage.FUNDED, now)
            case Open():
                self.has_reduced = False
                self._enter(Stage.HOLDING, now)
            case Close(size=0):
                self._enter(Stage.FLAT, now)
            case Close():
                self.has_reduced = True
            case Withdraw():
                self._enter(Stage.GONE, now)
            case never:
                assert_never(never)

    def hold(self, position: bytes, size: Wei) -> None:
        """The position as the exchange reported it."""
        self.position, self.size = position, size

    def lost(self, now: int) -> None:
        """The position was liquidated in block `now`, whatever was wished for."""
        self._enter(Stage.FLAT, now)

    def refused(self, now: int) -> None:
        """A wish was refused; too many refusals in a row and the trader leaves."""
        self.attempts += 1
        self.not_before = now + RETRY_BLOCKS
        if self.attempts >= ATTEMPTS_MAX:
            self.leave(now)

    def leave(self, now: int) -> None:
        """The trader wants nothing more."""
        self._enter(Stage.GONE, now)

    def waits(self, now: int) -> None:
        """There was no price to trade at, which is nobody's refusal: asked again, for ever."""
        self.not_before = now + RETRY_BLOCKS

    def _enter(self, stage: Stage, now: int) -> None:
        self.stage, self.since, self.attempts = stage, now, 0

    def _deposit(self) -> Deposit:
        """Margin, the open fee on its notional, and one part in a hundred to spare."""
        notional = self.plan.margin * self.plan.leverage // ONE
        needed = self.plan.margin * 101 // 100 + notional * _FEE_BPS // BPS_ONE
        return Deposit(amount=Wei(-(-needed // _GWEI) * _GWEI))

    def _close(self, held: int) -> Close | None:
        plan = self.plan
        if plan.leaves_after is not None and held >= plan.leaves_after:
            return Close(position=self.position, size=Wei(0))
        if plan.reduces_after is None or self.has_reduced or held < max(plan.reduces_after, 2):
            return None
        return Close(position=self.position, size=Wei(self.size // 2))

    def _afterwards(self, flat: int) -> Wish | None:
        plan = self.plan
        if plan.comes_back_after is not None and not self.has_come_back:
            return self._deposit() if flat >= plan.comes_back_after else None
        return Withdraw() if plan.withdraws else None

"""Stops a lane that spends too much: see `spending`. One key's account in memory.

The journal has it first: what is booked here was written in the transaction that ended its entry.
"""

from dataclasses import replace

from fleet.transactions.journal import Journal
from fleet.transactions.request import Lane, Refused
from fleet.transactions.spending import (
    HOUR_S,
    Account,
    Spend,
    SpendPolicy,
    Spent,
    is_half_spent,
)
from units import Timestamp


class SpendGuard:
    """What each lane of a key has spent, and whether it may go on."""

    def __init__(self, *, journal: Journal, policy: SpendPolicy) -> None:
        self._journal = journal
        self._policy = policy
        self._account = Account()
        self._now = Timestamp(0)
        self._expected: dict[int, Spend] = {}
        self._in_all: Account | None = self._account

    async def begin(self) -> None:
        """Takes the account from the journal; what is in blocks that are not final comes again."""
        self._account = await self._journal.account()
        newest = max((hour for _, hour in self._account.hours), default=0)
        self._now = Timestamp(max(self._now, newest * HOUR_S))
        self._expected.clear()
        self._in_all = None

    async def _look_again(self) -> None:
        """Not over what was booked while the journal was being read."""
        before = self._account
        found = await self._journal.account()
        if self._account is before:
            self._account, self._in_all = found, None

    async def objection(self, lane: Lane) -> Refused | None:
        """Why a lane may not send now; a stopped one is looked up again, it may have been reset."""
        if lane in self.stopped:
            await self._look_again()
        why = self.stopped.get(lane)
        if why is None:
            return None
        return Refused(reason=f"lane {lane.name.lower()} is stopped: {why}; keepers spend reset")

    def expect(self, entry_id: int, spend: Spend | None) -> None:
        """Learns what an entry has cost in a block that is not final; None: it is in none.

        Finality may stand still while a lane goes on spending: `enforce` what follows from it.
        """
        if spend is None:
            self._expected.pop(entry_id, None)
        else:
            self._expected[entry_id] = spend
            self._now = spend.time
        self._in_all = None

    async def enforce(self, since: Timestamp) -> None:
        """Writes down the stops that what is not final has brought about: they last."""
        for lane, why in self.stopped.items():
            if lane not in self._account.stopped:
                await self._journal.stop(lane, why, since)
                stopped = dict(self._account.stopped) | {lane: why}
                self._account = replace(self._account, stopped=stopped)

    def would_stop(self, spend: Spend) -> str | None:
        """Why one more transaction stops its lane, if it does."""
        if spend.lane in self._account.stopped:
            return None
        return self._account.plus(spend, self._policy).stopped.get(spend.lane)

    def book(self, spend: Spend) -> None:
        """Adds a transaction that the journal has."""
        self._account = self._account.plus(spend, self._policy)
        self._now, self._in_all = spend.time, None

    @property
    def stopped(self) -> dict[Lane, str]:
        """Lanes that wait for an operator, and why."""
        return dict(self._sum().stopped)

    @property
    def day(self) -> dict[Lane, Spent]:
        """What each lane spent in the day before the last transaction, final or not."""
        return {lane: self._sum().last_day(lane, self._now) for lane in Lane}

    @property
    def half_spent(self) -> frozenset[Lane]:
        """Lanes of whose spending people should hear."""
        days = self.day.items()
        return frozenset(lane for lane, day in days if is_half_spent(lane, day, self._policy))

    def _sum(self) -> Account:
        """With what is not final yet; summed up anew after a change, not for every request."""
        if self._in_all is None:
            self._in_all = self._account
            for spend in self._expected.values():
                self._in_all = self._in_all.plus(spend, self._policy)
        return self._in_all

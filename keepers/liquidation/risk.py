"""Who is below maintenance: at the feed's prices, or at prices about to be pushed.

Every answer comes from one book at one block. What is not known is said: a book that is too old,
a market without a usable price. Knows no node and sends nothing.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from keepers.liquidation.assessment import RiskView, judge, unknown_counts, viewing
from keepers.liquidation.book import Book
from keepers.liquidation.canary import sings
from keepers.liquidation.confirmation import Unconfirmed, unconfirmed
from keepers.liquidation.evidence import Grounds, Judgement
from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.follower import BookFollower
from keepers.liquidation.positions import Position
from keepers.liquidation.selection import Candidate, rank
from keepers.liquidation.stakes import StakePolicy, at_stake
from keepers.liquidation.standing import Standing, Terms, UnknownReason
from keepers.liquidation.tally import Tally, tally
from keepers.liquidation.turns import in_turns
from units import BlockNumber, Bps, Head, Netuid, PriceWei, Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskUnknown:
    """Nothing is known about any position; `reason` is one line for an operator."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Who can be liquidated in the block after `head`, most urgent first.

    `unknown` counts the open positions of markets that can't be judged, by reason. `missed` is how
    many a look at every position found beside those that the ladders nominated, None when this
    block was not one to look; they are among the candidates. `canary`: whether made-up positions
    were found as they must be, None where nobody looked or no market can be judged. `unconfirmed`:
    which of them wait for another price.
    """

    head: Head
    judgement: Judgement
    unknown: Mapping[UnknownReason, int]
    missed: int | None
    canary: bool | None
    unconfirmed: Unconfirmed = field(default_factory=Unconfirmed)

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Those that are below maintenance."""
        return self.judgement.candidates


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskPolicy:
    """Limits of an answer.

    `answer_s_max`: how long the feeder's push waits for an answer, because a price must not wait
    for risk; None where all time is the chain's (lock-step). `referee_blocks`: at every block whose
    number is a multiple of it, a look at every position checks whom the ladders nominate.
    `silence_s_max`: the oldest a price gets while a feeder works; more is a break.
    `stakes`: what is expected of those who fall, and who is too small to count.
    """

    answer_s_max: float | None = 0.2
    referee_blocks: int = 25
    silence_s_max: Seconds = Seconds(900)
    stakes: StakePolicy = field(default_factory=StakePolicy)

    @property
    def book_s_max(self) -> float | None:
        """How long of it the book may take: the rest is for judging, or for the last book."""
        return None if self.answer_s_max is None else self.answer_s_max * 3 / 4


class RiskEngine:
    """Judges the positions of a follower's book; one per process, shared by its bots."""

    def __init__(self, *, follower: BookFollower, policy: RiskPolicy) -> None:
        self._follower = follower
        self._policy = policy

    async def liquidatable_at(
        self,
        prices: Mapping[Netuid, PriceWei],
        head: Head | None = None,
        source_block: BlockNumber | None = None,
    ) -> Judgement | RiskUnknown:
        """Who falls when `prices` are pushed in the block after `head`, most urgent first.

        Args:
            prices: the markets the push carries; positions elsewhere are not looked at.
            head: the newest block the caller knows; asked for when None.
            source_block: the source block of the prices, which decides whether the push ends a
                suspension; taken to be new enough when None.

        Returns:
            Who falls and on what grounds, or why nothing is known: no book at most one block
            behind `head` could be had within the policy's time.
        """
        book = self._compared(await self._recent_book(head))
        if isinstance(book, RiskUnknown):
            return book
        newest = book.head if head is None else max(book.head, head, key=lambda at: at.number)
        grounds = Grounds(
            head=newest,
            book=book.head,
            markets=book.markets,
            pushed=prices,
            source_block=source_block,
        )
        judgement = self._judged(book, grounds, grounds.standings(prices))
        return replace(judgement, at_stake=at_stake(judgement, self._policy.stakes))

    async def exposure(self, head: Head) -> Exposure | RiskUnknown:
        """Who is liquidatable at the feed's prices in the block after `head`."""
        found = await self._follower.at_head(head)
        book = self._compared(
            RiskUnknown(reason=found.reason) if isinstance(found, Unreadable) else found
        )
        if isinstance(book, RiskUnknown):
            return book
        grounds = Grounds(head=book.head, book=book.head, markets=book.markets, pushed={})
        standings = grounds.standings(book.markets)
        judgement, missed = self._refereed(book, standings, self._judged(book, grounds, standings))
        return Exposure(
            head=book.head,
            judgement=judgement,
            unknown=unknown_counts(book, standings),
            missed=missed,
            canary=None if missed is None else sings(_terms(standings)),
            unconfirmed=unconfirmed(book, judgement.candidates, self._policy.silence_s_max),
        )

    async def book_at(self, head: Head) -> Book | RiskUnknown:
        """Every position at the end of `head`, or of a later block that is known already."""
        book = await self._follower.at_head(head)
        return RiskUnknown(reason=book.reason) if isinstance(book, Unreadable) else book

    async def risk_view(self, head: Head) -> RiskView | RiskUnknown:
        """Every position as the contract's own view shows it at the end of block `head`."""
        book = await self.book_at(head)
        return book if isinstance(book, RiskUnknown) else await in_turns(viewing(book))

    async def tally(self, head: Head, ratio: Bps) -> Tally | RiskUnknown:
        """How many positions of each market are open and below `ratio` at the end of `head`."""
        book = await self.book_at(head)
        return book if isinstance(book, RiskUnknown) else tally(book, ratio)

    def _compared(self, book: Book | RiskUnknown) -> Book | RiskUnknown:
        """Nobody is liquidated by a book that the chain's views have not confirmed, or no more.

        It was restored, or something contradicted it and it is not made anew yet.
        """
        if isinstance(book, Book) and self._follower.reconciled_at is None:
            return RiskUnknown(reason="the book is not compared with the chain yet")
        return book

    async def _recent_book(self, head: Head | None) -> Book | RiskUnknown:
        try:
            async with asyncio.timeout(self._policy.book_s_max):
                book = await self._follower.at_head(head)
        except TimeoutError:
            return self._one_behind(
                head, f"no book in time for an answer within {self._policy.answer_s_max} s"
            )
        if isinstance(book, Unreadable):
            return self._one_behind(head, book.reason)
        return book

    def _one_behind(self, head: Head | None, reason: str) -> Book | RiskUnknown:
        """The last book, when `head` is its block or that block's child."""
        book = self._follower.book
        if book is None or head is None or book.head.hash not in (head.hash, head.parent_hash):
            return RiskUnknown(reason=reason)
        return book

    def _judged(self, book: Book, grounds: Grounds, standings: Iterable[Standing]) -> Judgement:
        terms = _terms(standings)
        return Judgement(
            grounds=grounds, candidates=self._fallen(book.positions.nominate(terms), terms)
        )

    def _refereed(
        self, book: Book, standings: Iterable[Standing], judgement: Judgement
    ) -> tuple[Judgement, int | None]:
        """The judgement, completed where it is this block's turn, and by how many."""
        if book.head.number % self._policy.referee_blocks:
            return judgement, None
        terms = _terms(standings)
        every = self._fallen(book.positions.scan(terms), terms)
        missed = len(set(every) - set(judgement.candidates))
        return (replace(judgement, candidates=every) if missed else judgement), missed

    def _fallen(
        self, nominated: Iterable[Position], terms: Mapping[Netuid, Terms]
    ) -> tuple[Candidate, ...]:
        judged = (judge(position, terms[position.netuid]) for position in nominated)
        found = (candidate for candidate in judged if candidate is not None)
        stakes = self._policy.stakes
        return rank(found, dust=stakes.dust, shortfall_ppm=stakes.shortfall_ppm)


def _terms(standings: Iterable[Standing]) -> Mapping[Netuid, Terms]:
    return {at.netuid: at for at in standings if isinstance(at, Terms)}

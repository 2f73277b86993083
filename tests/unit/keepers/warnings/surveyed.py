"""A book that changes at random, and two keepers on it: one that looks only at whom it must."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from keepers.liquidation.assessment import viewing
from keepers.liquidation.book import Book
from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.margin import liquidation_price
from keepers.liquidation.positions import BlockEvents, Market, Position
from keepers.liquidation.risk import RiskUnknown
from keepers.liquidation.steps import finished
from keepers.liquidation.versions import Positions
from keepers.warnings.keeper import WarningsKeeper
from keepers.warnings.lookout import Books, Lookout
from keepers.warnings.stretches import stretches
from keepers.warnings.survey import Survey, Watches, everybody
from keepers.warnings.tiers import WarningPolicy
from tests.unit.keepers.liquidation.examples import PARAMETERS, TAO, changed, market, position
from tests.unit.keepers.warnings.scripted import Disk, head
from units import BlockNumber, Bps, FundingIndex, Head, Netuid, PositionId, PriceWei

NETUIDS = (8, 64)
POLICY = WarningPolicy(unknown_blocks=2, reorg_blocks=3)
LINES = stretches(POLICY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A position, of which the margin alone may change as long as it is open."""

    netuid: int
    is_long: bool
    margin_bps: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """A market's price: as many bps of a tenth of a TAO as `far`, or on a line of a position's.

    `near` is the position's number, the line's place and so many wei beside the last price that is
    below it. A price that `is_missing` is suspended.
    """

    far: int
    near: tuple[int, int, int] | None
    is_missing: bool
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What happens in a block that follows the newest one, or one `back` before it.

    `is_rebuilt`: the book is read from the views. `is_unread`: the node serves no logs of it.
    `dies`: whether a commit fails, and when.
    """

    changes: Mapping[int, Opened | None]
    quotes: tuple[Quoted, Quoted]
    back: int = 0
    is_rebuilt: bool = False
    is_unread: bool = False
    dies: str = ""


@dataclass
class BookWorld:
    """Books of the newest blocks, oldest first; a log without events, which may be unreadable."""

    books: list[Book] = field(default_factory=list)
    forks: int = 0
    is_log_readable: bool = True

    async def book_at(self, head: Head) -> Book | RiskUnknown:
        del head
        return self.books[-1]

    async def events(self, first: BlockNumber, last: Head) -> tuple[BlockEvents, ...] | Unreadable:
        del first, last
        return () if self.is_log_readable else Unreadable(reason="pruned")

    def grow(self, block: Block) -> Head:
        """The head of the block after this happened."""
        self.is_log_readable = not block.is_unread
        if self.books:
            del self.books[max(1, len(self.books) - block.back) :]
        parent = self.books[-1] if self.books else None
        before = Positions.of(()) if parent is None else parent.positions
        at = self._next(None if parent is None else parent.head)
        made = {
            position(n).key.id: _made(n, to, before, at.number) for n, to in block.changes.items()
        }
        positions = changed(before, made)
        if block.is_rebuilt:
            positions = Positions.of(list(positions.each()))
        markets = {
            Netuid(n): quoted(n, q, positions, at)
            for n, q in zip(NETUIDS, block.quotes, strict=True)
        }
        self.books.append(Book(head=at, positions=positions, markets=markets))
        return at

    def _next(self, parent: Head | None) -> Head:
        self.forks += 1
        if parent is None:
            return head(1)
        at = head(parent.number + 1, fork=self.forks)
        return replace(at, parent_hash=parent.hash)


def _made(number: int, to: Opened | None, before: Positions, block: int) -> Position | None:
    """Opened in that block, whatever was in another one of its number; or what is open, changed."""
    if to is None:
        return None
    made = position(
        number,
        netuid=to.netuid,
        is_long=to.is_long,
        size=to.size,
        margin=to.size * to.margin_bps // 10_000,
        sequence=block,
    )
    held = before.get(made.key.id)
    if held is None or (held.netuid, held.is_long) != (to.netuid, to.is_long):
        return made
    return replace(made, key=held.key)


def quoted(netuid: int, quote: Quoted, positions: Positions, at: Head) -> Market:
    """The market as quoted in a block."""
    found = market(netuid)
    price = TAO // 10 * quote.far // 10_000
    if quote.near is not None:
        price = _near(quote, positions, netuid) or price
    feed = replace(
        found.feed,
        price=PriceWei(price),
        source_time=at.time,
        suspension=int(quote.is_missing),
    )
    return replace(found, feed=feed, index=FundingIndex(quote.index), last_accrual=at.time)


def _near(quote: Quoted, positions: Positions, netuid: int) -> int | None:
    assert quote.near is not None
    number, place, wei = quote.near
    held = positions.get(PositionId(position(number).key.id))
    if held is None or held.netuid != netuid:
        return None
    line = replace(PARAMETERS, maintenance=Bps(LINES.lines[place]))
    price = liquidation_price(held, line, FundingIndex(quote.index))
    return None if price is None else max(1, price + wei)


class Everybody:
    """The plain way: everybody is looked at in every block."""

    def __init__(self, books: Books) -> None:
        self._books = books

    async def survey(self, head: Head, *, anew: bool) -> Survey | RiskUnknown:
        del anew
        book = await self._books.book_at(head)
        if isinstance(book, RiskUnknown):
            return book
        return everybody(finished(viewing(book)), LINES)

    async def note(self, head: Head) -> None:
        """Nobody is left out next time."""

    async def settle(self, head: Head, watches: Watches) -> None:
        """Nor is anybody then."""


class Counting(Lookout):
    """Remembers how many it looked at, block by block."""

    def __init__(self, books: Books, policy: WarningPolicy) -> None:
        super().__init__(books, policy)
        self.looked_at: list[int] = []

    async def survey(self, head: Head, *, anew: bool) -> Survey | RiskUnknown:
        survey = await super().survey(head, anew=anew)
        if isinstance(survey, Survey):
            self.looked_at.append(len(survey.risks))
        return survey


def plain(world: BookWorld, disk: Disk) -> WarningsKeeper:
    return WarningsKeeper(risks=Everybody(world), log=world, store=disk, policy=POLICY)


def vigilant(world: BookWorld, disk: Disk) -> tuple[WarningsKeeper, Counting]:
    lookout = Counting(world, POLICY)
    return WarningsKeeper(risks=lookout, log=world, store=disk, policy=POLICY), lookout

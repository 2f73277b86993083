"""A follower over a simulated exchange, and the check that its book is the chain's."""

from keepers.liquidation.book import Book
from keepers.liquidation.follower import BookFollower, FollowerPolicy
from keepers.liquidation.keeping import NoCheckpoint
from tests.unit.keepers.liquidation.examples import TAO
from tests.unit.keepers.liquidation.simulated import Action, Block, SimulatedExchange

GAP_MAX = 200


def opens(number: int, size: int = TAO) -> Action:
    return lambda block: block.open(8, True, size, number)


def follower_of(exchange: SimulatedExchange) -> BookFollower:
    return BookFollower(log=exchange, policy=FollowerPolicy(rebuild_gap_blocks=GAP_MAX))


async def followed(follower: BookFollower, block: Block) -> Book:
    """The follower's book at this block, which must be the block's own state."""
    book = await follower.at_head(block.head)
    assert isinstance(book, Book)
    assert book.head == block.head
    assert book.positions == block.positions
    assert book.markets == block.markets
    return book


async def started(exchange: SimulatedExchange) -> BookFollower:
    follower = follower_of(exchange)
    await followed(follower, exchange.tip)
    exchange.asked.clear()
    return follower


class Shelf:
    """Keeps one book in memory, longer than a follower lives."""

    def __init__(self, book: Book | None = None) -> None:
        self.book = book

    async def load(self) -> Book | NoCheckpoint:
        return NoCheckpoint(reason="none was saved yet") if self.book is None else self.book

    async def save(self, book: Book) -> None:
        self.book = book

"""What gas costs, asked for before it is needed."""

import pytest

from fleet.transactions.quotes import Quotes
from fleet.transactions.testing import Fuse, Silence, SimulatedChain
from tests.unit.fleet.transactions.world import GWEI, Killed
from units import Head

LOW, HIGH = 10 * GWEI, 20 * GWEI


class Counted:
    """Quotes, and how often the chain was asked for one."""

    def __init__(self) -> None:
        self.fuse = Fuse()
        self.chain = SimulatedChain(fuse=self.fuse)
        self.quotes = Quotes(self.chain)
        self.asked = 0
        ask = self.chain.fee_quote

        async def counted() -> object:
            self.asked += 1
            return await ask()

        self.chain.fee_quote = counted  # type: ignore[assignment,method-assign]  # it is a fake

    async def beside(self, head: Head) -> None:
        async with self.quotes.ahead(head):
            pass


async def test_ahead__nobody_has_needed_one__is_not_asked() -> None:
    counted = Counted()
    await counted.beside(counted.chain.mine())
    assert counted.asked == 0


async def test_ahead__the_last_heads_was_needed__the_next_is_there_before_it_is_needed() -> None:
    counted = Counted()
    await counted.quotes.at(counted.chain.mine())
    head = counted.chain.mine()
    counted.chain.base_fee = HIGH
    await counted.beside(head)
    counted.chain.base_fee = LOW
    assert (await counted.quotes.at(head)).base_fee == HIGH
    assert counted.asked == 2


async def test_ahead__not_needed_for_a_while__is_asked_no_more() -> None:
    counted = Counted()
    await counted.quotes.at(counted.chain.mine())
    for _ in range(9):
        await counted.beside(counted.chain.mine())
    assert counted.asked == 1 + 5


async def test_ahead__nobody_answers__the_body_is_done_and_who_needs_it_asks_again() -> None:
    counted = Counted()
    await counted.quotes.at(counted.chain.mine())
    head = counted.chain.mine()
    counted.fuse.set(1, Silence(), is_after=False)
    await counted.beside(head)
    counted.chain.base_fee = HIGH
    assert (await counted.quotes.at(head)).base_fee == HIGH


async def test_ahead__needed_while_it_is_under_way__one_question_answers_both() -> None:
    counted = Counted()
    await counted.quotes.at(counted.chain.mine())
    counted.chain.is_slow_to_quote = True
    head = counted.chain.mine()
    async with counted.quotes.ahead(head):
        await counted.quotes.at(head)
    assert counted.asked == 2


async def test_ahead__the_process_ends_in_it__is_not_taken_for_silence() -> None:
    counted = Counted()
    await counted.quotes.at(counted.chain.mine())
    counted.fuse.set(1, Killed(), is_after=False)
    with pytest.raises(Killed):
        await counted.beside(counted.chain.mine())


async def test_ahead__the_body_fails__its_failure_is_what_is_heard() -> None:
    counted = Counted()
    await counted.quotes.at(counted.chain.mine())
    counted.chain.is_slow_to_quote = True
    with pytest.raises(ValueError, match="the body's"):
        async with counted.quotes.ahead(counted.chain.mine()):
            raise ValueError("the body's")

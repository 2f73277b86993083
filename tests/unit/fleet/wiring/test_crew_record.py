"""What the crew is told of transactions that came to an end, and what it then does again."""

import pytest

from fleet.transactions.request import Expired, Outcome, Superseded
from keepers.funding.calendar import due_key
from keepers.funding.keeper import FundingOutcome, FundingPlan
from keepers.liquidation.keeper import LiquidationPlan
from keepers.submission import Sent
from tests.unit.fleet.wiring.crews import Company
from tests.unit.fleet.wiring.simulated import KEY, Post, mined, settings, settled

TAO = 10**18


@pytest.fixture
def company(post: Post) -> Company:
    return Company(settings(), post)


async def test_record__a_batch_that_expired__may_be_sent_again_at_once(
    company: Company, post: Post
) -> None:
    exchange, crew = company.fleet.exchange, company.crew()
    exchange.grow(lambda block: block.open(8, is_long=True, size=3 * TAO, number=1))
    exchange.grow(lambda block: block.push(8, TAO // 14))
    await crew.liquidator.step(exchange.tip.head)
    (key,) = post.on_its_way

    waiting = await crew.liquidator.plan(exchange.grow().head)
    crew.record(settled(key, Expired()))
    again = await crew.liquidator.plan(exchange.grow().head)

    assert isinstance(waiting, LiquidationPlan)
    assert isinstance(again, LiquidationPlan)
    assert (len(waiting.in_flight), len(waiting.batches)) == (1, 0)
    assert (len(again.in_flight), len(again.batches)) == (0, 1)


@pytest.mark.parametrize(
    ("outcome", "is_due_again"), [(Expired(), True), (Superseded(), True), (mined(), False)]
)
async def test_record__an_accrual__is_due_again_at_once_when_it_came_to_nothing(
    company: Company, outcome: Outcome, *, is_due_again: bool
) -> None:
    crew, at = company.crew(), company.fleet.exchange.tip.head
    company.fleet.funding_rows.elapsed = {8: 28_800}
    company.fleet.journal.account = KEY
    sent = await crew.funding.step(at)
    assert isinstance(sent, FundingOutcome)
    assert isinstance(sent.submission, Sent)

    crew.record(settled(due_key(sent.plan.due), outcome))
    again = await crew.funding.plan(at)

    assert isinstance(again, FundingPlan)
    assert bool(again.due) is is_due_again
    assert bool(again.in_flight) is not is_due_again

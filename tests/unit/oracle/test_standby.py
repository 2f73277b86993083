"""Two feeders with keys of their own: one publishes, the other is there when it does not."""

from oracle.feed import SuspensionReason
from oracle.feeder import Feeder, FeederPolicy
from oracle.plan import FeedPlan
from oracle.publication import Decision, Hold, HoldReason, Publish
from oracle.standby import Standby
from tests.unit.oracle.simulated import (
    FINALITY_LAG,
    SN,
    TAO,
    SimulatedFeed,
    SimulatedRisk,
    SimulatedSubtensor,
    restarted,
    source_head,
)
from units import BlockHash, BlockNumber, Head, Netuid, Rao, Timestamp

MARGIN = 5


def rising(_: Netuid, block: int) -> Rao:
    """A percent every twenty blocks, and a jump at 300."""
    return Rao(TAO + block // 20 * TAO // 100 + (2 * TAO if block >= 300 else 0))


class Two:
    """A first feeder and a second one that waits, over one chain and one feed."""

    def __init__(self) -> None:
        self.feed = SimulatedFeed(number=100)
        self.sent: dict[str, list[int]] = {"first": [], "second": []}
        self._source = SimulatedSubtensor(price_at=rising)
        self._feeders = {
            "first": self._feeder(0),
            "second": self._feeder(MARGIN),
        }

    def _feeder(self, blocks: int) -> Feeder:
        policy = FeederPolicy(standby_blocks=blocks)
        return restarted(self._source, self.feed, SimulatedRisk(), policy=policy)

    async def run(self, to: int, *, is_first_alive: bool = True) -> None:
        for number in range(self.feed.number + 1, to + 1):
            self.feed.advance_to(number)
            for name, feeder in self._feeders.items():
                if name == "first" and not is_first_alive:
                    continue
                outcome = await feeder.step(source_head(number - FINALITY_LAG))
                if outcome.push is not None:
                    self.sent[name].append(number)


async def test_standby__the_first_lives__the_second_pushes_nothing() -> None:
    two = Two()
    await two.run(200)
    assert len(two.sent["first"]) >= 5
    assert two.sent["second"] == []


async def test_standby__the_first_is_gone__the_second_takes_over_after_its_margin() -> None:
    two = Two()
    await two.run(150)
    await two.run(260, is_first_alive=False)
    due = [160 + FINALITY_LAG + 20 * step for step in range(5)]
    assert two.sent["second"] == [head + MARGIN for head in due]


async def test_standby__the_first_is_back__the_second_is_silent_again() -> None:
    two = Two()
    await two.run(110)
    await two.run(170, is_first_alive=False)
    taken_over = len(two.sent["second"])
    await two.run(260)
    assert taken_over >= 1
    assert len(two.sent["second"]) == taken_over


async def test_standby__a_price_that_is_wrong__is_said_without_waiting() -> None:
    two = Two()
    await two.run(290)
    await two.run(303, is_first_alive=False)
    assert two.feed.suspended == [(303, SN, SuspensionReason.JUMP)]


async def test_standby__while_it_waits__it_says_for_whom() -> None:
    source, feed = SimulatedSubtensor(price_at=rising), SimulatedFeed(number=101)
    policy = FeederPolicy(standby_blocks=MARGIN)
    second = restarted(source, feed, SimulatedRisk(), policy=policy)
    outcome = await second.step(source_head(99))
    (hold,) = [each.decision for each in outcome.plan.markets]  # type: ignore[union-attr]
    assert isinstance(hold, Hold)
    assert hold.reason is HoldReason.STANDBY


async def test_standby__due_since_a_block_that_was_made_up__is_due_since_the_next_true_one() -> (
    None
):
    def waiting(number: int) -> Decision:
        head = Head(
            number=BlockNumber(number),
            hash=BlockHash("0x"),
            parent_hash=BlockHash("0x"),
            time=Timestamp(0),
        )
        (found,) = standby.waiting([due], head)
        return found.decision

    source, feed = SimulatedSubtensor(price_at=rising), SimulatedFeed(number=101)
    outcome = await restarted(source, feed, SimulatedRisk()).step(source_head(99))
    assert isinstance(outcome.plan, FeedPlan)
    (due,), standby = outcome.plan.markets, Standby(blocks=MARGIN)
    assert isinstance(due.decision, Publish)
    assert isinstance(waiting(10**9), Hold)
    assert [type(waiting(number)) for number in (101, 105, 106)] == [Hold, Hold, Publish]

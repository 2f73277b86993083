"""The fleet's bots, unchanged, on the exchange in process: a turn each a block, in their order."""

from contextlib import nullcontext
from dataclasses import replace

from fleet.settings import Settings
from fleet.wiring import policies
from keepers.funding.keeper import FundingKeeper
from keepers.liquidation.follower import BookFollower
from keepers.liquidation.keeper import LiquidationKeeper
from keepers.liquidation.outcomes import ReceiptEvent, mined_results
from keepers.liquidation.positions import PositionKey
from keepers.liquidation.risk import RiskEngine
from oracle.feeder import Feeder, FeedOutcome
from replay.ports import ModelChain, ModelFunding, ModelLiquidations
from replay.quiet import Quiet
from replay.source import TapeSource, source_head
from units import BlockNumber, Head


class ModelFleet:
    """Feeder, liquidator and funding keeper in one process, as `keepers run` runs them."""

    def __init__(
        self, *, settings: Settings, chain: ModelChain, source: TapeSource, quiet: Quiet
    ) -> None:
        markets = tuple(market.netuid for market in settings.enabled_markets)
        follower = BookFollower(log=chain, policy=policies.follower(settings))
        risk = RiskEngine(
            follower=follower, policy=replace(policies.risk(settings), answer_s_max=None)
        )
        funding = ModelFunding(chain, markets)
        self._source, self._tape = source, source.tape
        self._chain, self._follower, self._quiet = chain, follower, quiet
        self._feeder = Feeder(
            source=source,
            feed=chain,
            risk=risk,
            markets=markets,
            pins={m.netuid: m.registered_at for m in settings.markets if m.registered_at},
            policy=policies.feeder(settings),
            deadline=lambda _: nullcontext(),
        )
        self._liquidator = LiquidationKeeper(
            risk=risk,
            follower=follower,
            liquidations=ModelLiquidations(chain),
            policy=policies.liquidation(settings),
        )
        self._funding = FundingKeeper(
            markets=funding, accruals=funding, policy=policies.funding(settings)
        )

    async def turn(self, head: Head, finalized: BlockNumber, lowest: float) -> None:
        """Everybody decides on `head`, and sends into the block after it.

        `lowest` is the lowest margin ratio of all positions there, −∞ where nobody looked: it says
        whether feeder and liquidator may be left out.
        """
        row = self._tape.row_at(finalized).block
        if self._quiet.may_pass(head, row, lowest):
            await self._follower.at_head(head)
            await self._funding.step(head)
            return
        outcome = await self.feed(finalized)
        await self._liquidator.step(head)
        await self._funding.step(head)
        self._quiet.note(outcome.plan, row, is_anything_sent=bool(self._chain.outbox))

    async def feed(self, finalized: BlockNumber) -> FeedOutcome:
        """The feeder alone."""
        self._source.newest = finalized
        return await self._feeder.step(source_head(finalized))

    def record(self, keys: tuple[PositionKey, ...], said: tuple[ReceiptEvent, ...]) -> None:
        """A batch of the liquidator's is in a block."""
        self._liquidator.record(mined_results(keys, said))

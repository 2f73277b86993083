"""When feeder and liquidator would surely decide nothing, and need not be asked.

A feeder that held every price within its band (or has said of a market that it has none), twice in
a row with nothing on its way, does so again as long as the source says the same, no heartbeat is
due, and nobody would fall at a price within the band. A liquidator takes nobody where nobody is
near maintenance. A feeder that has not looked for longer than a stall begins anew, so it is asked
before that. A market whose price is an average of blocks is another one at every block: where
there is one, no turn is left out. Pure.
"""

from devnet.parameters import MarketTerms
from fleet.settings import Settings
from oracle.feed import FeedRowView
from oracle.guard import Accept
from oracle.plan import FeedPlan, MarketPlan, NotPlanned
from oracle.publication import Hold, HoldReason
from oracle.quotes import NoPrice
from replay.watch import NEAR
from units import BLOCK_TIME, BPS_ONE, ONE, BlockNumber, Head, Netuid, Timestamp

_CALM_TURNS_MIN = 2
"""The first price after a break needs a second one, so one calm turn may be waiting for it."""

_BAND_BPS_MAX = 100
_DRIFT_MAX = 0.001
_NEVER = Timestamp(0)


class Quiet:
    """Follows the turns that were taken, and says which may be left out."""

    def __init__(self, settings: Settings, terms: MarketTerms) -> None:
        configured = {market.netuid: settings.oracle_of(market) for market in settings.markets}
        self._heartbeats = {netuid: oracle.heartbeat_s for netuid, oracle in configured.items()}
        band = max(oracle.deviation_bps for oracle in configured.values())
        drift = terms.funding_rate_max / ONE * BLOCK_TIME / terms.funding_interval_s
        remembers = any(oracle.smoothing_blocks for oracle in configured.values())
        remembers = remembers or any(market.is_index for market in settings.markets)
        self._is_possible = band <= _BAND_BPS_MAX and drift <= _DRIFT_MAX and not remembers
        self._lowest_min = terms.maintenance_bps / BPS_ONE + NEAR + _DRIFT_MAX
        self._stall_blocks = settings.oracle.stall_blocks
        self._calm_turns = 0
        self._looked_at = BlockNumber(0)
        self._row: BlockNumber | None = None
        self._due_at = _NEVER

    def note(
        self, plan: FeedPlan | NotPlanned, row: BlockNumber, *, is_anything_sent: bool
    ) -> None:
        """A turn was taken on the prices of a row of the tape."""
        if isinstance(plan, NotPlanned) or is_anything_sent or not all(map(_is_calm, plan.markets)):
            self._calm_turns = 0
            return
        self._calm_turns += 1
        self._row, self._looked_at = row, plan.head.number
        priced = (each for each in plan.markets if not isinstance(each.known, NoPrice))
        self._due_at = min((self._due(each.netuid, each.row) for each in priced), default=_NEVER)

    def may_pass(self, head: Head, row: BlockNumber, lowest: float) -> bool:
        """Whether the turn at `head` may be left out; `lowest` is the lowest margin ratio there."""
        return (
            self._is_possible
            and self._calm_turns >= _CALM_TURNS_MIN
            and row == self._row
            and head.number - self._looked_at < self._stall_blocks
            and head.time < self._due_at
            and lowest > self._lowest_min
        )

    def _due(self, netuid: Netuid, row: FeedRowView) -> Timestamp:
        return Timestamp((row.landed_time or row.source_time) + self._heartbeats[netuid])


def _is_calm(market: MarketPlan) -> bool:
    """Whether the same source and feed make the same hold again, however often."""
    decision = market.decision
    if not isinstance(decision, Hold):
        return False
    if isinstance(market.known, NoPrice):
        return decision.reason in _SAID
    return isinstance(market.known, Accept) and decision.reason is HoldReason.WITHIN_BAND


_SAID = frozenset(
    {
        HoldReason.ALREADY_SUSPENDED,
        HoldReason.GUARDIAN,
        HoldReason.IDENTITY,
        HoldReason.OPERATOR,
    }
)

"""What the oracle is about to do, as rows that people read. Pure."""

from collections.abc import Iterator
from typing import assert_never

from fleet.cli.words import percent, price_text, seconds_text
from fleet.settings import Settings
from oracle.alpha import change, to_price_wei
from oracle.feed import FeedRowView, SuspensionReason
from oracle.feeder import FeedOutcome
from oracle.guard import Accept, Withhold
from oracle.plan import FeedPlan, MarketPlan
from oracle.ports import NotSent, Sent
from oracle.publication import Decision, Hold, Knowledge, Publish, Stalled, Suspend, Unread
from oracle.quotes import NoPrice
from units import Head, PriceWei

PLAN_COLUMNS = ("market", "netuid", "source", "feed", "moved", "age", "state", "decision", "why")


def plan_rows(plan: FeedPlan, settings: Settings) -> Iterator[tuple[str, ...]]:
    """A row a market, as in PLAN_COLUMNS."""
    for market in plan.markets:
        source = known_price(market.known)
        verb, why = _decision(market.decision)
        yield (
            settings.symbol(market.netuid),
            str(market.netuid),
            price_text(source),
            price_text(market.row.price),
            _moved(market, source),
            age_text(market.row, plan.head),
            state_text(market.row),
            verb,
            why,
        )


def plan_title(plan: FeedPlan) -> str:
    """The blocks it was decided at."""
    source = f"Subtensor block {plan.source.number}" if plan.source else "no Subtensor block"
    return f"Prices at {source}, feed at block {plan.head.number}"


def known_price(known: Knowledge) -> PriceWei | None:
    """The source's price, believed or held; None when there is none."""
    match known:
        case Accept(price=price) | Withhold(price=price):
            return to_price_wei(price.rao)
        case NoPrice() | Unread() | Stalled():
            return None
        case never:
            assert_never(never)


def age_text(row: FeedRowView, head: Head) -> str:
    """How old the published price is at the head."""
    return seconds_text(max(head.time - row.source_time, 0)) if row.price else "–"


def state_text(row: FeedRowView) -> str:
    """Whether the market is open, else why it is suspended and since when."""
    if row.suspension is SuspensionReason.NONE:
        return "open" if row.price else "never priced"
    reason = row.suspension.name.lower().replace("_", " ")
    return f"suspended: {reason} (block {row.suspended_at})"


def sent_lines(outcome: FeedOutcome) -> Iterator[tuple[str, Sent | NotSent]]:
    """Each thing that was handed to the sender, in words, and what the sender said."""
    for each in outcome.suspensions:
        names = ", ".join(str(netuid) for netuid in each.netuids)
        yield f"suspend {names} ({each.reason.name.lower()})", each.submission
    if outcome.push is not None:
        publication = outcome.push.publication
        falling = len(publication.liquidations)
        text = f"push {len(publication.updates)} prices, liquidate {falling} positions"
        unknown = outcome.push.risk_unknown
        yield f"{text} (risk unknown: {unknown})" if unknown else text, outcome.push.submission


def _moved(market: MarketPlan, source: PriceWei | None) -> str:
    if source is None or not market.row.price:
        return "–"
    return percent(change(market.row.price, source))


def _decision(decision: Decision) -> tuple[str, str]:
    match decision:
        case Publish(reason=reason, is_alone=is_alone):
            alone = ", the first after a break: nobody is liquidated by it" if is_alone else ""
            return "publish", reason.value + alone
        case Hold(reason=held):
            return "hold", held.value
        case Suspend(detail=detail):
            return "suspend", detail
        case never:
            assert_never(never)

"""What the bots' steps can come to: at least one example of every kind, named for what it shows."""

from dataclasses import replace
from typing import Any

from fleet.telemetry.notify import Round
from fleet.transactions.attempt import State
from fleet.transactions.request import Expired, Lane, Reverted, Superseded
from fleet.wiring.memory import Tidied
from fleet.wiring.settling import KeyState, SettledOutcomes
from keepers.funding.calendar import DueMarket
from keepers.funding.keeper import FundingOutcome, FundingPlan, FundingUnread, NotYetDue
from keepers.liquidation.evidence import Grounds
from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.keeper import (
    BatchSubmitted,
    LiquidationPlan,
    LiquidationsHeld,
    LiquidationsSubmitted,
)
from keepers.liquidation.reconciliation import Mismatched, PageReconciled, Reconciled
from keepers.liquidation.selection import Candidate, LiquidationBatch
from keepers.liquidation.standing import UnknownReason
from keepers.liquidation.upkeep import BookKept
from keepers.submission import NotSent, Sent
from keepers.warnings.alerts import Alert, AlertKind, Severity
from keepers.warnings.keeper import WarningsOutcome
from keepers.warnings.stretches import Standings
from oracle.due import PublishReason
from oracle.feed import FeedRowView, SuspensionReason, Update
from oracle.feeder import FeedOutcome, Pushed, Suspended
from oracle.guard import Accept
from oracle.plan import FeedPlan, MarketPlan, NotPlanned, Publication
from oracle.ports import NotSent as FeedNotSent
from oracle.ports import Sent as FeedSent
from oracle.publication import Hold, HoldReason, Publish, Suspend, Unread
from oracle.quotes import NoPrice, NoPriceReason, Price, SourceBlock
from tests.unit.fleet.wiring.simulated import HASH, KEY, mined, settled
from tests.unit.keepers.liquidation.examples import position
from tests.unit.oracle.simulated import EMPTY_ROW, head, source_head, time_of
from units import (
    BlockNumber,
    Bps,
    FundingIndex,
    Netuid,
    PriceWei,
    Rao,
    Seconds,
    Timestamp,
    Wei,
)

HEAD = head(100)
REFUSAL = "the nonce is held by a stranger"
SOURCE = SourceBlock(
    number=BlockNumber(98), hash=source_head(98).hash, time=time_of(98), spec_version=424
)
PUBLISHED = FeedRowView(
    price=PriceWei(10**17),
    source_block=BlockNumber(90),
    source_time=time_of(90),
    landed_time=None,
    suspended_at=BlockNumber(0),
    suspension=SuspensionReason.NONE,
)
UPDATE = Update(
    netuid=Netuid(8),
    price=PriceWei(101 * 10**15),
    source_block=BlockNumber(98),
    source_time=time_of(98),
)
ACCEPTED = Accept(
    price=Price(netuid=Netuid(8), rao=Rao(101 * 10**6), block=BlockNumber(98), time=time_of(98))
)
MOVED = MarketPlan(
    netuid=Netuid(8),
    known=ACCEPTED,
    row=PUBLISHED,
    decision=Publish(update=UPDATE, reason=PublishReason.DEVIATION),
    band=Bps(10),
)
HELD = replace(MOVED, decision=Hold(reason=HoldReason.WITHIN_BAND))
GONE = MarketPlan(
    netuid=Netuid(64),
    known=NoPrice(netuid=Netuid(64), reason=NoPriceReason.UNPRICED),
    row=replace(PUBLISHED, suspended_at=BlockNumber(99), suspension=SuspensionReason.NO_PRICE),
    decision=Suspend(reason=SuspensionReason.NO_PRICE, detail="the runtime lists no price"),
    band=Bps(10),
)
UNREAD = MarketPlan(
    netuid=Netuid(8),
    known=Unread(),
    row=EMPTY_ROW,
    decision=Hold(reason=HoldReason.NO_READING),
    band=Bps(10),
)

KEYS = (position(1).key, position(2).key)
CANDIDATE = Candidate(
    position=position(1), price=PriceWei(10**16), index=FundingIndex(0), remaining=-5
)
BATCH = LiquidationBatch(head=HEAD, keys=KEYS, gas_limit=1_000_000)
GROUNDS = Grounds(head=HEAD, book=HEAD, markets={}, pushed={})
EMPTY_PLAN = LiquidationPlan(
    head=HEAD, grounds=GROUNDS, candidates=(), batches=(), in_flight=(), deferred=(), unknown={}
)
FULL_PLAN = LiquidationPlan(
    head=HEAD,
    grounds=GROUNDS,
    candidates=(CANDIDATE, CANDIDATE, CANDIDATE),
    batches=(BATCH,),
    in_flight=(KEYS[0],),
    deferred=(CANDIDATE,),
    missed=2,
    unknown={UnknownReason.SUSPENDED: 4},
)
MISMATCH = Mismatched(head=HEAD, differences=("position 0x01: book None", "market 8: book None"))
DUE = DueMarket(
    netuid=Netuid(8),
    last_accrual=Timestamp(1),
    elapsed=Seconds(30_000),
    lag=Seconds(1_200),
    forfeited=Seconds(7),
)
FUNDING_PLAN = FundingPlan(
    head=HEAD,
    due=(),
    postponed=(),
    in_flight=(),
    unlisted=(),
    next_due=Timestamp(9),
    lags={Netuid(8): Seconds(0), Netuid(64): Seconds(30)},
)
STANDINGS = Standings(above=3, below={Bps(2_000): 1, Bps(2_500): 2, Bps(3_500): 4}, unknown=5)


def pushed(submission: FeedSent | FeedNotSent, *, ids: int = 0, unknown: str | None = None) -> Any:
    publication = Publication(
        updates=(UPDATE,), liquidations=tuple(key.id for key in KEYS[:ids]), head=HEAD
    )
    return Pushed(publication=publication, submission=submission, risk_unknown=unknown)


def feed_plan(*markets: MarketPlan, alerts: tuple[str, ...] = ()) -> FeedPlan:
    return FeedPlan(source=SOURCE, head=HEAD, markets=markets, alerts=alerts)


def suspended(submission: FeedSent | FeedNotSent) -> Suspended:
    return Suspended(netuids=(Netuid(64),), reason=SuspensionReason.NO_PRICE, submission=submission)


def alert(severity: Severity, kind: AlertKind = AlertKind.FELL) -> Alert:
    return Alert(
        id=f"alert-{severity}",
        kind=kind,
        severity=severity,
        block=HEAD.number,
        time=HEAD.time,
        title="Margin below 25 %",
        text="position 1 fell below 25 %",
    )


def warned(*alerts: Alert, collected: tuple[Alert, ...] = ()) -> WarningsOutcome:
    return WarningsOutcome(
        head=HEAD, alerts=alerts, collected=collected, standings=STANDINGS, blindness=None
    )


FEEDS: dict[str, FeedOutcome] = {
    "quiet feed": FeedOutcome(plan=feed_plan(HELD)),
    "unread feed": FeedOutcome(plan=NotPlanned(reason="the feed could not be read: down")),
    "unread source": FeedOutcome(
        plan=replace(feed_plan(UNREAD, alerts=("no endpoint answers",)), source=None)
    ),
    "alarmed feed": FeedOutcome(plan=feed_plan(HELD, alerts=("market 64: suspended by hand",))),
    "push": FeedOutcome(plan=feed_plan(MOVED), push=pushed(FeedSent(tx_hash=HASH))),
    "push with liquidations": FeedOutcome(
        plan=feed_plan(MOVED), push=pushed(FeedSent(tx_hash=HASH), ids=2)
    ),
    "push alone": FeedOutcome(
        plan=feed_plan(MOVED), push=pushed(FeedSent(tx_hash=HASH), unknown="no book")
    ),
    "refused push": FeedOutcome(plan=feed_plan(MOVED), push=pushed(FeedNotSent(reason=REFUSAL))),
    "push that another feeder made": FeedOutcome(
        plan=feed_plan(MOVED), push=pushed(FeedNotSent(reason="skipped", is_moot=True))
    ),
    "suspension": FeedOutcome(
        plan=feed_plan(GONE), suspensions=(suspended(FeedSent(tx_hash=HASH)),)
    ),
    "refused suspension": FeedOutcome(
        plan=feed_plan(GONE), suspensions=(suspended(FeedNotSent(reason=REFUSAL)),)
    ),
}

KEEPERS: dict[str, object] = {
    "nobody falls": LiquidationsSubmitted(plan=EMPTY_PLAN, batches=(), reconciliation=None),
    "liquidations": LiquidationsSubmitted(
        plan=FULL_PLAN,
        batches=(BatchSubmitted(batch=BATCH, submission=Sent(tx_hash=HASH)),),
        reconciliation=Reconciled(head=HEAD),
    ),
    "refused liquidations": LiquidationsSubmitted(
        plan=FULL_PLAN,
        batches=(BatchSubmitted(batch=BATCH, submission=NotSent(reason=REFUSAL)),),
        reconciliation=MISMATCH,
    ),
    "liquidations not reconciled": LiquidationsSubmitted(
        plan=EMPTY_PLAN, batches=(), reconciliation=Unreadable(reason="views: down")
    ),
    "held liquidations": LiquidationsHeld(head=HEAD, reason="no book"),
    "quiet book": BookKept(head=HEAD, positions=3, reconciliation=None),
    "equal book": BookKept(head=HEAD, positions=3, reconciliation=Reconciled(head=HEAD)),
    "a page of the book": BookKept(
        head=HEAD, positions=8, reconciliation=PageReconciled(head=HEAD, compared=2, of=8)
    ),
    "different book": BookKept(head=HEAD, positions=3, reconciliation=MISMATCH),
    "book not reconciled": BookKept(
        head=HEAD, positions=3, reconciliation=Unreadable(reason="views: down")
    ),
    "unread book": Unreadable(reason="logs of blocks 1 to 2: down"),
    "quiet funding": FundingOutcome(plan=FUNDING_PLAN, submission=None),
    "funding": FundingOutcome(
        plan=replace(FUNDING_PLAN, due=(DUE,), lags={Netuid(8): DUE.lag, Netuid(64): Seconds(30)}),
        submission=Sent(tx_hash=HASH),
    ),
    "refused funding": FundingOutcome(
        plan=replace(FUNDING_PLAN, due=(DUE,)), submission=NotSent(reason=REFUSAL)
    ),
    "funding not due": NotYetDue(head=HEAD, next_due=Timestamp(9)),
    "unread funding": FundingUnread(reason="funding rows: down"),
    "quiet warnings": warned(),
    "warnings": warned(
        alert(Severity.PAGE),
        alert(Severity.NOTIFY),
        collected=(alert(Severity.DIGEST, AlertKind.FOUND),),
    ),
    "blind warnings": WarningsOutcome(
        head=HEAD, alerts=(), collected=(), standings=None, blindness="no book"
    ),
}

CARE: dict[str, object] = {
    "nothing settled": SettledOutcomes(head=HEAD, settled=(), in_flight={}),
    "key": SettledOutcomes(
        head=HEAD,
        settled=(),
        in_flight={Lane.PRICE: 2},
        unsettled={State.BROADCAST: 2},
        key=KeyState(address=KEY, balance=Wei(25 * 10**17), nonce_gap=2),
    ),
    "settled": SettledOutcomes(
        head=HEAD,
        settled=(
            settled("push", mined(100)),
            settled(
                "accrual",
                Reverted(
                    block=BlockNumber(100), gas_used=50_000, fee=Wei(10**15), reason="Paused()"
                ),
                Lane.FUNDING,
            ),
            settled("batch", Expired(), Lane.LIQUIDATION),
            settled("suspension", Superseded()),
        ),
        in_flight={Lane.PRICE: 1, Lane.LIQUIDATION: 0},
    ),
    "quiet round": Round(delivered={"log": 0}, failed={"log": 0}, still_open=0),
    "round": Round(delivered={"log": 2, "tgram-1": 0}, failed={"tgram-1": 1}, still_open=1),
    "nothing forgotten": Tidied(messages=0, transactions=0, decisions=0, quotes=0),
    "forgotten": Tidied(messages=3, transactions=40, decisions=2, quotes=0),
    "memory not looked at": None,
}

EVERY: dict[str, object] = {**FEEDS, **KEEPERS, **CARE}

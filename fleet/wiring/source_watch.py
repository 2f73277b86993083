"""Tells people what is wrong with the sources: who lies, who is away, that too few agree.

Looks at every step of the feeder, in blocks of chain 964; what stands still in wall-clock time is
for `silence.py`.
"""

import math
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from fleet.settings import SubtensorSettings
from fleet.store.engine import Database
from fleet.telemetry.chain_metrics import ChainMetrics
from fleet.wiring.rhythm import FinalizedHeads
from fleet.wiring.troubles import Episodes, Trouble
from oracle.feeder import FeedOutcome
from oracle.plan import FeedPlan
from oracle.ports import PriceSource
from oracle.quotes import NoPrice, NoPriceReason, Quote, SourceBlock, Standing
from units import BlockNumber, Head

_log = structlog.stdlib.get_logger("sources")

_PATIENCE_BLOCKS = {
    Standing.DISAGREES: 0,
    Standing.WRONG_CHAIN: 0,
    Standing.MALFORMED: 2,
    Standing.LAGGING: 5,
    Standing.UNREACHABLE: 5,
}
"""For so many blocks an endpoint may stand so before people are told; 5: a minute. One that says
something else than the others is not given another block."""

_UNCHECKED_BLOCKS = 3
"""A new runtime is decoded within seconds; what is still unchecked then will stay so."""

_TITLES = {
    Standing.DISAGREES: "said something else than the others",
    Standing.WRONG_CHAIN: "serves another chain",
    Standing.MALFORMED: "gives answers that are none",
    Standing.LAGGING: "lags behind the others",
    Standing.UNREACHABLE: "does not answer",
}


class Sources(Protocol):
    """What the endpoints said, and how long ago; `oracle.sources.quorum.QuorumSource` is one."""

    def age_s(self) -> float | None:
        """Seconds since a higher height was agreed on; None before the first."""
        ...

    @property
    def latest(self) -> SourceBlock | None:
        """The newest finalized block that was read; None before the first."""
        ...

    @property
    def quotes(self) -> tuple[Quote, ...]:
        """What each endpoint that was heard said last, and what that was worth."""
        ...


class Subtensor(PriceSource, FinalizedHeads, Sources, Protocol):
    """All that a fleet needs of Subtensor."""


def show(source: Sources, asked: SubtensorSettings, metrics: ChainMetrics) -> None:
    """Shows the endpoints' states and ages in the metrics, as they are at each scrape."""

    def state(endpoint: str) -> str | None:
        found = (each.standing.value for each in source.quotes if each.endpoint == endpoint)
        return next(found, None)

    def age() -> float:
        found = source.age_s()
        return math.nan if found is None else found

    known = [each.value for each in Standing if each is not Standing.PENDING]
    metrics.sources(states=state, endpoints=asked.names, known=known, age=age)
    metrics.source_agreement(needed=asked.must_agree, operators=asked.operators)


@dataclass(frozen=True, slots=True)
class _Episode:
    standing: Standing
    since: BlockNumber


class SourceWatch:
    """The sources' troubles as messages in the outbox, and a log line for every change.

    `opened` gives the store that the outbox is in.
    """

    def __init__(self, *, source: Sources, opened: Callable[[], Awaitable[Database]]) -> None:
        self._source = source
        self._episodes = Episodes(opened)
        self._standings: dict[str, _Episode] = {}
        self._lasting: dict[str, BlockNumber] = {}

    async def look(self, outcome: FeedOutcome) -> None:
        """Adds to the outbox what is not in it yet; see `Episodes.tell`."""
        plan = outcome.plan
        if not isinstance(plan, FeedPlan):
            return
        quotes = self._source.quotes
        self._note(quotes, plan.head)
        found = (*self._of_endpoints(quotes, plan.head), *self._of_all(plan))
        await self._episodes.tell(found, plan.head.number, plan.head.time)

    def _note(self, quotes: Sequence[Quote], head: Head) -> None:
        for quote in quotes:
            before = self._standings.get(quote.endpoint)
            if before is not None and before.standing is quote.standing:
                since = min(before.since, head.number)  # it may have begun at a made-up head
                self._standings[quote.endpoint] = _Episode(quote.standing, since)
                continue
            self._standings[quote.endpoint] = _Episode(quote.standing, head.number)
            write = _log.info if quote.standing is Standing.AGREES else _log.warning
            write(
                "source_state",
                endpoint=quote.endpoint,
                state=quote.standing.value,
                was=None if before is None else before.standing.value,
                reason=quote.detail or None,
            )

    def _of_endpoints(self, quotes: Sequence[Quote], head: Head) -> Iterator[Trouble]:
        for quote in quotes:
            episode = self._standings[quote.endpoint]
            patience = _PATIENCE_BLOCKS.get(episode.standing)
            if patience is not None and head.number - episode.since >= patience:
                yield _of_endpoint(quote, episode)

    def _of_all(self, plan: FeedPlan) -> Iterator[Trouble]:
        reasons = {each.known.reason for each in plan.markets if isinstance(each.known, NoPrice)}
        spec_version = 0 if plan.source is None else plan.source.spec_version
        true_now = {
            "quorum": NoPriceReason.NO_QUORUM in reasons,
            "api": NoPriceReason.NO_PRICE_API in reasons,
            "unchecked": bool(plan.unchecked),
        }
        self._lasting = {
            what: min(self._lasting.get(what, plan.head.number), plan.head.number)
            for what, is_so in true_now.items()
            if is_so
        }
        if "quorum" in self._lasting:
            yield _no_quorum(self._lasting["quorum"], plan.quotes)
        if "api" in self._lasting:
            yield _no_price_api(spec_version)
        since = self._lasting.get("unchecked")
        if since is not None and plan.head.number - since >= _UNCHECKED_BLOCKS:
            yield _unchecked(spec_version, plan.unchecked)


def _of_endpoint(quote: Quote, episode: _Episode) -> Trouble:
    kind = episode.standing.value.replace(" ", "-")
    detail = f": {quote.detail}" if quote.detail else ""
    return Trouble(
        id=f"source-{kind}-{quote.endpoint}-{episode.since}",
        severity="notify",
        title=f"Subtensor {quote.endpoint} {_TITLES[episode.standing]}",
        body=f'Since block {episode.since} {quote.endpoint} is "{episode.standing.value}"{detail}.'
        " It is left out until it says what the others say. See: keepers doctor",
    )


def _no_quorum(since: BlockNumber, quotes: Iterable[Quote]) -> Trouble:
    said = "; ".join(_told(each) for each in quotes)
    return Trouble(
        id=f"source-no-quorum-{since}",
        severity="page",
        title="Too few sources agree: no price is believed",
        body=f"Since block {since} too few operators say the same of one block ({said}): every"
        " market is suspended until enough do. See: keepers doctor",
    )


def _told(quote: Quote) -> str:
    block = "" if quote.hash is None else f", block {quote.hash[:10]}"
    return f"{quote.endpoint} {quote.standing.value}{block}"


def _no_price_api(spec_version: int) -> Trouble:
    return Trouble(
        id=f"source-no-price-api-{spec_version}",
        severity="page",
        title="The runtime of Subtensor has no price API",
        body=f"Runtime {spec_version} has no SwapRuntimeApi_current_alpha_price_all: every market"
        " is suspended until a runtime has it again; nothing needs to be restarted then",
    )


def _unchecked(spec_version: int, why: str) -> Trouble:
    return Trouble(
        id=f"source-unchecked-{spec_version}",
        severity="notify",
        title="Prices go on without their cross-checks",
        body=f"{why}. Nobody would see a netuid given to another project. See: keepers doctor",
    )

"""`keepers status`: the exchange and the fleet's work on one page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import typer

from fleet.chain.failures import ChainError
from fleet.cli.exits import Exit
from fleet.cli.feed_tables import age_text, state_text
from fleet.cli.output import Output, output
from fleet.cli.ports import Assembly
from fleet.cli.session import JsonOption, session_of
from fleet.cli.witnesses import agreement_text, cross_check_check, states_text
from fleet.cli.words import price_text, seconds_text, tao
from fleet.settings import Settings
from fleet.wiring.facts import Unread, VaultView
from keepers.funding.keeper import FundingPlan, FundingUnread, NotYetDue
from keepers.liquidation.risk import RiskUnknown
from keepers.liquidation.tally import MarketTally, Tally
from oracle.feed import SuspensionReason
from oracle.ports import FeedState
from oracle.quotes import SourceHead, Standing, Unavailable
from units import Head, Netuid

COLUMNS = ("market", "netuid", "feed", "age", "state", "positions", "below maintenance")
_NOBODY = MarketTally(open=0, below=0, unknown=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What was read; each part may be unknown by itself, and says so."""

    head: Head
    nodes: Mapping[str, str | None]
    sources: Mapping[str, str | None]
    finalized: SourceHead | Unavailable
    feed: FeedState | Unavailable
    risk: Tally | RiskUnknown
    funding: FundingPlan | NotYetDue | FundingUnread
    vault: VaultView | Unread


def status(context: typer.Context, *, json: JsonOption = False) -> None:
    """Feed, positions, funding and vault; exits with 3 when something needs a human."""

    async def work(fleet: Assembly) -> Exit:
        with output(is_json=json) as out:
            with out.working("reading both chains"):
                found = await read(fleet)
            faults = list(faults_of(found, fleet.settings))
            _show(found, faults, fleet.settings, out)
        return Exit.UNHEALTHY if faults else Exit.DONE

    session_of(context).run(None, work)


async def read(fleet: Assembly) -> Status:
    """Everything at the latest block. Raises ChainError only when there is no such block."""
    head = await fleet.head()
    netuids = tuple(market.netuid for market in fleet.settings.enabled_markets)
    finalized, sources = await _sources(fleet)
    return Status(
        head=head,
        nodes=fleet.node_states(),
        sources=sources,
        finalized=finalized,
        feed=await fleet.feed.rows(netuids),
        risk=await fleet.risk.tally(head, fleet.settings.exchange.maintenance_bps),
        funding=await fleet.funding.plan(head),
        vault=await _vault(fleet),
    )


async def _sources(
    fleet: Assembly,
) -> tuple[SourceHead | Unavailable, Mapping[str, str | None]]:
    """The newest finalized head, and what every endpoint is worth when it is read."""
    head = await fleet.source.finalized()
    said = head if isinstance(head, Unavailable) else await fleet.source.read(head.number)
    standings = {each.endpoint: each.standing.value for each in said.quotes}
    finalized = said if isinstance(said, Unavailable) else head
    return finalized, {name: standings.get(name) for name in fleet.settings.subtensor.names}


async def _vault(fleet: Assembly) -> VaultView | Unread:
    try:
        return await fleet.vault()
    except ChainError as error:
        return Unread(reason=str(error))


def faults_of(found: Status, settings: Settings) -> Iterator[str]:
    """What needs a human, a line each. Pure."""
    yield from _source_faults(found, settings)
    if isinstance(found.feed, Unavailable):
        yield f"the feed could not be read: {found.feed.detail}"
    else:
        yield from _feed_faults(found.feed, settings)
    if isinstance(found.risk, RiskUnknown):
        yield f"no position can be judged: {found.risk.reason}"
    if isinstance(found.funding, FundingUnread):
        yield f"funding could not be read: {found.funding.reason}"
    elif isinstance(found.funding, FundingPlan):
        late = [settings.symbol(each.netuid) for each in found.funding.due if each.lag]
        yield from [f"funding is late: {', '.join(late)}"] if late else []
    if isinstance(found.vault, Unread):
        yield f"the vault could not be read: {found.vault.reason}"
    elif found.vault.is_opening_paused:
        yield "opening of positions is paused"


def _source_faults(found: Status, settings: Settings) -> Iterator[str]:
    if isinstance(found.finalized, Unavailable):
        yield f"no finalized Subtensor block: {found.finalized.detail}"
    elif (behind := found.head.number - found.finalized.number) >= settings.oracle.stall_blocks:
        yield f"finality is {behind} blocks behind"
    for endpoint, state in found.sources.items():
        if state not in {None, Standing.AGREES.value, Standing.PENDING.value}:
            yield f"subtensor {endpoint}: {state}"


def _feed_faults(feed: FeedState, settings: Settings) -> Iterator[str]:
    for netuid, row in feed.rows.items():
        name, age = settings.symbol(netuid), feed.head.time - row.source_time
        if row.suspension is not SuspensionReason.NONE or not row.price:
            yield f"{name}: {state_text(row)}"
        elif age > settings.exchange.trading_price_age_s_max:
            yield f"{name}: the price is {seconds_text(age)} old, too old to trade at"


def _show(found: Status, faults: list[str], settings: Settings, out: Output) -> None:
    out.record("status", found)
    out.record("faults", faults)
    out.line(f"{settings.network.name}: block {found.head.number}, {_finality(found)}")
    out.line(f"nodes: {states_text(found.nodes)}; {agreement_text(settings.evm)}")
    out.line(f"subtensor: {states_text(found.sources)}; {agreement_text(settings.subtensor)}")
    out.line(f"cross-check: {cross_check_check(settings).found}")
    if isinstance(found.feed, FeedState):
        out.table("Markets", COLUMNS, list(_market_rows(found.feed, found.risk, settings)))
    if isinstance(found.funding, FundingPlan) and found.funding.next_due is not None:
        wait = found.funding.next_due - found.head.time
        out.line(f"funding: next due {'now' if wait <= 0 else f'in {seconds_text(wait)}'}")
    if isinstance(found.vault, VaultView):
        out.line(_vault_line(found.vault))
    for fault in faults:
        out.line(f"attention: {fault}")


def _finality(found: Status) -> str:
    if isinstance(found.finalized, Unavailable):
        return "finality unknown"
    return f"finalized {found.finalized.number}"


def _market_rows(
    feed: FeedState, risk: Tally | RiskUnknown, settings: Settings
) -> Iterator[tuple[str, ...]]:
    for netuid, row in feed.rows.items():
        yield (
            settings.symbol(netuid),
            str(netuid),
            price_text(row.price),
            age_text(row, feed.head),
            state_text(row),
            *_counts(netuid, risk),
        )


def _counts(netuid: Netuid, risk: Tally | RiskUnknown) -> tuple[str, str]:
    if isinstance(risk, RiskUnknown):
        return "?", "?"
    found = risk.markets.get(netuid, _NOBODY)
    unknown = f"0 and {found.open} unknown" if found.open else "0"
    return str(found.open), unknown if found.below is None else str(found.below)


def _vault_line(vault: VaultView) -> str:
    return (
        f"vault: reserves {tao(vault.reserves)} TAO, insurance {tao(vault.insurance)},"
        f" claims {tao(vault.claims)}, bad debt so far {tao(vault.bad_debt)}"
    )

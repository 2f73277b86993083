"""What a study found, as tables for a terminal and a page alike. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from charts import Table
from study.following import Following
from study.foresight import Taken
from study.guarding import Hold
from study.guards import GuardTrial
from study.trials import MarketTrial, Study, Trial
from units import BPS_ONE, Netuid

_SHORT_BLOCKS, _LONG_BLOCKS = 10, 30

Symbol = Callable[[Netuid], str]
"""What people call a market."""

_GAS_PRICE_WEI = 10**10
"""10 gwei, the floor of chain 964, at which it idles."""

_RHYTHM = ("pushes a day", "prices a day", "Mgas a day", "TAO a day", "error bps", "worst bps")
_TAKEN = ("foreseen a day", "taken bps a day", "by the feed alone")


def tables(found: Study, symbol: Symbol) -> Sequence[Table]:
    """Everything, in the order in which it is to be read."""
    return (
        _rhythms(found),
        _earlies(found),
        _markets(found, symbol),
        _guards(found),
        _shocks(found, symbol),
    )


def _rhythms(found: Study) -> Table:
    return Table(
        caption="Band and heartbeat, the same for every market",
        columns=("band, heartbeat", *_RHYTHM, *_TAKEN),
        rows=[
            (_rhythm_name(each), *_rhythm_cells(each, found), *_taken_cells(each, found))
            for each in found.trials
        ],
    )


def _earlies(found: Study) -> Table:
    return Table(
        caption="At this share of band or heartbeat a price goes along with another's push",
        columns=("share", *_RHYTHM),
        rows=[
            (f"{each.policy.early_percent} %", *_rhythm_cells(each, found))
            for each in found.earlies
        ],
    )


def _markets(found: Study, symbol: Symbol) -> Table:
    markets = found.configured.markets.items()
    rows = [(symbol(netuid), *_market_cells(each, found)) for netuid, each in markets]
    trial = found.configured
    caption = f"Every market as configured: {trial.transactions / found.days:.0f} pushes a day"
    return Table(
        caption=f"{caption}, {trial.suspensions} suspensions in all",
        columns=(
            "market",
            "prices a day",
            "error bps",
            "worst bps",
            "worst while suspended",
            "suspended",
            "foreseen a day",
            "taken bps a day",
        ),
        rows=rows,
    )


def _guards(found: Study) -> Table:
    named = [(_guard_name(each), each) for each in found.guards]
    return Table(
        caption="The guard: how long a jump must stand, and for how long it must stand still",
        columns=(
            "blocks, still for",
            "holds",
            "confirmed",
            "held blocks",
            "longest",
            "calm rows held",
            "taken back",
            "largest",
        ),
        rows=[
            (name, *_guard_cells(each)) for name, each in (*named, ("as configured", found.guard))
        ],
    )


def _shocks(found: Study, symbol: Symbol) -> Table:
    return Table(
        caption="Shocks that stood, as configured, and how long they were held",
        columns=(
            "market",
            "shocks",
            "held 10 blocks",
            "up to 30",
            "longer",
            "the largest",
            "since block",
            "held blocks",
        ),
        rows=[(symbol(netuid), *_shock_cells(of_it)) for netuid, of_it in shocks(found).items()],
    )


def shocks(found: Study) -> dict[Netuid, list[Hold]]:
    """The holds of every market that ended at the other level, the largest first."""
    of: defaultdict[Netuid, list[Hold]] = defaultdict(list)
    for hold in found.holds:
        if hold.is_confirmed:
            of[hold.netuid].append(hold)
    return {netuid: sorted(each, key=size, reverse=True) for netuid, each in of.items()}


def size(hold: Hold) -> int:
    """How far a hold went, in bps."""
    return abs(hold.after - hold.before) * BPS_ONE // hold.before


def _shock_cells(holds: Sequence[Hold]) -> Iterator[str]:
    at_once = sum(1 for hold in holds if hold.blocks <= _SHORT_BLOCKS)
    longer = sum(1 for hold in holds if hold.blocks > _LONG_BLOCKS)
    largest = holds[0]
    yield str(len(holds))
    yield str(at_once)
    yield str(len(holds) - at_once - longer)
    yield str(longer)
    yield f"{(largest.after / largest.before - 1) * 100:+.1f} %"
    yield str(largest.since)
    yield str(largest.blocks)


def _rhythm_name(trial: Trial) -> str:
    return f"{trial.policy.deviation} bps, {trial.policy.heartbeat_s} s"


def _rhythm_cells(trial: Trial, found: Study) -> Iterator[str]:
    gas = trial.gas / found.days
    yield f"{trial.transactions / found.days:,.0f}"
    yield f"{trial.prices / found.days:,.0f}"
    yield f"{gas / 1e6:.1f}"
    yield f"{gas * _GAS_PRICE_WEI / 1e18:.2f}"
    yield f"{trial.error:.2f}"
    yield f"{trial.worst:,.0f}"


def _taken_cells(trial: Trial, found: Study) -> Iterator[str]:
    taken = [each.taken for each in trial.markets.values()]
    yield f"{sum(each.trades for each in taken) / found.days:.1f}"
    yield f"{_bps_a_day(taken, found):,.0f}"
    yield f"{_bps_a_day([each.taken_alone for each in trial.markets.values()], found):,.0f}"


def _bps_a_day(taken: Sequence[Taken], found: Study) -> float:
    return sum(each.bps for each in taken) / found.days


def _market_cells(market: MarketTrial, found: Study) -> Iterator[str]:
    feed = market.following
    yield f"{market.pushes / found.days:,.0f}"
    yield f"{feed.mean:.2f}"
    yield f"{feed.worst:,.0f}"
    yield f"{feed.worst_suspended:,.0f}"
    yield f"{_share(feed):.3f} %"
    yield f"{market.taken.trades / found.days:.1f}"
    yield f"{market.taken.bps / found.days:,.0f}"


def _share(feed: Following) -> float:
    known = feed.open_blocks + feed.suspended_blocks
    return 100 * feed.suspended_blocks / known if known else 0.0


def _guard_name(trial: GuardTrial) -> str:
    return f"{trial.confirm_blocks}, {trial.restart_blocks}"


def _guard_cells(trial: GuardTrial) -> Iterator[str]:
    off = max((bps for _, bps in trial.touched), default=0)
    yield f"{trial.holds:,}"
    yield f"{trial.confirmed:,}"
    yield f"{trial.held_blocks:,}"
    yield str(trial.longest)
    yield str(trial.calm_rows)
    yield str(len(trial.touched))
    yield f"{off / 100:.0f} %" if off else "–"

"""What a run prints and leaves behind."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from devnet.chaos.audit import Verdict

_FAULTS = ("duplicates", "lost", "ended_twice", "told_twice", "gaps", "inconsistent", "misbooked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A run and its verdict.

    Attributes:
        kills: processes ended by signal 9 at a random instant.
        requests: pieces of work.
        seed: of everything random but the scheduling of processes.
        duration_s: wall-clock seconds of the whole run.
        blocks, spikes, dropped: what the chain did meanwhile.
        nonces: transactions of the account on chain.
        deaths: entries in flight at the kills, by the journal's state.
        network_faults: what befell requests on their way, by kind.
        idle_deaths: kills at which nothing was in flight.
        verdict: what the audit found.
    """

    kills: int
    requests: int
    seed: int
    duration_s: float
    blocks: int
    spikes: int
    dropped: int
    nonces: int
    deaths: Mapping[str, int]
    network_faults: Mapping[str, int]
    idle_deaths: int
    verdict: Verdict

    def as_json(self) -> dict[str, Any]:
        """Plain values; what the audit looks for as counts, with the culprits beside them."""
        plain = asdict(self)
        found = plain.pop("verdict")
        counts = {name: len(found[name]) for name in _FAULTS}
        culprits = {name: list(found[name]) for name in _FAULTS if found[name]}
        rest = {name: value for name, value in found.items() if name not in _FAULTS}
        return plain | rest | counts | {"culprits": culprits, "is_clean": self.verdict.is_clean}


def print_report(console: Console, report: Report) -> None:
    """Two tables: how the pieces ended, and what the audit found."""
    console.print(_outcomes(report.verdict.outcomes))
    figures = Table.grid(padding=(0, 2))
    for name, value in _figures(report).items():
        figures.add_row(f"[dim]{name}[/]", value)
    console.print(figures)
    for name in _FAULTS:
        found = getattr(report.verdict, name)
        mark = f"[bold red]{list(found)}[/]" if found else "[green]none[/]"
        console.print(f"{name.replace('_', ' '):<14}", mark)


def _outcomes(outcomes: Mapping[str, Mapping[str, int]]) -> Table:
    endings = sorted({ending for counts in outcomes.values() for ending in counts})
    table = Table(title="how the requests ended")
    for column in ("kind", *endings):
        table.add_column(column, justify="left" if column == "kind" else "right")
    for kind, counts in outcomes.items():
        table.add_row(kind, *(str(counts.get(ending, 0)) for ending in endings))
    return table


def _figures(report: Report) -> dict[str, str]:
    deaths = ", ".join(f"{state} {count}" for state, count in report.deaths.items())
    return {
        "kills": f"{report.kills}, of which {report.idle_deaths} with nothing in flight",
        "in flight at the kills": deaths or "nothing",
        "requests": str(report.requests),
        "nonces": str(report.nonces),
        "blocks": f"{report.blocks}, {report.spikes} fee spikes, {report.dropped} dropped",
        "network faults": str(sum(report.network_faults.values())),
        "told by the journal alone": str(report.verdict.told_by_journal_alone),
        "duration": f"{report.duration_s:.1f} s, seed {report.seed}",
    }

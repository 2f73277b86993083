"""What a contest prints and leaves behind."""

from collections import defaultdict
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from devnet.chaos.audit import Verdict
from devnet.leadership.faults import Fault, Takeover

WITHIN_S = 15.0
"""Longest that nobody may act after a fault, or after the store's return."""

STOPS_WITHIN_S = 5.0
"""Longest that anything may be decided after the store has gone."""

_FOUND = ("duplicates", "lost", "ended_twice", "told_twice", "gaps", "inconsistent", "misbooked")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestReport:
    """A contest and its verdict.

    Attributes:
        database: what the store was.
        lease_s: seconds of the lease.
        seed: of everything random but the scheduling of processes.
        processes: how many there were in all.
        blocks: what the chain did meanwhile.
        pieces: work done.
        nonces: transactions of the account on chain.
        duration_s: wall-clock seconds of the whole run.
        takeovers: every fault and what came of it.
        verdict: what the audit found.
    """

    database: str
    lease_s: float
    seed: int
    processes: int
    blocks: int
    pieces: int
    nonces: int
    duration_s: float
    takeovers: tuple[Takeover, ...]
    verdict: Verdict

    @property
    def slow(self) -> tuple[Takeover, ...]:
        """Those after which it took too long until somebody acted, or stopped deciding."""
        return tuple(
            each
            for each in self.takeovers
            if each.seconds > WITHIN_S or (each.stopped_s or 0.0) > STOPS_WITHIN_S
        )

    @property
    def is_clean(self) -> bool:
        """Nothing done twice, nothing lost, and always somebody there in time."""
        return self.verdict.is_clean and not self.slow

    def by_fault(self) -> dict[str, dict[str, float]]:
        """How many of each kind, and their times in seconds."""
        found: defaultdict[Fault, list[Takeover]] = defaultdict(list)
        for each in self.takeovers:
            found[each.fault].append(each)
        return {fault.value: _figures(found[fault]) for fault in Fault if fault in found}

    def as_json(self) -> dict[str, Any]:
        """Plain values; what the audit looks for as counts, with the culprits beside them."""
        plain = asdict(self)
        verdict = plain.pop("verdict")
        plain.pop("takeovers")
        counts = {name: len(verdict[name]) for name in _FOUND}
        culprits = {name: list(verdict[name]) for name in _FOUND if verdict[name]}
        judged = {"faults": self.by_fault(), "slow": len(self.slow), "culprits": culprits}
        outcomes = {"outcomes": verdict["outcomes"]}
        return plain | judged | counts | outcomes | {"is_clean": self.is_clean}


def print_contest(console: Console, report: ContestReport) -> None:
    """One table of the faults, and what the audit found."""
    table = Table(title=f"until somebody acts again, {report.database}, lease {report.lease_s:g} s")
    for column in ("the leader was", "times", "led s", "acts s", "longest s", "decided for s"):
        table.add_column(column, justify="left" if column == "the leader was" else "right")
    for fault, figures in report.by_fault().items():
        named = ("led_s_median", "seconds_median", "seconds_max", "decided_s_max")
        times = [f"{figures[name]:.1f}" if name in figures else "" for name in named]
        table.add_row(fault, str(figures["count"]), *times)
    console.print(table)
    console.print(
        f"{report.pieces} pieces of work, {report.nonces} nonces, {report.blocks} blocks,"
        f" {report.processes} processes, {report.duration_s:.0f} s, seed {report.seed}",
        highlight=False,
    )
    for name in _FOUND:
        found = getattr(report.verdict, name)
        mark = f"[bold red]{list(found)}[/]" if found else "[green]none[/]"
        console.print(f"{name.replace('_', ' '):<14}", mark)
    late = f"[bold red]{[each.fault.value for each in report.slow]}[/]"
    console.print(f"{'too slow':<14}", late if report.slow else "[green]none[/]")


def _figures(found: list[Takeover]) -> dict[str, float]:
    seconds = [each.seconds for each in found]
    led = [each.led_s for each in found if each.led_s is not None]
    stopped = [each.stopped_s for each in found if each.stopped_s is not None]
    figures: dict[str, float] = {
        "count": len(found),
        "seconds_median": round(median(seconds), 2),
        "seconds_max": round(max(seconds), 2),
    }
    if led:
        figures |= {"led_s_median": round(median(led), 2), "led_s_max": round(max(led), 2)}
    return figures | ({"decided_s_max": round(max(stopped), 2)} if stopped else {})

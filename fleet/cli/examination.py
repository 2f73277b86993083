"""`keepers doctor`: everything that must be right before the fleet may act, line by line."""

from collections.abc import Iterator

import typer

from fleet.cli import doctor as judge
from fleet.cli.doctor import Check, Verdict, is_healthy
from fleet.cli.exits import Exit
from fleet.cli.output import Output, output
from fleet.cli.ports import Assembly, Inspector
from fleet.cli.session import JsonOption, session_of
from fleet.cli.witnesses import (
    agreement_checks,
    cross_check_check,
    source_agreement_check,
)
from fleet.settings import Settings

_MARKS = {Verdict.PASSED: "pass", Verdict.NOTED: "note", Verdict.FAILED: "FAIL"}


def doctor(context: typer.Context, *, json: JsonOption = False) -> None:
    """Nodes, contracts, roles, keys, markets and clocks; exits with 3 when anything fails."""

    async def work(fleet: Assembly) -> Exit:
        with output(is_json=json) as out:
            with out.working("examining"):
                checks = await examine(fleet.inspector, fleet.settings)
            _show(checks, out)
        return Exit.DONE if is_healthy(checks) else Exit.UNHEALTHY

    session_of(context).run(None, work)


async def examine(inspector: Inspector, settings: Settings) -> list[Check]:
    """Gathers the facts and judges them."""
    nodes, sources = await inspector.nodes(), await inspector.sources()
    contracts, accounts = await inspector.contracts(), await inspector.accounts()
    roles, markets = await inspector.roles(), await inspector.markets()

    def checks() -> Iterator[Check]:
        yield from judge.node_checks(nodes, settings)
        yield from agreement_checks(nodes, settings)
        yield from judge.source_checks(sources, settings)
        yield source_agreement_check(sources, settings)
        yield cross_check_check(settings)
        yield from judge.contract_checks(contracts, settings)
        yield from judge.account_checks(accounts, settings)
        yield from judge.role_checks(roles)
        yield from judge.market_checks(markets, settings)

    return list(checks())


def _show(checks: list[Check], out: Output) -> None:
    out.record("healthy", is_healthy(checks))
    out.record("checks", checks)
    for check in checks:
        out.line(f"{_MARKS[check.verdict]}  {check.subject}: {check.found}")
        if check.remedy and check.verdict is not Verdict.PASSED:
            out.line(f"      → {check.remedy}")
    failed = sum(check.verdict is Verdict.FAILED for check in checks)
    out.line(f"{len(checks)} checks, {failed} failed")

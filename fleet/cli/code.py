"""`keepers accept-code`: letting the fleet act on contracts whose code has changed."""

import typer

from fleet.cli.acting import Acting, held_back
from fleet.cli.exits import Exit
from fleet.cli.output import Output, output
from fleet.cli.ports import Assembly
from fleet.cli.session import DryRunOption, JsonOption, YesOption, session_of
from fleet.store.code_pins import Code
from fleet.wiring.code_judgement import CodeFacts, CodeVerdict


def accept_code(
    context: typer.Context,
    *,
    json: JsonOption = False,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Show which contracts have other code than was accepted, and accept it once reviewed."""
    acting = Acting(yes=yes, dry_run=dry_run, wait_s=0)

    async def work(fleet: Assembly) -> Exit:
        with output(is_json=json) as out:
            with out.working("reading the contracts' code"):
                facts = await fleet.code.facts()
            _show(facts, out)
            return await _accept(fleet, facts, acting, out)

    session_of(context).run(None, work)


async def _accept(
    fleet: Assembly, facts: tuple[CodeFacts, ...], acting: Acting, out: Output
) -> Exit:
    absent = [each.name for each in facts if each.verdict is CodeVerdict.ABSENT]
    if absent:
        out.line(f"there is no code to accept: correct contracts.{absent[0]}")
        return Exit.REFUSED
    new = [each for each in facts if each.verdict is not CodeVerdict.ACCEPTED]
    if not new:
        out.line("nothing to do: all of it was accepted")
        return Exit.DONE
    question = f"Act on this code of {', '.join(each.name for each in new)}?"
    held = await held_back(acting, out, question, needs_key=False, fleet=fleet)
    if held is not None:
        return held
    await fleet.code.accept(new)
    out.record("acted", value=True)
    for each in new:
        out.line(f"{each.name}: accepted; bots that run see it within a minute")
    return Exit.DONE


def _show(facts: tuple[CodeFacts, ...], out: Output) -> None:
    out.record("contracts", facts)
    rows = [
        (each.name, each.address, each.verdict.value, _said(each.accepted), _said(each.found))
        for each in facts
    ]
    out.table("Code", ("contract", "address", "is", "accepted", "now"), rows)


def _said(code: Code | None) -> str:
    if code is None or code.code_hash is None:
        return "none"
    if code.implementation is None:
        return code.code_hash
    return f"{code.code_hash} → {code.implementation} {code.implementation_hash}"

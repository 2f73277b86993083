"""`keepers oracle accept-pin`: another registration behind a netuid is the one that is meant now.

The only way on after a market was suspended for its identity, besides writing the pin by hand: it
changes one line of the configuration and prints what is left to do, for this operator and for the
exchange's admin.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from fleet.cli.acting import Acting, held_back
from fleet.cli.exits import Exit, WrongInputError
from fleet.cli.inputs import markets as named_markets
from fleet.cli.output import Output, output
from fleet.cli.pins import read_subnets, registration, show_subnets
from fleet.cli.ports import Assembly
from fleet.cli.session import DryRunOption, JsonOption, YesOption, session_of
from fleet.settings import load, repinned
from oracle.feed import SuspensionReason
from oracle.quotes import Reading, Unavailable
from units import BlockNumber, Netuid

OneMarket = Annotated[str, typer.Argument(help="By symbol or netuid.", metavar="MARKET")]


def accept_pin(
    context: typer.Context,
    market: OneMarket,
    *,
    json: JsonOption = False,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Pin the registration that stands behind a netuid now, once it is the project meant."""
    acting = Acting(yes=yes, dry_run=dry_run, wait_s=0)
    session = session_of(context)

    async def work(fleet: Assembly) -> Exit:
        (netuid,) = named_markets(fleet.settings, [market])
        with output(is_json=json) as out:
            found = await read_subnets(fleet, out)
            if isinstance(found, Unavailable):
                return Exit.REFUSED
            return await _accept(fleet, netuid, found, file=session.config, acting=acting, out=out)

    session.run(None, work)


async def _accept(
    fleet: Assembly,
    netuid: Netuid,
    found: Reading,
    *,
    file: Path | None,
    acting: Acting,
    out: Output,
) -> Exit:
    show_subnets(found, [netuid], fleet.settings, out)
    registered_at = registration(found, netuid)
    if registered_at is None:
        out.line("refused: there is no subnet to pin")
        return Exit.REFUSED
    pinned = {each.netuid: each.registered_at for each in fleet.settings.markets}[netuid]
    if pinned == registered_at:
        out.line("nothing to do: it is pinned already")
        await _tell_admin(fleet, netuid, out)
        return Exit.DONE
    question = f"Is the subnet registered at {registered_at} the project meant by {netuid}?"
    held = await held_back(acting, out, question, needs_key=False, fleet=fleet)
    if held is not None:
        return held
    _write(file, netuid, registered_at, out)
    await _tell_admin(fleet, netuid, out)
    return Exit.DONE


def _write(file: Path | None, netuid: Netuid, registered_at: BlockNumber, out: Output) -> None:
    if file is None:
        raise WrongInputError("a network that comes along can't be changed: name --config FILE")
    changed = repinned(file.read_text(), netuid, registered_at)
    draft = file.with_name(f"{file.name}.draft")
    try:
        draft.write_text(changed)
        draft.chmod(file.stat().st_mode)
        _check(draft, netuid, registered_at)
        draft.replace(file)
    except OSError as error:
        raise WrongInputError(f"{file} can't be written: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)
    out.record("acted", value=True)
    out.record("registered_at", registered_at)
    out.line(f"{file}: registered_at of {netuid} is {registered_at} now")
    out.line("1. Restart the bots: those that run keep to the pin from before.")


def _check(draft: Path, netuid: Netuid, registered_at: BlockNumber) -> None:
    """The environment may say something else than the file, and would go on doing so."""
    pins = {market.netuid: market.registered_at for market in load(draft).markets}
    if pins.get(netuid) != registered_at:
        raise WrongInputError("KEEPERS_MARKETS says which registration is meant: change it there")


async def _tell_admin(fleet: Assembly, netuid: Netuid, out: Output) -> None:
    """The call that clears the suspension, as long as there is one to clear."""
    state = await fleet.feed.rows([netuid])
    if isinstance(state, Unavailable):
        out.line(f"whether the market is suspended is not known: {state.detail}")
    elif state.rows[netuid].suspension is SuspensionReason.IDENTITY:
        call = fleet.inspector.clearing([netuid])
        out.record("admin", call)
        for line in _admin_lines(call.text, call.to, call.data):
            out.line(line)


def _admin_lines(text: str, to: str, data: bytes) -> Iterator[str]:
    yield "2. The admin ends the suspension, which nobody else can:"
    yield f"   {text}: to {to} data 0x{data.hex()}"

"""`keepers oracle pins`: which subnet stands behind each netuid, for a human to confirm."""

from collections.abc import Sequence

import typer

from fleet.cli.exits import Exit
from fleet.cli.inputs import Markets
from fleet.cli.inputs import markets as named_markets
from fleet.cli.output import Output, output
from fleet.cli.ports import Assembly
from fleet.cli.session import JsonOption, session_of
from fleet.settings import Settings, to_toml
from oracle.quotes import Reading, Unavailable
from units import RAO_IN_PRICE_WEI, BlockNumber, Netuid


def pins(context: typer.Context, markets: Markets = None, json: JsonOption = False) -> None:
    """Which subnet stands behind each netuid now; prints the registered_at lines to confirm."""

    async def work(fleet: Assembly) -> Exit:
        chosen = named_markets(fleet.settings, markets or ())
        with output(is_json=json) as out:
            return await _pins(fleet, chosen, out)

    session_of(context).run(None, work)


async def _pins(fleet: Assembly, chosen: Sequence[Netuid], out: Output) -> Exit:
    said = await read_subnets(fleet, out)
    if isinstance(said, Unavailable):
        return Exit.REFUSED
    verdicts = show_subnets(said, chosen, fleet.settings, out)
    for line in _pin_lines(said, chosen, fleet.settings):
        out.line(line)
    return Exit.DONE if all(each == "as pinned" for each in verdicts) else Exit.UNHEALTHY


async def read_subnets(fleet: Assembly, out: Output) -> Reading | Unavailable:
    """What stands behind the netuids now, agreed on; says why not, where it can't be read."""
    with out.working("reading Subtensor"):
        head = await fleet.source.finalized()
        said = head if isinstance(head, Unavailable) else await fleet.source.read(head.number)
    if isinstance(said, Reading) and said.identities is None:
        said = Unavailable(detail="the runtime hides identities")
    if isinstance(said, Unavailable):
        out.record("reason", said.detail)
        out.line(f"registration blocks cannot be read: {said.detail}")
    return said


def show_subnets(
    said: Reading, chosen: Sequence[Netuid], settings: Settings, out: Output
) -> list[str]:
    """A table of these markets; returns their verdicts."""
    rows = _pin_rows(said, chosen, settings)
    out.record("block", said.block)
    out.record("identities", {netuid: (said.identities or {}).get(netuid) for netuid in chosen})
    columns = ("market", "netuid", "registered at", "pinned", "price", "TAO in pool", "verdict")
    out.table(f"Subnets at Subtensor block {said.block.number}", columns, rows)
    return [row[-1] for row in rows]


def registration(said: Reading, netuid: Netuid) -> BlockNumber | None:
    """The block at which the subnet behind a netuid was registered; None: there is none."""
    identity = (said.identities or {}).get(netuid)
    return identity.registered_at if identity is not None and identity.exists else None


def _pin_rows(said: Reading, chosen: Sequence[Netuid], settings: Settings) -> list[tuple[str, ...]]:
    pinned = {each.netuid: each.registered_at for each in settings.markets}
    rows: list[tuple[str, ...]] = []
    for netuid in chosen:
        found = registration(said, netuid)
        rao = (said.prices or {}).get(netuid, 0)
        rows.append(
            (
                settings.symbol(netuid),
                str(netuid),
                str(found) if found is not None else "–",
                str(pinned[netuid] or "–"),
                f"{rao} RAO",
                _pool(said, netuid),
                _pin_verdict(found, pinned[netuid]),
            )
        )
    return rows


def _pool(said: Reading, netuid: Netuid) -> str:
    depth = (said.depths or {}).get(netuid)
    return "–" if depth is None else f"{depth.tao // RAO_IN_PRICE_WEI:,}"


def _pin_verdict(found: int | None, pinned: int | None) -> str:
    if found is None:
        return "the subnet does not exist"
    if pinned is None:
        return "to be confirmed"
    return "as pinned" if found == pinned else "ANOTHER REGISTRATION than pinned"


def _pin_lines(said: Reading, chosen: Sequence[Netuid], settings: Settings) -> list[str]:
    """The [[markets]] entries with what was read, to be pasted after a look at each project."""
    identities = said.identities or {}
    entries = [
        market.model_dump(exclude_defaults=True)
        | {"registered_at": identities[market.netuid].registered_at}
        for market in settings.markets
        if market.netuid in chosen and market.netuid in identities
        if identities[market.netuid].exists
    ]
    confirm = "# Confirm that each is the project meant, then replace [[markets]] by:"
    return ["", confirm, to_toml({"markets": entries})]

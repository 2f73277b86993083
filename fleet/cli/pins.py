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
from units import RAO_IN_PRICE_WEI, Netuid


def pins(context: typer.Context, markets: Markets = None, json: JsonOption = False) -> None:
    """Which subnet stands behind each netuid now; prints the registered_at lines to confirm."""

    async def work(fleet: Assembly) -> Exit:
        chosen = named_markets(fleet.settings, markets or ())
        with output(is_json=json) as out:
            return await _pins(fleet, chosen, out)

    session_of(context).run(None, work)


async def _pins(fleet: Assembly, chosen: Sequence[Netuid], out: Output) -> Exit:
    with out.working("reading Subtensor"):
        head = await fleet.source.finalized()
        said = head if isinstance(head, Unavailable) else await fleet.source.read(head.number)
    if isinstance(said, Unavailable) or said.identities is None:
        detail = said.detail if isinstance(said, Unavailable) else "the runtime hides identities"
        out.record("reason", detail)
        out.line(f"registration blocks cannot be read: {detail}")
        return Exit.REFUSED
    rows = list(_pin_rows(said, chosen, fleet.settings))
    out.record("block", said.block)
    out.record("identities", {netuid: said.identities.get(netuid) for netuid in chosen})
    columns = ("market", "netuid", "registered at", "pinned", "price", "TAO in pool", "verdict")
    out.table(f"Subnets at Subtensor block {said.block.number}", columns, rows)
    for line in _pin_lines(said, chosen, fleet.settings):
        out.line(line)
    return Exit.DONE if all(row[-1] == "as pinned" for row in rows) else Exit.UNHEALTHY


def _pin_rows(said: Reading, chosen: Sequence[Netuid], settings: Settings) -> list[tuple[str, ...]]:
    pinned = {each.netuid: each.registered_at for each in settings.markets}
    rows: list[tuple[str, ...]] = []
    for netuid in chosen:
        identity = (said.identities or {}).get(netuid)
        exists = identity is not None and identity.exists
        found = identity.registered_at if identity is not None and exists else None
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

"""The proxy from a shell: `python -m devnet.faults --target URL --plan FILE`.

Runs until it is interrupted, then says how many requests it took and what befell them.
"""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from devnet.faults.plan import Plan, PlanError, read_plan
from devnet.faults.proxy import running_proxy
from devnet.stopping import stop_on_signals


def main(
    target: Annotated[str, typer.Option(help="the node's http:// URL")],
    plan: Annotated[Path | None, typer.Option(help="rules as JSON; none: no faults")] = None,
    port: Annotated[int, typer.Option(help="0: a free one")] = 0,
) -> None:
    """Puts a fault proxy in front of a node."""
    try:
        rules = Plan() if plan is None else read_plan(plan.read_text())
    except (OSError, PlanError) as error:
        raise typer.BadParameter(str(error)) from error
    asyncio.run(_serve(target, rules, port, Console()))


async def _serve(target: str, plan: Plan, port: int, console: Console) -> None:
    with stop_on_signals() as stop:
        async with running_proxy(target, plan, port=port) as proxy:
            console.print(f"{proxy.rpc_url} and {proxy.ws_url} lead to {target}")
            await stop.wait()
            console.print(f"requests: {dict(proxy.asked)}, faults: {dict(proxy.struck)}")


if __name__ == "__main__":
    typer.run(main)

"""From a plan that is shown to its outcome: consent, sending, and the wait for receipts.

Nothing is sent without a key, and not before a human or `--yes` agrees. Knows no bot.
"""

import asyncio
import sys
from dataclasses import dataclass
from typing import assert_never

import typer

from fleet.cli.exits import Exit
from fleet.cli.output import Output
from fleet.cli.ports import Assembly
from fleet.cli.words import tao
from fleet.transactions.request import (
    Expired,
    Final,
    Included,
    Reverted,
    Settled,
    Superseded,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """How far a command may go."""

    yes: bool
    dry_run: bool
    wait_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """It must not act: why, and what the command ends with."""

    reason: str
    code: Exit


async def stopped(
    acting: Acting, out: Output, question: str, *, needs_key: bool, fleet: Assembly
) -> Stop | None:
    """None when it may act; asks on a terminal.

    Raises LeaseTaken when it needs the key and another process has it.
    """
    if acting.dry_run:
        return Stop(reason="dry run: nothing was done", code=Exit.DONE)
    if needs_key and fleet.account is None:
        reason = "no key is configured (keys.operator): dry run, nothing was sent"
        # who says --yes expects it to be done
        return Stop(reason=reason, code=Exit.REFUSED if acting.yes else Exit.DONE)
    if needs_key:
        await fleet.claim_key()
    if acting.yes:
        return None
    if out.is_json or not sys.stdin.isatty():
        return Stop(reason="not confirmed: add --yes to act", code=Exit.REFUSED)
    agreed = await asyncio.to_thread(typer.confirm, question, err=True)
    return None if agreed else Stop(reason="not confirmed: nothing was done", code=Exit.REFUSED)


async def held_back(
    acting: Acting, out: Output, question: str, *, needs_key: bool, fleet: Assembly
) -> Exit | None:
    """None when it may act, see `stopped`; else says why not, and what the command ends with."""
    stop = await stopped(acting, out, question, needs_key=needs_key, fleet=fleet)
    if stop is None:
        return None
    out.record("acted", value=False)
    out.record("reason", stop.reason)
    out.line(stop.reason)
    return stop.code


async def tell_outcomes(fleet: Assembly, acting: Acting, out: Output) -> Exit:
    """Waits for what was sent, a line each as it comes.

    Done only when all of it succeeded. Who asks for an outcome and gets none in time must not
    take that for success; `--wait 0` asks for none.
    """
    settled: list[Settled] = []
    is_known = True
    try:
        with out.working(f"waiting up to {acting.wait_s:.0f} s for the outcome"):
            async with asyncio.timeout(acting.wait_s):
                async for each in fleet.outcomes():
                    settled += [each] if isinstance(each, Settled) else []
                    out.line(news_line(each))
    except TimeoutError:
        is_known = acting.wait_s == 0
        out.line("some are still on their way; whoever holds this key next takes them over")
    out.record("settled", settled)
    good = all(isinstance(each.outcome, Final) for each in settled)
    return Exit.DONE if is_known and good else Exit.REFUSED


def news_line(news: Included | Settled) -> str:
    """One line: that it is in a block, or what became of it for good."""
    if isinstance(news, Settled):
        return outcome_line(news)
    how = "in block" if news.succeeded else "reverted in block"
    return f"{news.request.purpose}: {how} {news.block}, waiting until that is final"


def outcome_line(settled: Settled) -> str:
    """One line: what it was for and what became of it."""
    purpose, tx_hash = settled.request.purpose, settled.tx_hash
    match settled.outcome:
        case Final(block=block, gas_used=gas, fee=fee):
            return f"{purpose}: done in block {block}, {gas} gas, {tao(fee)} TAO ({tx_hash})"
        case Reverted(block=block, reason=reason):
            return f"{purpose}: reverted in block {block}: {reason} ({tx_hash})"
        case Expired(reason=reason):
            return f"{purpose}: without effect, {reason} ({tx_hash})"
        case Superseded():
            return f"{purpose}: its nonce was used by a transaction from elsewhere ({tx_hash})"
        case never:
            assert_never(never)

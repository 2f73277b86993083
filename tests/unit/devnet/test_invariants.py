"""The auditor against an exchange whose views lie in one point at a time."""

from dataclasses import replace
from typing import Any

import pytest

from devnet.audit.invariants import Auditor, Invariant
from devnet.audit.watch import MARGINS_EVERY_BLOCKS, Audit
from devnet.chain import SealedBlock
from tests.unit.devnet.lying_exchange import HEAD, FakeExchange, a_long, auditor_of, ledger_of
from units import BlockNumber, Wei


async def check_everything(auditor: Auditor) -> set[Invariant]:
    """The invariants that do not hold after all checks."""
    await auditor.check_totals(HEAD)
    await auditor.check_positions(HEAD)
    await auditor.check_margins(HEAD, tuple(auditor.referee.ledger.holdings.values()))
    auditor.check_verdict()
    return {one for one in Invariant if not auditor.record.holds(one)}


async def test_auditor__exchange_in_order__every_invariant_holds() -> None:
    assert await check_everything(auditor_of(FakeExchange(ledger_of(a_long())))) == set()


async def test_auditor__nobody_ever_had_a_position__every_invariant_holds() -> None:
    assert await check_everything(auditor_of(FakeExchange(ledger_of()))) == set()


async def test_auditor__all_are_gone_and_nobody_looked_at_their_margins__does_not_hold() -> None:
    auditor = auditor_of(FakeExchange(ledger_of()))
    auditor.referee.ledger.opened_in[a_long().key] = HEAD.number
    assert await check_everything(auditor) == {Invariant.MARGINS_AGREE}


async def test_audit__a_position_between_two_samples__its_margin_is_compared() -> None:
    auditor = auditor_of(FakeExchange(ledger_of(a_long())))
    between = replace(HEAD, number=BlockNumber(MARGINS_EVERY_BLOCKS + 1))
    await Audit(auditor).watch(
        SealedBlock(head=between, gas_used=0, base_fee=Wei(10**10), receipts=())
    )
    assert auditor.has_checked_margins


def test_record__never_checked__does_not_hold() -> None:
    record = auditor_of(FakeExchange(ledger_of())).record
    assert not any(record.holds(one) for one in Invariant)


@pytest.mark.parametrize(
    ("lie", "broken"),
    [
        ({"balance_lie": 1}, Invariant.TAO_ACCOUNTED_FOR),
        ({"balance_lie": -1}, Invariant.TAO_ACCOUNTED_FOR),
        ({"vault_lies": {"fundingLedger": 1}}, Invariant.FUNDING_BALANCES),
        ({"vault_lies": {"badDebt": 1}}, Invariant.BAD_DEBT_COUNTED),
        ({"market_lies": {"longOpenInterest": 1}}, Invariant.OPEN_INTEREST),
        ({"market_lies": {"shortOpenInterest": 1}}, Invariant.OPEN_INTEREST),
        ({"margin_lies": {"remaining": 1}}, Invariant.MARGINS_AGREE),
        ({"margin_lies": {"liquidatable": True}}, Invariant.MARGINS_AGREE),
        ({"positions_lie": True}, Invariant.POSITIONS_FOLLOW_LOGS),
    ],
)
async def test_auditor__one_figure_off_by_one__that_invariant_is_broken(
    lie: dict[str, Any], broken: Invariant
) -> None:
    exchange = replace(FakeExchange(ledger_of(a_long())), **lie)
    assert await check_everything(auditor_of(exchange)) == {broken}


async def test_auditor__free_balances_off__broken_with_both_figures() -> None:
    auditor = auditor_of(FakeExchange(ledger_of(a_long()), vault_lies={"freeBalances": 11}))
    assert Invariant.FREE_BALANCES in await check_everything(auditor)
    assert "11, expected 10" in auditor.record.breaches[Invariant.FREE_BALANCES]


async def test_auditor__position_missing_on_chain__named() -> None:
    exchange = FakeExchange(ledger_of(a_long()))
    auditor = auditor_of(exchange)
    auditor.referee.ledger.holdings = {one.key: one for one in (a_long(), a_long(2))}
    exchange.ledger = ledger_of(a_long())
    assert Invariant.POSITIONS_FOLLOW_LOGS in await check_everything(auditor)


async def test_auditor__broken_once_and_right_again__stays_broken() -> None:
    exchange = FakeExchange(ledger_of(a_long()), balance_lie=1)
    auditor = auditor_of(exchange)
    await auditor.check_totals(HEAD)
    exchange.balance_lie = 0
    assert await check_everything(auditor) == {Invariant.TAO_ACCOUNTED_FOR}


async def test_auditor__findings_of_the_referee__become_invariants() -> None:
    auditor = auditor_of(FakeExchange(ledger_of(a_long())))
    auditor.referee.verdict.wrong_amounts.append("penalty 1, expected 2")
    auditor.referee.verdict.healthy_liquidated.append("healthy")
    auditor.referee.ledger.breaches.append("odd log")
    assert await check_everything(auditor) == {
        Invariant.PENALTY_EXACT,
        Invariant.NOTHING_HEALTHY_LIQUIDATED,
        Invariant.LOGS_FOLLOW_RULES,
    }

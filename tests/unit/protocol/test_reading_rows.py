"""The reader's small views: feed rows, funding rows, warning tiers, the vault."""

from collections.abc import Awaitable, Callable

import pytest

from fleet.chain.failures import CallReverted, ChainError, NodeUnavailable
from keepers.funding.calendar import FundingRow, FundingSnapshot
from keepers.funding.keeper import FundingMarkets, FundingUnread
from keepers.liquidation.exchange_log import Unreadable
from oracle.feed import FeedRowView, SuspensionReason
from oracle.ports import FeedState
from oracle.quotes import Unavailable
from protocol.deployment import Deployment
from protocol.reading import ExchangeReader
from protocol.views import VaultState
from tests.unit.protocol.abi_values import Values
from tests.unit.protocol.chain import DEPLOYMENT, ROUTER, FakeChain, Ledger, row
from units import BlockNumber, Bps, Netuid, PriceWei, Seconds, Timestamp, Wei

FLEET = (Netuid(8), Netuid(64), Netuid(99))
NOWHERE = Deployment(exchange=ROUTER, price_feed=ROUTER, keeper_router=None)
FAILURES = [NodeUnavailable("nobody answered"), CallReverted(b"")]


def reader_of(chain: FakeChain, deployment: Deployment = DEPLOYMENT) -> ExchangeReader:
    return ExchangeReader(chain=chain, deployment=deployment, markets=FLEET)


# Feed rows


async def test_rows__of_some_markets__are_each_market_s_at_the_head() -> None:
    suspended = row(90, price=7, reason=4) | {"suspendedAt": 95}
    chain = FakeChain(Ledger(rows={8: row(91), 64: suspended}))
    state = await reader_of(chain).rows([Netuid(64), Netuid(3), Netuid(8)])
    assert isinstance(state, FeedState)
    assert state.head == chain.newest
    assert list(state.rows) == [64, 3, 8]
    assert state.rows[Netuid(64)] == view(90, price=7, at=95, reason=SuspensionReason.JUMP)
    assert state.rows[Netuid(3)] == view(0, price=0)
    assert state.rows[Netuid(8)] == view(91)


def view(
    source_block: int,
    *,
    price: int = 10**17,
    at: int = 0,
    reason: SuspensionReason = SuspensionReason.NONE,
) -> FeedRowView:
    return FeedRowView(
        price=PriceWei(price),
        source_block=BlockNumber(source_block),
        source_time=Timestamp(12 * source_block),
        landed_time=None,
        suspended_at=BlockNumber(at),
        suspension=reason,
    )


async def test_rows__a_block_arrives_meanwhile__are_of_the_head_they_name() -> None:
    chain = FakeChain(Ledger(rows={8: row(91)}))
    head = chain.newest
    chain.before_request(1, lambda: _sealed(chain, Ledger(rows={8: row(99)})))
    state = await reader_of(chain).rows([Netuid(8)])
    assert isinstance(state, FeedState)
    assert (state.head, state.rows[Netuid(8)].source_block) == (head, 91)


def _sealed(chain: FakeChain, ledger: Ledger) -> None:
    chain.seal(ledger=ledger)


async def test_rows__of_no_market__are_none() -> None:
    chain = FakeChain()
    assert await reader_of(chain).rows([]) == FeedState(head=chain.newest, rows={})


@pytest.mark.parametrize("reason", [7, 255])
async def test_rows__a_suspension_nobody_knows__is_unavailable(reason: int) -> None:
    chain = FakeChain(Ledger(rows={8: row(91, reason=reason)}))
    assert isinstance(await reader_of(chain).rows([Netuid(8)]), Unavailable)


# Funding rows


async def test_read__markets_of_the_fleet__are_all_there_listed_or_not() -> None:
    chain = FakeChain(Ledger(listed=(8, 64, 3)))
    snapshot = await reader_of(chain).read()
    assert isinstance(snapshot, FundingSnapshot)
    assert snapshot.head == chain.newest
    assert [r.netuid for r in snapshot.rows] == [8, 64, 99]
    assert [r.is_listed for r in snapshot.rows] == [True, True, False]
    assert snapshot.rows[0] == FundingRow(
        netuid=Netuid(8),
        is_listed=True,
        last_accrual=Timestamp(1_008),
        interval=Seconds(28_800),
        cap=Seconds(115_200),
    )


class Forgetful(Ledger):
    """An exchange that leaves the last market out."""

    def answer(self, function: str, given: Values) -> Values:
        return super().answer(function, given | {"keys": given["keys"][:-1]})


async def test_read__a_market_is_left_out__is_unread_and_not_a_market_that_is_not_due() -> None:
    found = await reader_of(FakeChain(Forgetful())).read()
    assert isinstance(found, FundingUnread)
    assert "asked for" in found.reason


def test_reader__as_the_funding_port__fits() -> None:
    port: FundingMarkets = reader_of(FakeChain())
    assert port is not None


# Tiers and vault


async def test_warning_tiers__the_same_in_every_market__are_from_the_highest_down() -> None:
    chain = FakeChain()
    assert await reader_of(chain).warning_tiers() == (Bps(3_500), Bps(2_500), Bps(2_000))
    assert chain.requests == ["head", *["warningTiers"] * len(FLEET)]


async def test_warning_tiers__of_one_market_differ__are_refused_in_one_line() -> None:
    chain = FakeChain(Ledger(own_tiers={FLEET[-1]: (4_000, 2_000)}))
    found = await reader_of(chain).warning_tiers()
    assert found == Unreadable(
        reason="the exchange's warning tiers are 3500, 2500, 2000 in market"
        f" {FLEET[0]} and 4000, 2000 in market {FLEET[-1]}: set warnings.tiers_bps for all"
    )


async def test_warning_tiers__of_a_market_without_any__are_those_of_the_others() -> None:
    chain = FakeChain(Ledger(own_tiers={FLEET[0]: ()}))
    assert await reader_of(chain).warning_tiers() == (Bps(3_500), Bps(2_500), Bps(2_000))
    assert await reader_of(FakeChain(Ledger(tiers=()))).warning_tiers() == ()


async def test_vault__any__is_the_exchange_s() -> None:
    assert await reader_of(FakeChain()).vault() == VaultState(
        reserves=Wei(10_000),
        insurance=Wei(10),
        claims=Wei(7),
        bad_debt=Wei(5),
        is_opening_paused=True,
    )


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
async def test_vault__node_fails__raises_what_it_said(failure: ChainError) -> None:
    chain = FakeChain()
    chain.fail_request(0, failure)
    with pytest.raises(type(failure)):
        await reader_of(chain).vault()


async def test_vault__nothing_at_the_address__is_a_chain_error() -> None:
    with pytest.raises(ChainError, match="vault: "):
        await reader_of(FakeChain(), NOWHERE).vault()


# Failures are values of their own

Ask = Callable[[ExchangeReader], Awaitable[object]]
QUESTIONS: dict[str, tuple[Ask, int, type]] = {
    "rows": (lambda reader: reader.rows(FLEET), 2, Unavailable),
    "read": (lambda reader: reader.read(), 2, FundingUnread),
    "warning_tiers": (lambda reader: reader.warning_tiers(), 1 + len(FLEET), Unreadable),
}
"""How to ask, how many requests it takes, and the value that says that there is no answer."""


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
@pytest.mark.parametrize(
    ("question", "index"),
    [(name, index) for name, (_, count, _) in QUESTIONS.items() for index in range(count)],
)
async def test_question__a_request_fails__is_not_answered_and_says_why(
    question: str, index: int, failure: ChainError
) -> None:
    ask, _, unanswered = QUESTIONS[question]
    chain = FakeChain()
    chain.fail_request(index, failure)
    answer = await ask(reader_of(chain))
    assert isinstance(answer, unanswered)
    assert str(failure) in str(answer)


@pytest.mark.parametrize("question", QUESTIONS)
async def test_question__nothing_at_the_address__is_not_answered(question: str) -> None:
    ask, _, unanswered = QUESTIONS[question]
    assert isinstance(await ask(reader_of(FakeChain(), NOWHERE)), unanswered)


@pytest.mark.parametrize("question", QUESTIONS)
async def test_question__each__takes_that_many_requests(question: str) -> None:
    ask, count, _ = QUESTIONS[question]
    chain = FakeChain()
    await ask(reader_of(chain))
    assert len(chain.requests) == count

import pytest

from fleet.cli.doctor import Verdict
from fleet.cli.witnesses import (
    agreement_checks,
    agreement_text,
    cross_check_check,
    states_text,
)
from fleet.settings import EvmEndpoint, Settings
from fleet.wiring.facts import NodeFacts, Unread
from tests.unit.fleet.cli.simulated import SimulatedFleet
from units import BlockNumber, Timestamp


@pytest.fixture
def settings(fleet: SimulatedFleet) -> Settings:
    return fleet.settings


def of(settings: Settings, operators: str) -> Settings:
    endpoints = tuple(
        EvmEndpoint(operator=operator, url=f"http://127.0.0.1:{port}")
        for port, operator in enumerate(operators, start=1)
    )
    evm = settings.evm.model_copy(update={"endpoints": endpoints})
    return settings.model_copy(update={"evm": evm})


def at(head: int, chain_id: int = 964) -> NodeFacts:
    return NodeFacts(
        chain_id=chain_id, head=BlockNumber(head), head_time=Timestamp(0), read_at=Timestamp(0)
    )


DOWN = Unread(reason="no answer")


def test_agreement__one_operator__is_named_as_the_single_source(settings: Settings) -> None:
    own = of(settings, "aa")
    (check,) = agreement_checks({"a": at(100), "a-2": at(100)}, own)
    assert (check.verdict, check.found) == (Verdict.NOTED, "single-source: a")


@pytest.mark.parametrize(
    ("nodes", "verdict", "had"),
    [
        ((at(9), at(9), at(9)), Verdict.PASSED, 3),
        ((at(9), DOWN, at(9)), Verdict.PASSED, 2),
        ((at(9), DOWN, at(9, chain_id=1)), Verdict.FAILED, 1),
        ((DOWN, DOWN, DOWN), Verdict.FAILED, 0),
    ],
)
def test_agreement__several__enough_must_answer(
    settings: Settings, nodes: tuple[NodeFacts | Unread, ...], verdict: Verdict, had: int
) -> None:
    check, *_ = agreement_checks(dict(zip("abc", nodes, strict=True)), of(settings, "abc"))
    assert check.verdict is verdict
    assert check.found.startswith("2 of 3 operators must agree")
    assert f"{had} can be had" in check.found


@pytest.mark.parametrize(("behind", "found"), [(3, None), (4, "lagging"), (26, "out of sync")])
def test_agreement__a_node_is_behind__is_told(
    settings: Settings, behind: int, found: str | None
) -> None:
    nodes = {"a": at(1_000), "b": at(1_000 - behind)}
    _, *late = agreement_checks(nodes, of(settings, "ab"))
    assert [check.found for check in late] == (
        [] if found is None else [f"{found}: {behind} blocks behind the others"]
    )


def test_texts__for_status__name_states_and_whose_word_counts(settings: Settings) -> None:
    assert agreement_text(of(settings, "aab").evm) == "2 of 2 operators must agree"
    assert states_text({"a": "alive", "b": None}) == "a alive, b not asked yet"


def test_cross_check__asked_of_others_than_the_prices__is_one(settings: Settings) -> None:
    check = cross_check_check(settings)
    assert (check.verdict, check.found) == (
        Verdict.PASSED,
        "1 markets a block by the Alpha precompile",
    )


def test_cross_check__through_the_same_provider__is_no_second_source(settings: Settings) -> None:
    (endpoint,) = settings.subtensor.endpoints
    same = endpoint.model_copy(update={"operator": settings.evm.endpoints[0].operator})
    subtensor = settings.subtensor.model_copy(update={"endpoints": (same,)})
    check = cross_check_check(settings.model_copy(update={"subtensor": subtensor}))
    assert check.verdict is Verdict.NOTED
    assert check.found.endswith(", asked of anvil as the prices are")
    assert "no second source" in check.remedy


def test_cross_check__none_is_asked_for__says_so(settings: Settings) -> None:
    oracle = settings.oracle.model_copy(update={"cross_check_markets_max": 0})
    check = cross_check_check(settings.model_copy(update={"oracle": oracle}))
    assert (check.verdict, check.found) == (Verdict.NOTED, "off")

"""`keepers liquidate`, `keepers scan` and `keepers warnings`."""

import pytest

from fleet.transactions.request import Reverted
from tests.unit.fleet.cli.conftest import Console
from tests.unit.fleet.cli.simulated import SimulatedFleet
from tests.unit.keepers.liquidation.examples import TRADER
from tests.unit.keepers.liquidation.simulated import Action, Block
from units import BlockNumber, Wei

TAO = 10**18
FIRST = "0x" + "00" * 15 + "01"


def opening(number: int) -> Action:
    return lambda block: block.open(8, is_long=True, size=3 * TAO, number=number)


def crash(block: Block) -> None:
    block.push(8, TAO // 10 * 8 // 10)


@pytest.fixture
def fallen(fleet: SimulatedFleet) -> SimulatedFleet:
    """Three longs at 3x, and a price that fell by 20 %."""
    fleet.exchange.grow(*(opening(number) for number in (1, 2, 3)))
    fleet.exchange.grow(crash)
    return fleet


def test_liquidate_all__confirmed__takes_everybody_below_maintenance(
    keepers: Console, fallen: SimulatedFleet
) -> None:
    ended = keepers("liquidate", "--all", "--yes")

    assert ended.code == 0
    assert fallen.journal.purposes == ["liquidate [1, 2, 3]"]
    assert "transaction 1" in ended.stdout
    assert "liquidate [1, 2, 3]: done in block 7" in ended.stdout


def test_liquidate__one_position__leaves_the_others(
    keepers: Console, fallen: SimulatedFleet
) -> None:
    assert keepers("liquidate", FIRST, "--yes").code == 0
    assert fallen.journal.purposes == ["liquidate [1]"]


def test_liquidate__a_trader_in_any_case__takes_all_of_theirs(
    keepers: Console, fallen: SimulatedFleet
) -> None:
    assert keepers("liquidate", TRADER.lower(), "--yes").code == 0
    assert fallen.journal.purposes == ["liquidate [1, 2, 3]"]


def test_liquidate__dry_run__shows_the_plan_only(keepers: Console, fallen: SimulatedFleet) -> None:
    ended = keepers("liquidate", "--all", "--dry-run")

    assert ended.code == 0
    assert f"{FIRST}#1" in ended.stdout
    assert fallen.journal.purposes == []


def test_liquidate__healthy_position__is_shown_and_left(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.exchange.grow(opening(1))

    ended = keepers("liquidate", FIRST, "--yes")

    assert ended.code == 0
    assert "33.33 %" in ended.stdout
    assert fleet.journal.purposes == []


def test_liquidate__position_of_a_suspended_market__is_unknown_not_healthy(
    keepers: Console, fallen: SimulatedFleet
) -> None:
    fallen.exchange.grow(lambda block: block.suspend(8, 6))

    ended = keepers("liquidate", FIRST, "--yes")

    assert ended.code == 1
    assert "unknown: the market is suspended" in ended.stdout
    assert "3 positions cannot be judged: the market is suspended" in ended.stdout


def test_liquidate__reverted__fails_with_the_reason(
    keepers: Console, fallen: SimulatedFleet
) -> None:
    fallen.journal.outcome = Reverted(
        block=BlockNumber(9), gas_used=1, fee=Wei(1), reason="AccessControl: KEEPER_ROLE"
    )

    ended = keepers("liquidate", "--all", "--yes")

    assert ended.code == 1
    assert "reverted in block 9: AccessControl: KEEPER_ROLE" in ended.stdout


def test_liquidate__book_unreadable__fails_with_the_reason(
    keepers: Console, fallen: SimulatedFleet
) -> None:
    fallen.exchange.down.add("snapshot")

    ended = keepers("liquidate", "--all", "--yes")

    assert ended.code == 1
    assert "nothing can be decided: snapshot is down" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((), "name a position or a trader, or say --all"),
        ((FIRST, "--all"), "name a position or a trader, or say --all"),
        (("0x12",), "'0x12' is neither a position (0x and 32 hexadecimal digits) nor a trader"),
        (
            ("0xdA50070976Da21A0E7afaB1BB0c81CD51926Ae64",),
            "trader 0xdA50070976Da21A0E7afaB1BB0c81CD51926Ae64: the address fails its checksum",
        ),
        (("0x" + "00" * 15 + "09",), f"no open position of 0x{'00' * 15}09 at block 1002"),
    ],
)
def test_liquidate__wrong_target__is_one_line(
    keepers: Console, fallen: SimulatedFleet, arguments: tuple[str, ...], line: str
) -> None:
    ended = keepers("liquidate", *arguments, "--yes")

    assert ended.code == 2
    assert ended.stderr.startswith("error: ")
    assert line in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_scan__positions__worst_first_and_limited(keepers: Console, fleet: SimulatedFleet) -> None:
    fleet.exchange.grow(opening(1), opening(2))
    fleet.exchange.grow(crash)
    fleet.exchange.grow(opening(3))

    ended = keepers("scan", "--limit", "1")

    assert ended.code == 0
    assert "13.33 %" in ended.stdout
    assert "3 open, 3 listed, 0 cannot be judged, 2 more not shown (--limit)" in ended.stdout


def test_scan__below_a_ratio__json_has_the_exact_numbers(
    keepers: Console, fallen: SimulatedFleet
) -> None:
    ended = keepers("scan", "VANTA", "--below", "2000", "--json")

    assert [risk["ratio_bps"] for risk in ended.json["positions"]] == [1333] * 3
    # a third of 3 TAO, less 20 % of them, less 12 s of 0.75 % funding in 8 h
    assert [risk["remaining"] for risk in ended.json["positions"]] == [399_990_625 * 10**9] * 3
    assert keepers("scan", "CHUTES", "--json").json["positions"] == []


def test_scan__a_position_cannot_be_judged__is_unhealthy(
    keepers: Console, fallen: SimulatedFleet
) -> None:
    fallen.exchange.grow(lambda block: block.suspend(8, 4))

    ended = keepers("scan", "--below", "100")

    assert ended.code == 3
    assert "3 open, 3 listed, 3 cannot be judged" in ended.stdout


def test_warnings__alerts__are_shown_then_stored_and_delivered(
    keepers: Console, fallen: SimulatedFleet
) -> None:
    assert keepers("warnings", "--yes").code == 0  # two blocks below the last tier page
    fallen.exchange.grow()
    shown = keepers("warnings", "--dry-run")
    assert "below 20.00 %" in shown.stdout
    assert "3 alerts" in shown.stdout
    assert fallen.disk.outbox == {}

    fallen.undelivered = 1
    ended = keepers("warnings", "--yes")

    assert ended.code == 1
    assert "3 alerts are new, 1 could not be delivered yet" in ended.stdout
    assert len(fallen.disk.outbox) == 3


def test_warnings__nothing_to_tell__needs_no_consent(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    ended = keepers("warnings")

    assert ended.code == 0
    assert "0 alerts" in ended.stdout


def test_warnings__risk_unknown__is_unhealthy(keepers: Console, fallen: SimulatedFleet) -> None:
    fallen.exchange.down.add("snapshot")

    ended = keepers("warnings")

    assert ended.code == 3
    assert "the risk of every position is unknown: snapshot is down" in ended.stdout

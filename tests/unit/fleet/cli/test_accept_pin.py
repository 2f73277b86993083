"""Another registration is pinned by this command, and by nothing else."""

from dataclasses import replace

import pytest

from fleet.settings import load
from oracle.feed import SuspensionReason
from tests.unit.fleet.cli.conftest import Console
from tests.unit.fleet.cli.simulated import SimulatedFleet
from tests.unit.oracle.simulated import ORDINARY
from units import BlockNumber, Netuid

CHUTES = Netuid(64)


@pytest.fixture
def reregistered(fleet: SimulatedFleet) -> SimulatedFleet:
    fleet.source.identities[CHUTES] = replace(ORDINARY, registered_at=BlockNumber(77))
    fleet.feed.land_suspension([CHUTES], SuspensionReason.IDENTITY)
    return fleet


def pin(keepers: Console) -> int | None:
    pins = {market.netuid: market.registered_at for market in load(keepers.file).markets}
    return pins[CHUTES]


def test_accept_pin__confirmed__is_in_the_file_and_the_admin_s_call_is_printed(
    keepers: Console, reregistered: SimulatedFleet
) -> None:
    ended = keepers("oracle", "accept-pin", "CHUTES", "--yes")
    assert ended.code == 0, ended.stderr
    assert pin(keepers) == 77
    assert "ANOTHER REGISTRATION than pinned" in ended.stdout
    assert "1. Restart the bots" in ended.stdout
    assert "2. The admin ends the suspension" in ended.stdout
    assert f"resume([64]): to 0x{'22' * 20} data 0x40" in ended.stdout
    assert reregistered.journal.purposes == [], "it sends nothing"


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_accept_pin__not_confirmed__changes_nothing(
    keepers: Console, reregistered: SimulatedFleet, options: tuple[str, ...]
) -> None:
    before = keepers.file.read_text()
    ended = keepers("oracle", "accept-pin", "CHUTES", *options)
    assert ended.code == (0 if options else 1)
    assert keepers.file.read_text() == before


def test_accept_pin__pinned_and_still_suspended__says_the_call_again(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.feed.land_suspension([CHUTES], SuspensionReason.IDENTITY)
    ended = keepers("oracle", "accept-pin", "CHUTES", "--yes", "--json")
    assert ended.code == 0
    assert ended.json["admin"]["text"] == "resume([64])"


def test_accept_pin__no_subnet_there__is_refused(keepers: Console, fleet: SimulatedFleet) -> None:
    fleet.source.identities[CHUTES] = replace(ORDINARY, exists=False)
    ended = keepers("oracle", "accept-pin", "CHUTES", "--yes")
    assert ended.code == 1
    assert "there is no subnet to pin" in ended.stdout


def test_accept_pin__the_source_is_down__is_refused(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.source.outage = "connection refused"
    before = keepers.file.read_text()
    assert keepers("oracle", "accept-pin", "CHUTES", "--yes").code == 1
    assert keepers.file.read_text() == before


def test_accept_pin__the_environment_has_the_markets__is_refused_and_changes_nothing(
    keepers: Console, reregistered: SimulatedFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    markets = '[{"netuid": 64, "symbol": "CHUTES", "registered_at": 5}]'
    monkeypatch.setenv("KEEPERS_MARKETS", markets)
    before = keepers.file.read_text()
    ended = keepers("oracle", "accept-pin", "CHUTES", "--yes")
    assert ended.code == 2
    assert "KEEPERS_MARKETS" in ended.stderr
    assert keepers.file.read_text() == before

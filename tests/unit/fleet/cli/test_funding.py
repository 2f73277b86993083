from fleet.store.lease import LeaseTaken
from tests.unit.fleet.cli.conftest import Console
from tests.unit.fleet.cli.simulated import SimulatedFleet


def test_accrue__due_markets__go_in_one_transaction(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.funding_rows.elapsed = {8: 28_740, 64: 129_600}

    ended = keepers("funding", "accrue", "--yes")

    assert ended.code == 0
    assert fleet.journal.purposes == ["accrue [64, 8]"]
    assert "28 h 0 min" in ended.stdout  # late by
    assert "4 h 0 min" in ended.stdout  # forfeited
    assert "due now" in ended.stdout


def test_accrue__nothing_due__says_when(keepers: Console, fleet: SimulatedFleet) -> None:
    ended = keepers("funding", "accrue", "--yes")

    assert ended.code == 0
    assert "next due in 7 h 49 min" in ended.stdout
    assert "nothing is due" in ended.stdout


def test_accrue__unreadable__fails_with_the_reason(keepers: Console, fleet: SimulatedFleet) -> None:
    fleet.funding_rows.outage = "the node is away"

    ended = keepers("funding", "accrue", "--yes")

    assert ended.code == 1
    assert "funding could not be read: the node is away" in ended.stdout


def test_accrue__the_sender_refuses__fails_with_its_reason(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.funding_rows.elapsed = {8: 28_800}
    fleet.journal.refusal = "16 are in flight already"

    ended = keepers("funding", "accrue", "--yes")

    assert ended.code == 1
    assert "not sent: 16 are in flight already" in ended.stdout


def test_accrue__another_process_has_the_key__is_refused_in_one_line_before_it_asks(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.funding_rows.elapsed = {8: 28_800}
    fleet.key_is_taken = LeaseTaken("key 0x1 is held for operator by …", free_in_s=12.0)

    ended = keepers("funding", "accrue", "--yes")

    assert (ended.code, ended.stderr) == (1, "error: key 0x1 is held for operator by …\n")
    assert fleet.journal.purposes == []

    assert keepers("funding", "accrue", "--dry-run").code == 0  # which needs no key

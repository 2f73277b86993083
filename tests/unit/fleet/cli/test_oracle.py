from dataclasses import replace

import pytest

from oracle.feed import SuspensionReason
from tests.unit.fleet.cli.conftest import Console
from tests.unit.fleet.cli.simulated import SimulatedFleet
from tests.unit.oracle.simulated import EMPTY_ROW, ORDINARY, time_of
from units import BlockNumber, Netuid, PriceWei

VANTA, CHUTES = Netuid(8), Netuid(64)


def priced(fleet: SimulatedFleet, netuid: Netuid, price: int = 10**17) -> None:
    """The feed has this price, pushed just now."""
    fleet.feed.stored[netuid] = replace(
        EMPTY_ROW,
        price=PriceWei(price),
        source_block=BlockNumber(97),
        source_time=time_of(97),
        landed_time=time_of(99),
    )


def test_push__confirmed__shows_the_plan_then_sends_and_tells_the_outcome(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    ended = keepers("oracle", "push", "--yes")

    assert ended.code == 0
    assert fleet.journal.purposes == ["push [8, 64]"]
    assert "the market has no price yet" in ended.stdout
    assert "push 2 prices, liquidate 0 positions: 0xabab" in ended.stdout
    assert "push [8, 64]: done in block 7, 100000 gas, 0.0010 TAO" in ended.stdout


def test_push__named_market__leaves_the_others(keepers: Console, fleet: SimulatedFleet) -> None:
    assert keepers("oracle", "push", "chutes", "--yes").code == 0
    assert fleet.journal.purposes == ["push [64]"]


def test_push__nothing_due__is_done(keepers: Console, fleet: SimulatedFleet) -> None:
    for netuid in (VANTA, CHUTES):
        priced(fleet, netuid)

    ended = keepers("oracle", "push", "--yes")

    assert ended.code == 0
    assert "nothing is due" in ended.stdout
    assert fleet.journal.purposes == []


def test_push__not_confirmed__sends_nothing(keepers: Console, fleet: SimulatedFleet) -> None:
    ended = keepers("oracle", "push")

    assert ended.code == 1
    assert "not confirmed: add --yes to act" in ended.stdout
    assert fleet.journal.purposes == []


def test_push__dry_run__is_done_without_sending(keepers: Console, fleet: SimulatedFleet) -> None:
    ended = keepers("oracle", "push", "--dry-run", "--yes")

    assert ended.code == 0
    assert "dry run: nothing was done" in ended.stdout
    assert fleet.journal.purposes == []


@pytest.mark.parametrize(("consent", "code"), [((), 0), (("--yes",), 1)])
def test_push__without_a_key__is_a_dry_run_that_does_not_pass_for_done(
    keepers: Console, fleet: SimulatedFleet, consent: tuple[str, ...], code: int
) -> None:
    fleet.journal.account = None

    ended = keepers("oracle", "push", *consent)

    assert ended.code == code
    assert "no key is configured (keys.operator)" in ended.stdout


@pytest.mark.parametrize("command", ["push", "show"])
def test_oracle__no_source_block__is_no_quiet_day(
    keepers: Console, fleet: SimulatedFleet, command: str
) -> None:
    for netuid in (VANTA, CHUTES):
        priced(fleet, netuid)
    fleet.source.outage = "connection refused"

    ended = keepers("oracle", command, "--json")

    assert ended.code == 1
    assert ended.json["reason"] == "connection refused"
    assert "nothing is due" not in keepers("oracle", command).stdout


def test_push__the_sender_refuses__fails_with_its_reason(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.journal.refusal = "gas costs more than the limit"

    ended = keepers("oracle", "push", "--yes")

    assert ended.code == 1
    assert "push 2 prices, liquidate 0 positions: gas costs more than the limit" in ended.stdout


def test_push__feed_unreadable__fails_with_the_reason(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.feed.is_unreadable = True

    ended = keepers("oracle", "push", "--yes")

    assert ended.code == 1
    assert "nothing can be decided: the feed could not be read: the node is away" in ended.stdout


def test_push__jump__would_suspend_and_says_why(keepers: Console, fleet: SimulatedFleet) -> None:
    priced(fleet, VANTA)
    priced(fleet, CHUTES, price=2 * 10**17)

    ended = keepers("oracle", "push", "--dry-run")

    assert "-5000 bps, held since block 98, stood 1 blocks" in ended.stdout


def test_push__json__is_one_document_with_exact_integers(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    ended = keepers("oracle", "push", "VANTA", "--json", "--yes")

    (market,) = ended.json["plan"]["markets"]
    assert market["decision"]["kind"] == "Publish"
    assert market["decision"]["update"]["price"] == 10**17
    assert ended.json["outcome"]["push"]["submission"]["tx_hash"].startswith("0xabab")
    assert ended.json["settled"][0]["outcome"]["kind"] == "Final"


def test_show__reads_without_a_key(keepers: Console, fleet: SimulatedFleet) -> None:
    ended = keepers("oracle", "show")

    assert ended.code == 0
    assert keepers.workloads == [None]
    assert fleet.journal.purposes == []
    assert "never priced" in ended.stdout


def test_pins__as_pinned__is_done(keepers: Console) -> None:
    ended = keepers("oracle", "pins")

    assert ended.code == 0
    assert "as pinned" in ended.stdout


def test_pins__another_registration__is_unhealthy_and_prints_what_to_confirm(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.source.identities[CHUTES] = replace(ORDINARY, registered_at=BlockNumber(77))

    ended = keepers("oracle", "pins", "CHUTES")

    assert ended.code == 3
    assert "ANOTHER REGISTRATION than pinned" in ended.stdout
    assert '[[markets]]\nnetuid = 64\nsymbol = "CHUTES"\nregistered_at = 77\n' in ended.stdout


def test_pins__source_down__fails_with_the_reason(keepers: Console, fleet: SimulatedFleet) -> None:
    fleet.source.outage = "connection refused"

    ended = keepers("oracle", "pins")

    assert ended.code == 1
    assert "registration blocks cannot be read: connection refused" in ended.stdout


def test_suspend__confirmed__is_sent_as_the_operators(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    priced(fleet, VANTA)

    ended = keepers("oracle", "suspend", "VANTA", "64", "--yes")

    assert ended.code == 0
    assert fleet.journal.purposes == ["suspend [8, 64] OPERATOR"]


def test_suspend__suspended_already__is_done(keepers: Console, fleet: SimulatedFleet) -> None:
    fleet.feed.land_suspension([VANTA], SuspensionReason.OPERATOR)

    ended = keepers("oracle", "suspend", "VANTA", "--yes")

    assert ended.code == 0
    assert "suspended already" in ended.stdout
    assert "suspended: operator (block 100)" in ended.stdout
    assert fleet.journal.purposes == []


def test_resume__only_what_is_suspended__is_sent(keepers: Console, fleet: SimulatedFleet) -> None:
    fleet.feed.land_suspension([VANTA], SuspensionReason.OPERATOR)
    priced(fleet, CHUTES)

    assert keepers("oracle", "resume", "VANTA", "CHUTES", "--yes").code == 0
    assert fleet.journal.purposes == ["resume [8]"]


def test_resume__suspended_by_the_guardian__is_refused(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.feed.land_suspension([VANTA], SuspensionReason.GUARDIAN)

    ended = keepers("oracle", "resume", "VANTA", "--yes")

    assert ended.code == 1
    assert "only the admin can resume it" in ended.stdout
    assert fleet.journal.purposes == []

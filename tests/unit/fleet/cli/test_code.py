from fleet.store.code_pins import Code
from fleet.wiring.code_judgement import CodeFacts, CodeVerdict
from tests.unit.fleet.cli.conftest import Console
from tests.unit.fleet.cli.simulated import SimulatedFleet
from units import Address, BlockHash

OLD, NEW = (Code(code_hash=BlockHash("0x" + digit * 64)) for digit in "ab")


def exchange(verdict: CodeVerdict, found: Code = NEW) -> CodeFacts:
    return CodeFacts(
        name="exchange",
        address=Address("0x" + "11" * 20),
        found=found,
        accepted=OLD,
        verdict=verdict,
    )


def test_accept_code__nothing_changed__nothing_to_do(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.code.found = (exchange(CodeVerdict.ACCEPTED, OLD),)
    ended = keepers("accept-code", "--yes")
    assert ended.code == 0
    assert "nothing to do: all of it was accepted" in ended.stdout


def test_accept_code__not_confirmed__shows_both_and_changes_nothing(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.code.found = (exchange(CodeVerdict.CHANGED),)
    ended = keepers("accept-code", "--json")
    assert ended.code != 0
    (shown,) = ended.json["contracts"]
    assert (shown["verdict"], shown["accepted"]["code_hash"], shown["found"]["code_hash"]) == (
        "changed",
        OLD.code_hash,
        NEW.code_hash,
    )
    assert fleet.code.found == (exchange(CodeVerdict.CHANGED),)


def test_accept_code__confirmed__it_is_the_accepted_one(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.code.found = (exchange(CodeVerdict.CHANGED),)
    ended = keepers("accept-code", "--yes")
    assert ended.code == 0
    assert "exchange: accepted; bots that run see it within a minute" in ended.stdout
    assert fleet.code.found[0].accepted == NEW


def test_accept_code__no_code_at_all__is_nothing_to_accept(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.code.found = (exchange(CodeVerdict.ABSENT, Code(code_hash=None)),)
    ended = keepers("accept-code", "--yes")
    assert ended.code == 1
    assert "correct contracts.exchange" in ended.stdout

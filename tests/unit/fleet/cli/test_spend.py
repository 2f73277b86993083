from fleet.transactions.request import Lane
from tests.unit.fleet.cli.conftest import Console
from tests.unit.fleet.cli.simulated import SimulatedFleet

NAME = "feeder:0xabc"


def test_show__nothing_stopped__says_so(keepers: Console) -> None:
    ended = keepers("spend", "show")
    assert (ended.code, ended.stdout) == (0, "no lane is stopped\n")


def test_show__a_lane_is_stopped__table_with_the_reason_and_not_the_exit_code_of_calm(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.stopped = {NAME: {Lane.LIQUIDATION: "7 TAO without effect"}}
    ended = keepers("spend", "show", "--json")
    assert ended.code != 0
    assert ended.json["stopped"] == [
        {"key": NAME, "lane": "liquidation", "reason": "7 TAO without effect"}
    ]


def test_reset__not_confirmed__nothing_is_done(keepers: Console, fleet: SimulatedFleet) -> None:
    fleet.stopped = {NAME: {Lane.LIQUIDATION: "much"}}
    ended = keepers("spend", "reset", "feeder", "liquidation")
    assert ended.code != 0
    assert fleet.stopped


def test_reset__confirmed__that_lane_of_that_workload_goes_on(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    other = {"liquidator:0xdef": {Lane.LIQUIDATION: "much"}}
    fleet.stopped = {NAME: {Lane.LIQUIDATION: "much"}} | other
    ended = keepers("spend", "reset", "feeder", "liquidation", "--yes")
    assert ended.code == 0
    assert f"{NAME}: lane liquidation goes on" in ended.stdout
    assert fleet.stopped == other


def test_reset__not_stopped__nothing_to_do(keepers: Console) -> None:
    ended = keepers("spend", "reset", "feeder", "price", "--yes")
    assert ended.code == 0
    assert "nothing to do" in ended.stdout


def test_reset__unknown_lane__one_line_that_names_the_lanes(keepers: Console) -> None:
    ended = keepers("spend", "reset", "feeder", "prices", "--yes")
    assert ended.code == 2
    assert "known: price, liquidation, funding, housekeeping" in ended.stderr

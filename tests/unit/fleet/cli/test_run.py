import signal
from pathlib import Path

import pytest

from fleet.chain.failures import NodeUnavailable, WrongChain
from fleet.settings import Workload
from fleet.store.engine import StoreError
from fleet.store.lease import LeaseTaken
from fleet.transactions.journal import Fenced
from fleet.wiring.facts import BotName
from tests.unit.fleet.cli.conftest import Console
from tests.unit.fleet.cli.simulated import SimulatedFleet


def test_run__no_name__runs_every_bot_with_the_key_of_all(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    ended = keepers("run")

    assert (ended.code, ended.stderr) == (0, "")
    assert fleet.started == frozenset(BotName)
    assert keepers.workloads == [Workload.ALL]


@pytest.mark.parametrize(
    ("name", "workload"),
    [
        ("feeder", Workload.FEEDER),
        ("liquidator", Workload.LIQUIDATOR),
        ("funding", Workload.FUNDING),
        ("warnings", None),
    ],
)
def test_run__a_bot__runs_it_with_its_own_key(
    keepers: Console, fleet: SimulatedFleet, name: str, workload: Workload | None
) -> None:
    assert keepers("run", name).code == 0
    assert fleet.started == frozenset({BotName(name)})
    assert keepers.workloads == [workload]


def test_run__without_a_key__says_that_it_is_a_dry_run(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.journal.account = None

    assert "keys.feeder is not configured: dry run" in keepers("run", "feeder").stderr
    assert keepers("run", "warnings").stderr == ""


def test_run__dry_run__takes_no_key(keepers: Console, fleet: SimulatedFleet) -> None:
    fleet.journal.account = None

    ended = keepers("run", "feeder", "--dry-run")

    assert (ended.code, ended.stderr) == (0, "dry run, nothing will be sent\n")
    assert keepers.workloads == [None]


def test_run__ended__leaves_the_signals_as_they_were(keepers: Console) -> None:
    before = signal.getsignal(signal.SIGTERM)
    keepers("run")

    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (WrongChain("anvil serves chain 1, not 964"), 2),
        (StoreError("the store belongs to another chain"), 1),
        (LeaseTaken("key 0x1 is held for feeder by …", free_in_s=None), 1),
        (ExceptionGroup("kept", [Fenced("key 0x1 for all was taken over by …")]), 1),
        (
            ExceptionGroup("both", [ExceptionGroup("inner", [NodeUnavailable("anvil: down")])]),
            1,
        ),
    ],
)
def test_error_of_an_operator__is_one_line_and_its_exit_code(
    keepers: Console, fleet: SimulatedFleet, error: Exception, code: int
) -> None:
    def supervisor(bots: frozenset[BotName]) -> object:
        raise error

    fleet.supervisor = supervisor  # type: ignore[method-assign,assignment] # a fault to inject

    ended = keepers("run")

    assert ended.code == code
    assert ended.stderr.startswith("error: ")
    assert len(ended.stderr.splitlines()) == 1


def test_error__for_a_script__is_the_document_as_well(keepers: Console) -> None:
    ended = keepers("oracle", "show", "NOPE", "--json")

    assert ended.code == 2
    assert ended.json["errors"] == [ended.stderr.strip().removeprefix("error: ")]


def test_defect__keeps_its_traceback(keepers: Console, fleet: SimulatedFleet) -> None:
    def supervisor(bots: frozenset[BotName]) -> object:
        raise ZeroDivisionError

    fleet.supervisor = supervisor  # type: ignore[method-assign,assignment] # a fault to inject

    with pytest.raises(ZeroDivisionError):
        keepers("run")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((), "error: name one configuration: --network NAME or --config FILE"),
        (("--network", "finney"), "error: --network finney: unknown; known: devnet, mainnet"),
        (("--config", "/none.toml"), "error: /none.toml: cannot be read: No such file"),
    ],
)
def test_configuration__unusable__is_one_line(
    keepers: Console, arguments: tuple[str, ...], line: str
) -> None:
    ended = keepers(*arguments, "status", config=False)

    assert ended.code == 2
    assert ended.stderr.startswith(line)
    assert len(ended.stderr.splitlines()) == 1


def test_configuration__several_mistakes__are_a_line_each(keepers: Console) -> None:
    keepers.file.write_text(keepers.file.read_text().replace("964", '"x"').replace("VANTA", ""))

    ended = keepers("status")

    assert ended.code == 2
    assert [line.split(": ")[2] for line in ended.stderr.splitlines()] == [
        "network.chain_id",
        "markets[0].symbol",
    ]


@pytest.mark.parametrize("name", ["DOGE", "9", "hippius"])
def test_market__unknown_or_disabled__is_one_line_that_names_the_known(
    keepers: Console, name: str
) -> None:
    ended = keepers("oracle", "show", name)

    assert ended.code == 2
    assert len(ended.stderr.splitlines()) == 1
    assert (name in ended.stderr) or ("HIPPIUS (75) is not enabled" in ended.stderr)


def test_log_format__option__overrides_the_file(
    keepers: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEEPERS_TELEMETRY__LOG_FORMAT", "console")

    ended = keepers("--log-format", "json", "settings", "telemetry", "--json")

    values = {row["key"]: row["value"] for row in ended.json["settings"]}
    assert values["telemetry.log_format"] == "json"


def test_settings__without_configuration__tells_meanings_and_defaults(keepers: Console) -> None:
    ended = keepers("settings", "oracle", config=False)

    assert ended.code == 0
    assert "oracle.deviation_bps = 10\n    A move of this size" in ended.stdout
    assert "network.name" not in ended.stdout


def test_settings__with_configuration__tells_its_values(keepers: Console) -> None:
    ended = keepers("settings", "markets", "--json")

    values = {row["key"]: row["value"] for row in ended.json["settings"]}
    assert values["markets[0].symbol"] == "VANTA"
    assert values["markets[0].jump_limit_bps"] == "–"


def test_settings__unknown_section__is_one_line(keepers: Console) -> None:
    ended = keepers("settings", "orcale")

    assert ended.code == 2
    assert ended.stderr.startswith("error: unknown section 'orcale'; known: network, evm,")


def test_help__every_command__shows_the_exit_codes(keepers: Console) -> None:
    for command in (
        ["run"],
        ["status"],
        ["doctor"],
        ["scan"],
        ["liquidate"],
        ["warnings"],
        ["oracle", "push"],
        ["oracle", "pins"],
        ["funding", "accrue"],
        ["devnet", "up"],
        ["demo"],
    ):
        ended = keepers(*command, "--help", config=False)
        assert ended.code == 0
        assert "Exit codes: 0 done" in ended.stdout


@pytest.mark.parametrize("speed", ["fast", "", "0", "-1", "nan", "inf"])
def test_devnet__speed_that_is_none__is_refused(keepers: Console, speed: str) -> None:
    ended = keepers("devnet", "up", "--speed", speed, config=False)

    assert ended.code == 2
    assert "is neither above 0 nor max" in ended.stderr


@pytest.mark.parametrize("command", [("demo", "--out"), ("devnet", "up", "--state")])
def test_devnet__tape_that_is_none__is_wrong_input(
    keepers: Console, tmp_path: Path, command: tuple[str, ...]
) -> None:
    tape = tmp_path / "tape.csv"
    tape.write_text("no,prices")

    ended = keepers(*command, str(tmp_path / "out"), "--tape", str(tape), config=False)

    assert ended.code == 2
    assert ended.stderr.startswith("error: tape.csv: row 1: columns are not")
    assert len(ended.stderr.splitlines()) == 1


# Shards


def test_run__a_shard_of_the_liquidator__is_what_the_fleet_is_built_with(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    assert keepers("run", "liquidator", "--shard", "1/4").code == 0
    assert fleet.started == frozenset({BotName.LIQUIDATOR})
    assert [each.liquidation.shard for each in keepers.settings] == ["1/4"]


@pytest.mark.parametrize("shard", ["4/4", "1", "x/y"])
def test_run__what_is_no_shard__is_refused(keepers: Console, shard: str) -> None:
    ended = keepers("run", "liquidator", "--shard", shard)
    assert ended.code == 2
    assert "is no shard" in ended.stderr
    assert keepers.settings == []


@pytest.mark.parametrize("bot", [(), ("feeder",), ("funding",), ("warnings",)])
def test_run__a_shard_of_another_bot__is_refused(keepers: Console, bot: tuple[str, ...]) -> None:
    assert keepers("run", *bot, "--shard", "0/2").code == 2
    assert keepers.settings == []

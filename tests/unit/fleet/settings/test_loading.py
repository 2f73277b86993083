from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fleet.settings import Settings, SettingsError, load, network_file, network_files
from units import Bps

Document = dict[str, Any]
Write = Callable[[Document], Path]
Problems = Callable[[Document], list[str]]


def test_load__complete_file__is_frozen_and_has_the_defaults(
    document: Document, write: Write
) -> None:
    settings = load(write(document))

    assert settings.oracle.deviation_bps == 10
    assert settings.symbol(settings.markets[0].netuid) == "TEMPLAR"
    with pytest.raises(ValueError, match="frozen"):
        settings.oracle.deviation_bps = Bps(15)  # type: ignore[misc] # to see it refused


def test_load__many_mistakes__all_are_listed_at_once(
    document: Document, problems: Problems
) -> None:
    document["evm"]["pol_s"] = 3
    document["evm"]["timeout_s"] = "soon"
    document["subtensor"]["endpoints"] = []
    document["contracts"]["exchange"] = "0xabc"
    document["oracle"] = {"deviation_bps": 20}
    document["colour"] = {"name": "blue"}
    del document["network"]["chain_id"]

    assert problems(document) == [
        "network.chain_id: is required",
        (
            "evm.timeout_s: input should be a valid number,"
            " unable to parse string as a number, got 'soon'"
        ),
        "evm.pol_s: no such key; did you mean poll_s?",
        "subtensor.endpoints: must not be empty",
        "contracts.exchange: not an address: 0x and 40 hexadecimal digits",
        "colour: no such key",
        (
            "oracle.deviation_bps: 20 is not below a round trip's fee of 20 bps:"
            " trading against the band would pay"
        ),
    ]


def test_load__a_wrong_digit_in_an_address__fails_the_checksum(
    document: Document, problems: Problems
) -> None:
    document["contracts"]["exchange"] = "0xdA50070976Da21A0E7afaB1BB0c81CD51926Ae64"

    assert problems(document) == [
        "contracts.exchange: the address fails its checksum: a digit is wrong"
    ]


def test_load__address_in_lower_case__gets_its_checksum_capitals(
    document: Document, write: Write
) -> None:
    document["contracts"]["exchange"] = "0xda50070976da21a0e7afab1bb0c81cd51926ae64"

    assert load(write(document)).contracts.exchange == "0xdA50070976Da21A0E7afaB1BB0c81CD51926AE64"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"[network\n", "is not TOML: Expected ']' at the end of a table declaration"),
        (b"\xff\xfe", "is not text"),
    ],
)
def test_load__no_usable_file__says_which_and_why(
    tmp_path: Path, content: bytes | None, what: str
) -> None:
    file = tmp_path / "network.toml"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(SettingsError) as raised:
        load(file)

    assert str(raised.value).startswith(f"{file}: {what}")


def test_load__relative_secret_file__is_beside_the_configuration(
    document: Document, write: Write, tmp_path: Path
) -> None:
    document["keys"] = {"feeder": {"private_key_file": "keys/feeder"}}
    document["store"] = {"sqlite_file": "/var/lib/keepers.sqlite3"}

    settings = load(write(document))

    assert settings.keys.feeder is not None
    assert settings.keys.feeder.private_key_file == tmp_path / "keys" / "feeder"
    assert settings.store_address == "sqlite+aiosqlite:////var/lib/keepers.sqlite3"


def test_load__relative_chain_spec__is_beside_the_configuration(
    document: Document, write: Write, tmp_path: Path
) -> None:
    light = {"operator": "own", "kind": "light", "chain_spec": "bittensor.json"}
    document["subtensor"]["endpoints"] = [light]

    settings = load(write(document))

    assert settings.subtensor.endpoints[0].chain_spec == tmp_path / "bittensor.json"


def server(folder: Path, address: str) -> dict[str, Any]:
    file = folder / "store.url"
    file.write_text(address + "\n")
    file.chmod(0o600)
    return {"url_file": "store.url", "book_folder": "books"}


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_store__on_a_server__its_address_is_read_from_a_file(
    document: Document, write: Write, tmp_path: Path, scheme: str
) -> None:
    document["store"] = server(tmp_path, f"{scheme}://keepers:hunter2@db/keepers")
    settings = load(write(document))
    name = settings.network.name
    assert settings.store_address == "postgresql://keepers:hunter2@db/keepers"
    assert "hunter2" not in repr(settings)
    assert settings.store.file(name) is None
    book = tmp_path / "books" / f"keepers-{name}.sqlite3.feeder.book"
    assert settings.store.book(name, "feeder") == book


def test_store__of_another_kind_of_server__is_refused_without_its_address(
    document: Document, write: Write, tmp_path: Path
) -> None:
    document["store"] = server(tmp_path, "mysql://keepers:hunter2@db/keepers")
    settings = load(write(document))
    with pytest.raises(SettingsError, match="holds no address of PostgreSQL") as refusal:
        _ = settings.store_address
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("text", ["a" * ((1 << 20) + 1), "a = " + "[" * 50_000])
def test_load__far_too_much__is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "network.toml"
    file.write_text(text)

    with pytest.raises(SettingsError, match=r"is larger than|is nested too deeply"):
        load(file)


def test_load__a_device_without_an_end__is_not_read_to_it() -> None:
    with pytest.raises(SettingsError, match="/dev/zero: is larger than 1048576 bytes"):
        load(Path("/dev/zero"))


SECRET = "0x" + "5ec3e7" * 10 + "cafe"


@pytest.mark.parametrize(
    ("section", "content"),
    [
        ("keys", {"operator": {"private_key_file": SECRET}}),
        ("keys", {"operator": SECRET}),
        ("keys", {"operator": {"private_key": SECRET}}),
        ("keys", {"operator": {"keystore_file": SECRET, "password_file": SECRET}}),
        ("telemetry", {"sentry_dsn_file": [SECRET]}),
        ("telemetry", {"listen": [SECRET]}),
        ("evm", {"endpoints": [{"operator": "a", "url": [SECRET]}]}),
        ("evm", {"endpoints": [SECRET]}),
        ("evm", {"endpoints": [{"operator": "a", "url_file": SECRET, "requests_per_second": 1}]}),
        ("evm", {"endpoints": [{"operator": "a", "url": f"https://me:{SECRET}@node.example"}]}),
    ],
)
def test_load__secret_in_the_wrong_place__is_refused_and_not_repeated(
    document: Document, problems: Problems, section: str, content: object
) -> None:
    document[section] = content

    said = "\n".join(problems(document))

    assert said.startswith(section)
    assert SECRET[2:12] not in said


def test_environment__key_instead_of_its_file__is_refused_and_not_repeated(
    document: Document, problems: Problems, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEEPERS_KEYS__ALL", SECRET)
    monkeypatch.setenv("KEEPERS_KEYS__FEEDER__PRIVATE_KEY_FILE", "")

    said = problems(document)

    assert said[0].startswith("KEEPERS_KEYS__ALL: input should be a valid dictionary")
    assert said[1:] == ["KEEPERS_KEYS__FEEDER__PRIVATE_KEY_FILE: is empty: name the file"]
    assert SECRET[2:12] not in "".join(said)


def test_load__empty_name_of_a_secret_file__says_so(document: Document, problems: Problems) -> None:
    document["keys"] = {"operator": {"private_key_file": ""}}

    assert problems(document) == [
        "keys.operator.private_key_file: is empty: name the file",
    ]


def test_environment__section_key__overrides_the_file(
    document: Document, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    document["oracle"] = {"deviation_bps": 12, "heartbeat_s": 300}
    monkeypatch.setenv("KEEPERS_ORACLE__DEVIATION_BPS", "15")
    monkeypatch.setenv("KEEPERS_KEYS__FEEDER__PRIVATE_KEY_FILE", "key")
    monkeypatch.setenv("KEEPERS_WARNINGS__TIERS_BPS", "[3000, 2000]")

    settings = load(write(document))

    assert (settings.oracle.deviation_bps, settings.oracle.heartbeat_s) == (15, 300)
    assert settings.keys.feeder is not None
    assert settings.keys.feeder.private_key_file == Path("key")
    assert settings.warnings.tiers_bps == (3000, 2000)


def test_environment__mistakes__name_the_variable(
    document: Document, problems: Problems, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEEPERS_EVM__POLL_S", "soon")
    monkeypatch.setenv("KEEPERS_EVM__COLOUR", "blue")
    monkeypatch.setenv("KEEPERS_ORACEL__DEVIATION_BPS", "15")
    monkeypatch.setenv("KEEPERS_WARNINGS__TIERS_BPS", "[3000, ")
    monkeypatch.setenv("KEEPERS_PORT", "tcp://10.0.0.1:80")  # Kubernetes sets such ones

    assert problems(document) == [
        "KEEPERS_ORACEL__DEVIATION_BPS: no such section",
        (
            "KEEPERS_EVM__POLL_S: input should be a valid number,"
            " unable to parse string as a number, got 'soon'"
        ),
        "KEEPERS_EVM__COLOUR: no such key",
        "KEEPERS_WARNINGS__TIERS_BPS: not JSON: Expecting value at character 7",
    ]


def test_network_file__unknown_name__lists_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"--network finney: unknown; known: .*mainnet"):
        network_file("finney")


def test_network_file__same_name_in_the_working_directory__wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "config" / "networks" / "mainnet.toml"
    own.parent.mkdir(parents=True)
    own.touch()
    monkeypatch.chdir(tmp_path)

    assert network_files()["mainnet"] == own
    assert "devnet" in network_files()


def test_every_setting__is_documented_where_it_is_defined() -> None:
    undocumented = [name for name, described in _descriptions(Settings, "") if not described]

    assert undocumented == []


def _descriptions(model: Any, path: str) -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = []
    for name, field in model.model_fields.items():
        found.append((f"{path}{name}", field.description))
        for inner in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if hasattr(inner, "model_fields"):
                found += _descriptions(inner, f"{path}{name}.")
    return found


@pytest.mark.parametrize(
    ("operators", "names", "must_agree"),
    [
        ("a", ("a",), 1),
        ("ab", ("a", "b"), 2),
        ("aab", ("a", "a-2", "b"), 2),
        ("abc", ("a", "b", "c"), 2),
        ("abcd", ("a", "b", "c", "d"), 3),
    ],
)
def test_evm__several_endpoints__each_has_a_name_and_most_operators_must_agree(
    document: Document, write: Write, operators: str, names: tuple[str, ...], must_agree: int
) -> None:
    document["evm"]["endpoints"] = [
        {"operator": operator, "url": f"http://127.0.0.1:{port}"}
        for port, operator in enumerate(operators, start=1)
    ]

    evm = load(write(document)).evm

    assert (evm.names, evm.must_agree) == (names, must_agree)

import json
from pathlib import Path

import pytest
from eth_account import Account

from fleet.settings import EvmEndpoint, KeySettings, SettingsError
from fleet.settings.keys import load_key

KEY = "0x" + "11" * 32
ADDRESS = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"


def _secret(file: Path, text: str, mode: int = 0o600) -> Path:
    file.write_text(text)
    file.chmod(mode)
    return file


def test_load_key__private_key_file__gives_its_address(tmp_path: Path) -> None:
    file = _secret(tmp_path / "key", f"{KEY}\n")

    assert load_key(KeySettings(private_key_file=file)).address == ADDRESS


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o440])
def test_load_key__owner_and_group_only__is_let_in(tmp_path: Path, mode: int) -> None:
    file = _secret(tmp_path / "key", KEY, mode)

    assert load_key(KeySettings(private_key_file=file)).address == ADDRESS


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602])
def test_load_key__open_to_every_user__is_refused(tmp_path: Path, mode: int) -> None:
    file = _secret(tmp_path / "key", KEY, mode)

    with pytest.raises(SettingsError) as raised:
        load_key(KeySettings(private_key_file=file))

    assert str(raised.value) == (
        f"{file}: is open to every user of this machine (mode {mode:04o}): chmod 600 it"
    )


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "is empty"),
        (KEY[:-1], "is no private key: 0x and 64 hexadecimal digits"),
        ("0x" + "00" * 32, "holds a key out of range"),
    ],
)
def test_load_key__not_a_key__says_so_without_showing_it(
    tmp_path: Path, text: str, what: str
) -> None:
    file = _secret(tmp_path / "key", text)

    with pytest.raises(SettingsError) as raised:
        load_key(KeySettings(private_key_file=file))

    assert str(raised.value) == f"{file}: {what}"


def test_load_key__missing_file_or_folder__says_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        load_key(KeySettings(private_key_file=tmp_path / "none"))
    with pytest.raises(SettingsError, match="is not a file"):
        load_key(KeySettings(private_key_file=tmp_path))


def test_load_key__keystore__opens_with_its_password_only(tmp_path: Path) -> None:
    keystore = Account.encrypt(bytes.fromhex(KEY[2:]), "right", kdf="pbkdf2", iterations=2)
    file = _secret(tmp_path / "keystore", json.dumps(keystore))
    right = _secret(tmp_path / "right", "right\n")
    wrong = _secret(tmp_path / "wrong", "wrong")

    assert load_key(KeySettings(keystore_file=file, password_file=right)).address == ADDRESS
    with pytest.raises(SettingsError, match=f"{file}: does not open with the password in {wrong}"):
        load_key(KeySettings(keystore_file=file, password_file=wrong))


@pytest.mark.parametrize("text", ["{}", "[]", "no json", '{"version": 7}'])
def test_load_key__not_a_keystore__says_so(tmp_path: Path, text: str) -> None:
    file = _secret(tmp_path / "keystore", text)
    password = _secret(tmp_path / "password", "right")

    with pytest.raises(SettingsError, match="is no keystore of version 3"):
        load_key(KeySettings(keystore_file=file, password_file=password))


def test_endpoint__address_in_a_file__is_read_there(tmp_path: Path) -> None:
    file = _secret(tmp_path / "url", "https://node.example/very-secret\n")
    endpoint = EvmEndpoint(operator="a", url_file=file, requests_per_second=5)

    assert endpoint.address() == "https://node.example/very-secret"
    assert "very-secret" not in repr(endpoint)

"""From a key file to a key that signs. The key itself appears in no error, log or repr.

Knows files and formats, not who signs what.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from eth_account import Account
from pydantic import SecretStr

from fleet.settings.problems import Problem, SettingsError
from fleet.settings.process import KeySettings
from fleet.settings.secrets import read_secret
from units import Address

_KEY = re.compile(r"(0x)?[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A private key as 0x and 64 hexadecimal digits, and the account it signs for."""

    address: Address
    private_key: SecretStr


def load_key(key: KeySettings) -> Key:
    """Reads a private key, or decrypts a keystore (about a second of work).

    Raises:
        SettingsError: a file is missing, unreadable, open to every user or not what it should
            be, or the password does not fit; one line that names the file.
    """
    if key.private_key_file is not None:
        file = key.private_key_file
        text = read_secret(file)
        if not _KEY.fullmatch(text):
            what = "is no private key: 0x and 64 hexadecimal digits"
            raise SettingsError(Problem(where=str(file), what=what))
        return _key(text, file)
    assert key.keystore_file is not None, "the settings saw to it"
    assert key.password_file is not None, "the settings saw to it"
    return _from_keystore(key.keystore_file, key.password_file)


def _from_keystore(file: Path, password_file: Path) -> Key:
    text = read_secret(file)
    password = read_secret(password_file)
    try:
        secret = Account.decrypt(json.loads(text), password)
    except (KeyError, TypeError, RuntimeError, json.JSONDecodeError):
        raise SettingsError(Problem(where=str(file), what="is no keystore of version 3")) from None
    except ValueError:
        what = f"does not open with the password in {password_file}"
        raise SettingsError(Problem(where=str(file), what=what)) from None
    return _key(bytes(secret).hex(), file)


def _key(text: str, file: Path) -> Key:
    digits = "0x" + text.removeprefix("0x")
    try:
        address = Account.from_key(digits).address
    except ValueError:
        raise SettingsError(Problem(where=str(file), what="holds a key out of range")) from None
    return Key(address=Address(address), private_key=SecretStr(digits))

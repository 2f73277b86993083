"""From a key file to a key that signs. The key itself appears in no error, log or repr.

Knows files and formats, not who signs what.
"""

import json
import re

from eth_account import Account
from eth_account.signers.local import LocalAccount

from fleet.settings.problems import Problem, SettingsError
from fleet.settings.process import KeyFile
from fleet.settings.secrets import read_secret

_KEY = re.compile(r"(0x)?[0-9a-fA-F]{64}")


def load_key(key_file: KeyFile) -> LocalAccount:
    """Reads a private key, or decrypts a keystore (about a second of work).

    Raises:
        SettingsError: a file is missing, unreadable, open to every user or not what it should
            be, or the password does not fit; one line that names the file.
    """
    if key_file.private_key_file is not None:
        text = read_secret(key_file.private_key_file)
        if not _KEY.fullmatch(text):
            what = "is no private key: 0x and 64 hexadecimal digits"
            raise SettingsError(Problem(where=str(key_file.private_key_file), what=what))
        return _account(text, where=str(key_file.private_key_file))
    return _from_keystore(key_file)


def _from_keystore(key_file: KeyFile) -> LocalAccount:
    assert key_file.keystore_file is not None, "the settings saw to it"
    assert key_file.password_file is not None, "the settings saw to it"
    where = str(key_file.keystore_file)
    text = read_secret(key_file.keystore_file)
    password = read_secret(key_file.password_file)
    try:
        keystore = json.loads(text)
        secret = Account.decrypt(keystore, password)
    except (KeyError, TypeError, RuntimeError, json.JSONDecodeError):
        raise SettingsError(Problem(where=where, what="is no keystore of version 3")) from None
    except ValueError:
        what = f"does not open with the password in {key_file.password_file}"
        raise SettingsError(Problem(where=where, what=what)) from None
    return _account(bytes(secret).hex(), where=where)


def _account(text: str, *, where: str) -> LocalAccount:
    try:
        account: LocalAccount = Account.from_key(text)
    except ValueError:
        raise SettingsError(Problem(where=where, what="holds a key out of range")) from None
    return account

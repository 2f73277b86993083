"""Secrets come from files only: never from a command line, the environment or a setting.

Knows which files may be trusted to be private; what is in them is the reader's business.
"""

import stat
from pathlib import Path

from fleet.settings.problems import Problem, SettingsError

_OTHERS = stat.S_IRWXO
_SIZE_MAX = 64 * 1024


def read_secret(file: Path) -> str:
    """The text of a secret file without the white space around it.

    Group access is let pass: a Kubernetes secret volume with an fsGroup needs it.

    Raises:
        SettingsError: missing, unreadable, open to every user, too large, not text, or empty.
    """
    try:
        mode = file.stat().st_mode
        _check(file, mode)
        text = file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(
            Problem(where=str(file), what=f"cannot be read: {error.strerror}")
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(Problem(where=str(file), what="is not text")) from None
    if not text:
        raise SettingsError(Problem(where=str(file), what="is empty"))
    return text


def _check(file: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise SettingsError(Problem(where=str(file), what="is not a file"))
    if mode & _OTHERS:
        octal = f"{stat.S_IMODE(mode):04o}"
        what = f"is open to every user of this machine (mode {octal}): chmod 600 it"
        raise SettingsError(Problem(where=str(file), what=what))
    if file.stat().st_size > _SIZE_MAX:
        raise SettingsError(Problem(where=str(file), what=f"is larger than {_SIZE_MAX} bytes"))

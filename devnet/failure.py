"""Everything that may go wrong with a devnet, as one error with one line for the user."""

import contextlib
from collections.abc import Iterator

from devnet.anvil import AnvilError
from devnet.audit.watch import AuditError
from devnet.chain import SealError
from devnet.contract import ArtifactError
from devnet.deployment import DeploymentError
from devnet.rpc import NodeGoneError, RpcError
from devnet.standin import LateParticipantError
from devnet.tape import TapeError
from fleet.settings import SettingsError

_EXPECTED = (
    AnvilError,
    ArtifactError,
    AuditError,
    DeploymentError,
    LateParticipantError,
    NodeGoneError,
    RpcError,
    SealError,
)


class DevnetError(Exception):
    """The devnet or the demo can't go on; the message is for the user."""


class DevnetStoppedError(DevnetError):
    """Somebody wanted it to stop before its end."""


class DevnetInputError(DevnetError):
    """What it was given can't be: a tape, a time on it, a configuration."""


@contextlib.contextmanager
def one_line() -> Iterator[None]:
    """Turns what may be expected to fail into a DevnetError; anything else is a bug and stays."""
    try:
        yield
    except (SettingsError, TapeError) as error:
        raise DevnetInputError(str(error)) from error
    except _EXPECTED as error:
        raise DevnetError(str(error)) from error
    except OSError as error:
        raise DevnetError(f"{error.filename or 'the system'}: {error.strerror or error}") from error

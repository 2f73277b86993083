"""How the process itself runs: keys, database, telemetry, life and death.

Holds paths of secrets, never a secret.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from fleet.settings.fields import (
    EvmAddress,
    HttpUrl,
    Listen,
    SecretFile,
    Section,
    WebSocketUrl,
)
from fleet.settings.problems import Problem, SettingsError
from fleet.settings.secrets import read_secret
from units import Seconds


class Workload(StrEnum):
    """Whose key it is: each has its own, with its own journal and lease."""

    ALL = "all"
    FEEDER = "feeder"
    LIQUIDATOR = "liquidator"
    FUNDING = "funding"
    OPERATOR = "operator"
    STANDBY = "standby"


_KINDS = (
    "private_key_file",
    "keystore_file",
    "web3signer_url",
    "aws_kms_key",
    "google_kms_version",
)


class KeySettings(Section):
    """Where a key lies: in a file, in an encrypted keystore, or with a service that signs."""

    private_key_file: SecretFile | None = None
    """A file with 0x and 64 hexadecimal digits."""

    keystore_file: SecretFile | None = None
    """An encrypted JSON keystore (version 3)."""

    password_file: SecretFile | None = None
    """The file with the keystore's password."""

    web3signer_url: HttpUrl | None = None
    """Where a Web3Signer listens (its eth1 API). It signs whatever it is asked to: let nobody
    else reach it."""

    address: EvmAddress | None = None
    """The account whose key the Web3Signer holds."""

    aws_kms_key: Annotated[str, Field(min_length=1)] | None = None
    """Id, ARN or alias of a key in AWS KMS, of spec ECC_SECG_P256K1. Needs the extra `aws`;
    credentials are the process's own role."""

    aws_region: Annotated[str, Field(min_length=1)] | None = None
    """The region of `aws_kms_key`; absent = what the process's environment says."""

    google_kms_version: (
        Annotated[str, Field(pattern=r"^projects/.+/cryptoKeyVersions/\d+$")] | None
    ) = None
    """Resource name of a key version in Google Cloud KMS, of algorithm EC_SIGN_SECP256K1_SHA256.
    Needs the extra `google`; credentials are the process's own identity."""

    timeout_s: Annotated[float, Field(gt=0, le=30)] = 4.0
    """Seconds after which a service that was asked to sign counts as refusing. 4: a third of a
    block, so that another try still fits."""

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        given = [kind for kind in _KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(_KINDS[:-1])} and {_KINDS[-1]}")
        for kind, companion in (("keystore_file", "password_file"), ("web3signer_url", "address")):
            if (kind in given) != (getattr(self, companion) is not None):
                raise ValueError(f"{kind} and {companion} go together")
        if self.aws_region is not None and "aws_kms_key" not in given:
            raise ValueError("aws_region goes with aws_kms_key")
        return self

    @property
    def place(self) -> str:
        """Where the key lies, for people, and to find one key given to two workloads."""
        kind = next(kind for kind in _KINDS if getattr(self, kind) is not None)
        at = str(getattr(self, kind))
        return f"{at} {self.address}" if self.address is not None else at


class KeysSettings(Section):
    """One key a workload; without one its commands are dry runs that show their plan."""

    all: KeySettings | None = None
    """For `keepers run` with every bot in one process."""

    feeder: KeySettings | None = None
    """For `keepers run feeder`."""

    liquidator: KeySettings | None = None
    """For `keepers run liquidator`."""

    funding: KeySettings | None = None
    """For `keepers run funding`."""

    operator: KeySettings | None = None
    """For one-shot commands by hand."""

    standby: KeySettings | None = None
    """For one-shot commands by hand while the database is away (--break-glass): a key of its own,
    with an account that no other journal knows."""

    def of(self, workload: Workload) -> KeySettings | None:
        """The key of a workload, or None: then it is a dry run."""
        key: KeySettings | None = getattr(self, workload.value)
        return key


class RetentionSettings(Section):
    """How long the store keeps what is done with. What transactions cost is kept for ever."""

    decisions_days: Annotated[int, Field(ge=1, le=36_500)] = 90
    """Days of chain time for which what liquidations were decided on is kept, with the journal's
    entries that came of them. 90: a quarter, in which a trader who disagrees has come forward."""

    quotes_days: Annotated[int, Field(ge=1, le=36_500)] = 14
    """Days of chain time for which the prices read of Subtensor are kept, a row a block. 14: two
    weeks to ask about a price, 100,800 rows."""

    messages_days: Annotated[int, Field(ge=1, le=36_500)] = 30
    """Days for which alerts that reached everybody are kept for people to look at."""

    nonces: Annotated[int, Field(ge=1)] = 1_000
    """Nonces of each key whose transactions are kept for people to look at, done with or not."""


class StoreSettings(Section):
    """Where journal, decisions, warning states and the outbox are kept, and for how long."""

    sqlite_file: Path | None = None
    """The SQLite file; absent = keepers-<network>.sqlite3 in the working directory."""

    url_file: SecretFile | None = None
    """A file with the address of a PostgreSQL database, as it holds a password:
    postgresql://user:password@host:5432/database; absent = SQLite."""

    book_folder: Path | None = None
    """Where the book's checkpoint lies, a file a workload; absent = beside the SQLite file, with a
    server in the working directory."""

    retention: RetentionSettings = RetentionSettings()
    """How long what is done with is kept."""

    @model_validator(mode="after")
    def _is_one_database(self) -> Self:
        if self.sqlite_file is not None and self.url_file is not None:
            raise ValueError("give one of sqlite_file and url_file")
        return self

    def address(self, network: str) -> str:
        """The database's SQLAlchemy address; not to be logged.

        Raises:
            SettingsError: the file that holds it cannot be read, or holds another kind of address.
        """
        if self.url_file is None:
            return f"sqlite+aiosqlite:///{self._file(network)}"
        address = read_secret(self.url_file)
        if not address.startswith(("postgresql://", "postgres://")):
            what = "holds no address of PostgreSQL: postgresql://user:password@host:5432/database"
            raise SettingsError(Problem(where=str(self.url_file), what=what))
        return address.replace("postgres://", "postgresql://", 1)

    def file(self, network: str) -> Path | None:
        """The SQLite file; None where the store is a server's."""
        return None if self.url_file is not None else self._file(network)

    def book(self, network: str, name: str) -> Path:
        """The file of the book's checkpoint for all processes of that name."""
        beside = self._file(network)
        folder = beside.parent if self.book_folder is None else self.book_folder
        return folder / f"{beside.name}.{name}.book"

    def _file(self, network: str) -> Path:
        return self.sqlite_file or Path(f"keepers-{network}.sqlite3")


class TelemetrySettings(Section):
    """What the process tells the world."""

    log_format: Literal["auto", "console", "json"] = "auto"
    """Form of the log lines; auto = console on a terminal, JSON anywhere else."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Lowest level that is written; info has one line a step."""

    sentry_dsn_file: SecretFile | None = None
    """A file with the Sentry DSN; absent = no errors are reported."""

    notify_urls_file: SecretFile | None = None
    """A file with one Apprise address a line, as they hold secrets; absent = alerts are logged."""

    storm_messages_max: Annotated[int, Field(ge=1)] = 10
    """Messages of one severity at once to one address, each by itself; more of them become one.
    10: what somebody who is woken still reads."""

    storm_quiet_s: Annotated[Seconds, Field(ge=0, le=3_600)] = Seconds(60)
    """Seconds after such a storm for which further messages of its severity wait, to be one again.
    60: what a person needs to look."""

    listen: Listen | None = None
    """host:port for /live, /ready, /status and /metrics; absent = not served."""


class RuntimeSettings(Section):
    """How the bots are kept alive and stopped."""

    grace_s: Annotated[Seconds, Field(ge=0, le=600)] = Seconds(30)
    """Seconds after SIGTERM to wait for what was sent. 30: two blocks and a margin, and the
    usual limit of Kubernetes; set terminationGracePeriodSeconds above it."""

    backoff_s_min: Annotated[float, Field(gt=0)] = 1.0
    """First pause after a failed step; doubles up to backoff_s_max."""

    backoff_s_max: Annotated[float, Field(gt=0)] = 60.0
    """Longest pause after a failed step. 60: five blocks."""

    lease_s: Annotated[Seconds, Field(ge=2, le=600)] = Seconds(10)
    """Seconds without a sign after which another process may take over. A sign is given ten times
    in it; a store that takes none for a quarter of it stops all deciding. 10: a standby acts within
    15 s, little more than a block."""

    loop_age_s_max: Annotated[Seconds, Field(ge=120)] = Seconds(180)
    """Seconds without a successful step after which a bot is unhealthy; a step may take 60, and
    some are a minute apart. 180: fifteen blocks."""


class LockstepSettings(Section):
    """Running in step with a devnet that waits for every bot before it seals the next block."""

    url: WebSocketUrl | None = None
    """The devnet's WebSocket; absent = run on wall-clock time."""

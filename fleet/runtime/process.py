"""Which process this is, and whether another one of this machine is gone for good.

Knows /proc and signals, not what a process is for.
"""

import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_DEAD = frozenset({"Z", "X"})
_STATE, _STARTED = 0, 19  # fields of /proc/<pid>/stat, counted after the name in brackets


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process, ever.

    Attributes:
        id: random, never used again.
        host: the machine's name, for people.
        pid: its number, for people.
        mark: boot, pid namespace, pid and the moment of its start: what `is_gone` goes by. Empty
            where the system does not tell.
    """

    id: str
    host: str
    pid: int
    mark: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


def this_process() -> Process:
    """The process that calls."""
    pid = os.getpid()
    return Process(id=secrets.token_hex(16), host=socket.gethostname(), pid=pid, mark=_mark(pid))


def is_gone(mark: str) -> bool:
    """Whether a process is certainly gone; of another machine or container nothing is certain.

    A stopped process is not gone. A number that was given out again is told by its start.
    """
    place, _, rest = mark.rpartition(":")
    if not place or place != _place():
        return False
    pid, started = rest.split("/")
    try:
        os.kill(int(pid), 0)  # also sees those that /proc hides from other users
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    found = _stat(int(pid))
    return found is not None and (found[_STATE] in _DEAD or found[_STARTED] != started)


def _mark(pid: int) -> str:
    place, found = _place(), _stat(pid)
    return f"{place}:{pid}/{found[_STARTED]}" if place and found is not None else ""


def _place() -> str:
    """The boot and the pid namespace: within both, a number is one process at a time."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def _stat(pid: int) -> list[str] | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()

"""Runs a program that ends when its parent does, also when nobody could end it: kill -9.

`python -I -S tether.py PARENT_PID USER PROGRAM ARGUMENTS…` becomes the program, under the same pid,
as that user (a name; - for the one it is). Only Linux can be asked for this; elsewhere the program
just runs. The kernel means the thread that started it, which for an event loop is the process's
main one. Imports nothing of the project.
"""

import ctypes
import os
import pwd
import signal
import sys

_PR_SET_PDEATHSIG = 1


def become(name: str) -> None:
    """Another user, for good, with that user's own group alone."""
    account = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)


def main() -> None:
    """Asks the kernel, then becomes the program."""
    parent, user, program, arguments = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[3:]
    if user != "-":
        become(user)  # before the kernel is asked: it forgets with a change of user
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the kernel was asked
            sys.exit("its parent is gone")
    os.execv(program, arguments)  # noqa: S606 - a program and its arguments, no shell wanted


if __name__ == "__main__":
    main()

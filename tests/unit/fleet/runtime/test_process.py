"""Whether a process is gone: certain for one of this machine, never claimed of another."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from fleet.runtime.process import is_gone, this_process
from tests.unit.fleet.runtime.mortal import mortal


@pytest.fixture
def other() -> Iterator[tuple[subprocess.Popen[str], str]]:
    with mortal() as found:
        yield found


def until_gone(mark: str) -> None:
    for _ in range(6_000):
        if is_gone(mark):
            return
        time.sleep(0.01)
    pytest.fail("it is not seen to be gone")


def test_this_process__twice__same_place_another_id() -> None:
    one, two = this_process(), this_process()
    assert one.mark == two.mark != ""
    assert one.id != two.id
    assert str(one) == f"process {os.getpid()} on {one.host}"


def test_is_gone__living_or_stopped__no(other: tuple[subprocess.Popen[str], str]) -> None:
    process, mark = other
    assert not is_gone(mark)
    process.send_signal(signal.SIGSTOP)
    assert not is_gone(mark)


def test_is_gone__killed__yes_before_and_after_it_is_buried(
    other: tuple[subprocess.Popen[str], str],
) -> None:
    process, mark = other
    process.kill()
    until_gone(mark)
    process.wait()
    assert is_gone(mark)


def test_is_gone__its_number_was_given_out_again__yes() -> None:
    mark = this_process().mark
    assert is_gone(mark.rpartition("/")[0] + "/1")


@pytest.mark.parametrize("mark", ["", "another boot:pid:[4026531836]:1/1", "no mark"])
def test_is_gone__of_another_machine_or_not_told__is_not_claimed(mark: str) -> None:
    assert not is_gone(mark)

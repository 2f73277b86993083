"""A signal before the command works: a quiet end, also while Python still imports."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SIGNALS = (signal.SIGTERM, signal.SIGINT)
# behind others, so that it still imports when the signal comes
ENTRY = ["nice", "-n", "19", sys.executable, "-m", "fleet.cli.entry", "--config", "nowhere.toml"]
STAND_IN = """
import sys, time, types
import fleet.cli
from fleet.cli.entry import main

def work():
    try:
        print("working", flush=True)
        for _ in range(600):  # one long sleep might begin just after the signal, and last
            time.sleep(0.1)
    finally:
        print("unwound", flush=True)

fleet.cli.main = sys.modules["fleet.cli.main"] = types.SimpleNamespace(main=work)
main()
"""


def catches_sigterm(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def started(*command: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs the signals in /proc")
@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize(("words", "code"), [(["run", "feeder"], 0), (["scan"], 1)])
def test_main__a_signal_while_it_still_imports__is_a_quiet_end(
    number: signal.Signals, words: list[str], code: int
) -> None:
    with started(*ENTRY, *words) as process:
        while not catches_sigterm(process.pid):
            time.sleep(0.001)
        process.send_signal(number)
        said = process.communicate(timeout=60)

    assert (process.returncode, *said) == (code, "", "")


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize(("word", "code"), [("run", 0), ("up", 0), ("liquidate", 1)])
def test_main__a_signal_to_a_command_without_an_end_of_its_own__unwinds_it_quietly(
    number: signal.Signals, word: str, code: int
) -> None:
    with started(sys.executable, "-c", STAND_IN, word) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "working\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=60)

    assert (process.returncode, out, err) == (code, "unwound\n", "")

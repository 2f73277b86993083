"""What a machine that lacks something is told, before anything is downloaded."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("sh", "make", "sed", "mkdir", "touch")

Machine = dict[str, str]
"""What its programs print, by name."""


def setup_on(folder: Path, machine: Machine) -> subprocess.CompletedProcess[str]:
    """`make setup` in an empty checkout on a machine that has these programs and no others."""
    programs = folder / "bin"
    programs.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (programs / tool).symlink_to(found)
    for name, says in machine.items():
        program = programs / name
        program.write_text(f"#!{programs}/sh\necho '{says}'\n")
        program.chmod(0o755)
    for needed in ("Makefile", "devnet/node/package-lock.json", "requirements/dev.txt"):
        (folder / needed).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / needed, folder / needed)
    (folder / "pyproject.toml").touch()
    return subprocess.run(
        [programs / "make", "setup"],
        cwd=folder,
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("machine", "line"),
    [
        ({}, "Node 18 or newer with npm is needed: there is no node on the PATH"),
        (
            {"node": "v18.0.0"},
            "Node 18 or newer with npm is needed: there is no npm on the PATH",
        ),
        (
            {"node": "v16.20.2", "npm": "8"},
            "Node 18 or newer is needed, this is v16.20.2",
        ),
        (
            {"node": "v18.0.0", "npm": "8"},
            "Python 3.11 or newer is needed: there is no python3 on the PATH",
        ),
        ({"anvil": "1"}, "Python 3.11 or newer is needed: there is no python3 on the PATH"),
    ],
)
def test_setup__something_is_missing__says_what_in_one_line(
    tmp_path: Path, machine: Machine, line: str
) -> None:
    done = setup_on(tmp_path, machine)

    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == line

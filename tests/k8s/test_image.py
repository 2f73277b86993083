"""What the image's files promise, since to build one takes too long here; CI builds and runs it."""

import re
import tomllib

from tests.k8s.rendered import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
IGNORED = (ROOT / ".dockerignore").read_text().splitlines()
FINAL = DOCKERFILE.rpartition("\nFROM ")[2]


def test_base__of_the_image__is_pinned_to_an_exact_tag_or_digest() -> None:
    (base,) = re.findall(r"^ARG BASE=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert re.search(r"(@sha256:[0-9a-f]{64}|:[a-z]+-\d{8}-slim)$", base)
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${BASE}"}


def test_final_stage__of_the_image__runs_as_nobody_in_particular_and_installs_no_compiler() -> None:
    assert re.search(r"^USER 10001:10001$", FINAL, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["/usr/bin/tini", "--", "keepers"\]$', FINAL, re.MULTILINE)
    assert not re.search(r"gcc|build-essential|python3-(pip|venv|dev)", FINAL)


def test_requirements__of_the_image__are_locked_by_hash() -> None:
    installs = re.findall(r"install --no-cache-dir(.*?)\n(?:RUN|COPY| &&)", DOCKERFILE, re.DOTALL)
    assert len(installs) == 3
    assert all("--require-hashes -r requirements/" in i or "--no-index" in i for i in installs)


def test_context__of_the_image__has_every_package_that_is_installed_and_no_more() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["setuptools"]["packages"]["find"]["include"]
    let_in = {line.removeprefix("!") for line in IGNORED if line.startswith("!")}
    assert "*" in IGNORED
    assert {name.removesuffix("*") for name in packages} <= let_in
    assert not let_in & {".git", "tests", "build", "contracts", "k8s"}


def test_requirements__for_keys_in_the_cloud__are_those_of_the_image_and_more() -> None:
    plain, cloud = (
        set(re.findall(r"^([a-z0-9._-]+==\S+)", text, re.MULTILINE))
        for text in (
            (ROOT / f"requirements/{name}.txt").read_text() for name in ("runtime", "cloud")
        )
    )
    assert plain < cloud
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for wanted in (each for some in project["optional-dependencies"].values() for each in some):
        assert any(each.startswith(f"{re.split('[<>=]', wanted)[0]}==") for each in cloud)

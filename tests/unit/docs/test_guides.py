"""What the documents tell people to type exists: commands, targets, settings, metrics, links."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel
from typer.core import TyperCommand
from typer.testing import CliRunner

from fleet.cli.explanation import describe
from fleet.cli.main import app
from fleet.settings import Settings
from fleet.telemetry.metrics import Metrics

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "contracts/README.md"]
)
PLACEHOLDERS = {
    "FILE": "Makefile",
    "NAME": "devnet",
    "N": "5",
    "MARKET": "CHUTES",
    "MARKET...": "CHUTES",
    "POSITION": "0x" + "00" * 16,
    "BOT": "feeder",
    "SECONDS": "5",
    "SECTION": "oracle",
    "TIME": "2025-03-23T08:05",
}
FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")


def texts() -> Iterator[tuple[Path, str]]:
    """Every line of a fenced block and every inline piece of code, with its document."""
    for document in DOCUMENTS:
        text = document.read_text()
        for block in FENCED.findall(text):
            yield from ((document, line.strip().removeprefix("$ ")) for line in block.splitlines())
        yield from ((document, piece) for piece in INLINE.findall(FENCED.sub("", text)))


def lines(pattern: str) -> list[str]:
    """What matches from its beginning, once each."""
    return list(dict.fromkeys(text for _, text in texts() if re.match(pattern, text)))


def words(line: str) -> list[str]:
    """A command line's words: placeholders filled, optional ones (in brackets) and … left out."""
    return [
        PLACEHOLDERS.get(word, word)
        for word in shlex.split(line, comments=True)
        if word != "…" and not word.startswith("[")
    ]


def links(document: Path) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", document.read_text())):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(document: Path) -> set[str]:
    """The names that a reader's browser gives to the headings."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", document.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("line", lines(r"(\.venv/bin/)?keepers [^|]"))
def test_command__shown_to_people__is_understood(
    line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(TyperCommand, "invoke", lambda *_: None, raising=False)
    tape = re.sub(r"--tape \S+", "--tape Makefile", line)  # recorded prices do not come along

    ended = CliRunner().invoke(app, words(tape)[1:])

    assert ended.exit_code == 0, ended.output


def test_commands__shown_to_people__leave_none_out() -> None:
    shown = " ".join(lines("keepers "))

    for group in (app, *(each.typer_instance for each in app.registered_groups)):
        assert group is not None
        for command in group.registered_commands:
            assert command.callback is not None
            assert f" {command.name or command.callback.__name__.replace('_', '-')}" in shown


@pytest.mark.parametrize("line", lines(r"make [a-z]"))
def test_target__shown_to_people__is_in_the_makefile(line: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    given = shlex.split(line, comments=True)[1:]

    for variable in (word.split("=")[0] for word in given if "=" in word):
        assert re.search(rf"^{variable} \?=", makefile, re.MULTILINE)
    for target in (word for word in given if "=" not in word):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links__of_a_document__lead_somewhere(document: Path) -> None:
    for target in links(document):
        path, _, anchor = target.partition("#")
        found = (document.parent / path).resolve() if path else document
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


def test_settings__named_to_people__exist() -> None:
    known = {re.sub(r"\[\]", "", row["key"]) for row in describe(Settings, None, "")}
    sections = [name for name, field in Settings.model_fields.items() if _is_section(field)]
    named = lines(rf"({'|'.join(sections)})\.[a-z_.]+$")

    assert len(named) > 10
    for key in named:
        assert any(each == key or each.startswith(f"{key}.") for each in known), key


def test_metrics__named_to_people__exist() -> None:
    metrics = Metrics(version="0", network="devnet")
    metrics.chain.head_age(lambda: 0.0)
    metrics.chain.sources(states=lambda _: None, endpoints=["a"], known=["agrees"], age=lambda: 0.0)
    families = [family.name for family in metrics.registry.collect()]
    known = {name for family in families for name in (family, f"{family}_total")}
    named = {name.split("{")[0] for name in lines(r"megatao_")}

    assert len(named) > 10
    assert named <= known


def _is_section(field: object) -> bool:
    annotation = getattr(field, "annotation", None)
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)

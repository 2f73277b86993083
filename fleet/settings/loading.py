"""From a file and the environment to Settings, or to the list of everything that is wrong.

The only reader of the environment. A relative path under a key that ends in `_file` or
`_folder`, and a `chain_spec`, means relative to the configuration file; in an environment variable,
to the working directory.
"""

import os
import sys
import tomllib
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from difflib import get_close_matches
from pathlib import Path
from types import NoneType
from typing import Any, get_args

from pydantic import BaseModel, ValidationError, create_model
from pydantic_core import ErrorDetails
from pydantic_settings import EnvSettingsSource

from fleet.settings.contradictions import contradictions
from fleet.settings.problems import Problem, SettingsError
from fleet.settings.settings import (
    ENVIRONMENT_DELIMITER,
    ENVIRONMENT_PREFIX,
    Settings,
)

_SHOWN_MAX = 60
_SIZE_MAX = 1 << 20
_PATHS = ("_file", "_folder", "chain_spec")
"""How the names of keys end that hold paths."""
_NEVER_SHOWN = frozenset({"keys", "telemetry", "endpoints", "url", "ws_url"})
"""Sections and keys in which a misplaced key, password or address with a token may stand."""

Location = tuple[int | str, ...]


def network_files() -> dict[str, Path]:
    """The networks that come with the program, by name.

    Looked for in the working directory, beside the source, and where the wheel puts them.
    """
    folders = (
        Path(sys.prefix) / "share" / "megatao-keepers" / "networks",
        Path(__file__).resolve().parents[2] / "config" / "networks",
        Path.cwd() / "config" / "networks",
    )
    return {file.stem: file for folder in folders for file in sorted(folder.glob("*.toml"))}


def network_file(name: str) -> Path:
    """The file of a network by its name.

    Raises:
        SettingsError: there is none of this name.
    """
    files = network_files()
    if name not in files:
        known = ", ".join(sorted(files)) or "none"
        raise SettingsError(Problem(where=f"--network {name}", what=f"unknown; known: {known}"))
    return files[name]


def load(file: Path, over: Mapping[str, Any] | None = None) -> Settings:
    """Reads a configuration file, overridden by `KEEPERS_SECTION__KEY`, and both by `over`.

    Args:
        file: the configuration.
        over: sections of values that a command lays over everything, as a file or (as text) a
            variable would give them.

    Raises:
        SettingsError: with every problem found: unreadable, unknown or missing keys, values out
            of range, contradictions.
    """
    merged = _merged(_merged(_read(file), EnvSettingsSource(Settings)()), over or {})
    problems = list(_unknown_variables())
    sections: BaseModel
    try:
        sections = settings = Settings(**merged)
    except ValidationError as error:
        settings = None
        errors = error.errors(include_url=False, include_context=False)
        problems += [_problem(file, found) for found in errors]
        sections = _readable(merged, broken={found["loc"][0] for found in errors})
    problems += [
        Problem(where=_where(file, tuple(key.split("."))), what=what)
        for key, what in contradictions(dict(iter(sections)))
    ]
    if settings is None or problems:
        raise SettingsError(*problems)
    return settings


def _read(file: Path) -> dict[str, Any]:
    try:
        raw = tomllib.loads(_text(file))
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        what = "is not text"
    except tomllib.TOMLDecodeError as error:
        what = f"is not TOML: {error}"
    except RecursionError:
        what = "is nested too deeply"
    else:
        rooted: dict[str, Any] = _rooted(raw, file.resolve().parent)
        return rooted
    raise SettingsError(Problem(where=str(file), what=what))


def _text(file: Path) -> str:
    """What is in it; a device or a dump named by mistake is not read to its end."""
    with file.open("rb") as stream:
        content = stream.read(_SIZE_MAX + 1)
    if len(content) > _SIZE_MAX:
        raise SettingsError(Problem(where=str(file), what=f"is larger than {_SIZE_MAX} bytes"))
    return content.decode("utf-8")


def _rooted(value: Any, folder: Path) -> Any:
    """Makes relative paths under keys of `_PATHS` relative to `folder`."""
    if isinstance(value, list):
        return [_rooted(item, folder) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: str(folder / item)
        if key.endswith(_PATHS) and isinstance(item, str) and item
        else _rooted(item, folder)
        for key, item in value.items()
    }


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` wins, section by section and key by key; lists are replaced whole."""
    both = {
        key: _merged(under[key], value)
        for key, value in over.items()
        if isinstance(value, dict) and isinstance(under.get(key), dict)
    }
    return {**under, **over, **both}


def _readable(merged: Mapping[str, Any], *, broken: AbstractSet[int | str]) -> BaseModel:
    """The sections without an error of their own, to look for contradictions among them."""
    fields: dict[str, Any] = {
        name: (field.annotation, field)
        for name, field in Settings.model_fields.items()
        if name not in broken
    }
    model: type[BaseModel] = create_model("Readable", **fields)
    return model.model_validate(merged)


def _unknown_variables() -> Iterator[Problem]:
    """Variables that look like settings and name no section; the rest pydantic refuses.

    Without the double underscore they are not ours: Kubernetes sets KEEPERS_PORT and the like.
    """
    for name in sorted(os.environ):
        section, delimiter, _ = name.removeprefix(ENVIRONMENT_PREFIX).partition(
            ENVIRONMENT_DELIMITER
        )
        is_ours = name.startswith(ENVIRONMENT_PREFIX) and delimiter
        if is_ours and section.lower() not in Settings.model_fields:
            yield Problem(where=name, what="no such section")


def _problem(file: Path, error: ErrorDetails) -> Problem:
    location = error["loc"]
    match error["type"]:
        case "missing":
            what = "is required"
        case "extra_forbidden":
            what = f"no such key{_suggestion(location)}"
        case "too_short":
            what = "must not be empty"
        case "value_error":
            what = error["msg"].removeprefix("Value error, ")
        case _:
            what = f"{error['msg'][0].lower()}{error['msg'][1:]}{_shown(error)}"
    return Problem(where=_where(file, location), what=what)


def _shown(error: ErrorDetails) -> str:
    """The value that was refused; nothing where a secret may have been put by mistake."""
    names = [part for part in error["loc"] if isinstance(part, str)]
    if _NEVER_SHOWN.intersection((names[0], names[-1])) or names[-1].endswith("_file"):
        return ""
    text = repr(error["input"])
    return f", got {text if len(text) <= _SHOWN_MAX else f'{text[:_SHOWN_MAX]}…'}"


def _suggestion(location: Location) -> str:
    *path, key = location
    model: Any = Settings
    for part in path:
        if isinstance(part, str):
            model = _section(model.model_fields[part].annotation)
    near = get_close_matches(str(key), model.model_fields, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _section(annotation: Any) -> type[BaseModel]:
    """The model inside `X`, `X | None` or `tuple[X, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (part for part in get_args(annotation) if part not in (NoneType, Ellipsis))
    return _section(next(inner))


def _where(file: Path, location: Location) -> str:
    """The variable that set it, else the file and the dotted key."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    names = [part for part in location if isinstance(part, str)]
    for depth in range(len(names), 0, -1):
        variable = ENVIRONMENT_PREFIX + ENVIRONMENT_DELIMITER.join(names[:depth]).upper()
        if variable in os.environ:
            rest = path.split(names[depth - 1], 1)[1]
            return f"{variable}{rest}"
    return f"{file}: {path.removeprefix('.')}"

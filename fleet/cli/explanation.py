"""`keepers settings`: every setting with its meaning, and its value where one is configured."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, get_args

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from fleet.cli.exits import WrongInputError, reported
from fleet.cli.output import messages, output
from fleet.cli.session import JsonOption, session_of
from fleet.settings import Settings

Setting = dict[str, str]


def settings(
    context: typer.Context,
    section: Annotated[str | None, typer.Argument(metavar="[SECTION]")] = None,
    *,
    json: JsonOption = False,
) -> None:
    """Every setting: meaning, unit, default; with --network or --config also its value."""
    session = session_of(context)
    with reported(messages(), is_json=json), output(is_json=json) as out:
        is_configured = session.network is not None or session.config is not None
        values = session.settings() if is_configured else None
        rows = [
            row
            for row in describe(Settings, values, "")
            if section is None or re.split(r"[.\[]", row["key"])[0] == section
        ]
        if not rows:
            known = ", ".join(Settings.model_fields)
            raise WrongInputError(f"unknown section {section!r}; known: {known}")
        out.record("settings", rows)
        for row in rows:
            out.line(f"{row['key']} = {row['value']}")
            out.line(f"    {row['meaning']}")


def describe(model: type[BaseModel], values: BaseModel | None, path: str) -> Iterator[Setting]:
    """A row a setting: dotted key, value (else default), and the meaning from its definition."""
    for name, field in model.model_fields.items():
        value = getattr(values, name) if values is not None else None
        inner = _section(field.annotation)
        key = f"{path}{name}"
        if inner is None:
            yield _row(key, field, value, is_configured=values is not None)
        elif isinstance(value, tuple):
            for index, item in enumerate(value):
                yield from describe(inner, item, f"{key}[{index}].")
        elif values is None or value is not None:
            plural = "[]" if get_args(field.annotation)[1:] == (...,) else ""
            yield from describe(inner, value, f"{key}{plural}.")
        else:
            yield _row(key, field, value, is_configured=True)


def _row(key: str, field: FieldInfo, value: Any, *, is_configured: bool) -> Setting:
    shown = value if is_configured else "required" if field.is_required() else field.get_default()
    meaning = " ".join((field.description or "").split())
    return {"key": key, "value": "–" if shown is None else str(shown), "meaning": meaning}


def _section(annotation: Any) -> type[BaseModel] | None:
    """The model inside `X`, `X | None` or `tuple[X, ...]`."""
    for part in (annotation, *get_args(annotation)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None

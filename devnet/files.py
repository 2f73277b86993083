"""Files appear whole or not at all."""

import json
from pathlib import Path
from typing import Any


def write_whole(path: Path, text: str) -> None:
    """Writes beside the file, then puts it in its place; nothing is left where that fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.draft")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def write_json(path: Path, document: dict[str, Any]) -> None:
    """The same of a document."""
    write_whole(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")

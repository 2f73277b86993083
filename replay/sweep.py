"""The same run with other settings, side by side: what is bought with what.

Each variant has a folder of its own; one that is there already, of the same input, is not run
again. They run in processes of their own, one a core.
"""

import json
import signal
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib.metadata import version
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from devnet.failure import DevnetError, DevnetInputError
from devnet.files import write_json, write_whole
from replay.comparison import comparison
from replay.run import Advanced, ReplayOptions, prepared, run_blocking

VARIANTS_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One choice of the swept values, by the words that make it, and the fleet's settings then."""

    words: tuple[str, ...]
    settings: Mapping[str, Any]

    @property
    def name(self) -> str:
        """For people: the last part of each key and its value."""
        return ", ".join(word.partition(".")[2] for word in self.words)

    @property
    def folder(self) -> str:
        """A name that any file system takes."""
        return sha256(" ".join(self.words).encode()).hexdigest()[:12]


def variants(options: ReplayOptions, sweeps: Sequence[str]) -> list[Variant]:
    """Every combination of the swept values, each checked before any is run.

    Raises:
        DevnetInputError: a sweep is no `key=a,b,c`, or a variant's settings can't be.
    """
    axes = [_axis(sweep) for sweep in sweeps]
    chosen = list(product(*axes))
    if len(chosen) > VARIANTS_MAX:
        raise DevnetInputError(f"{len(chosen)} variants, at most {VARIANTS_MAX} are run")
    few = replace(options, traders=min(options.traders, 1))
    return [_variant(few, words) for words in chosen]


def sweep(
    options: ReplayOptions, chosen: Sequence[Variant], workers: int | None, advanced: Advanced
) -> list[dict[str, Any]]:
    """Runs what is not there yet, and writes sweep.json and the comparison, report.html.

    Raises:
        DevnetError: a variant failed; those that did not are kept for the next time.
    """
    missing = [variant for variant in chosen if _kept(options, variant) is None]
    done = len(chosen) - len(missing)
    advanced(done, len(chosen))
    failures: list[str] = []
    with ProcessPoolExecutor(max_workers=workers, mp_context=get_context("spawn")) as pool:
        started = {pool.submit(_ran, options, variant): variant for variant in missing}
        try:
            for future in as_completed(started):
                error = future.exception()
                if error is not None:
                    failures.append(f"{started[future].name}: {error}")
                done += 1
                advanced(done, len(chosen))
        finally:
            pool.shutdown(cancel_futures=True)  # who interrupts it wants none of the others
    if failures:
        raise DevnetError("; ".join(failures))
    return _compared(options, chosen)


def _axis(text: str) -> list[str]:
    key, equals, values = text.partition("=")
    found = [value.strip() for value in values.split(",")]
    if not equals or "." not in key or not all(found):
        raise DevnetInputError(f"--sweep {text!r} is not section.key=a,b,c")
    return [f"{key}={value}" for value in dict.fromkeys(found)]


def _variant(options: ReplayOptions, words: tuple[str, ...]) -> Variant:
    ready = prepared(replace(options, words=(*options.words, *words)))
    return Variant(words=words, settings=ready.configuration.sections)


def _options(options: ReplayOptions, variant: Variant) -> ReplayOptions:
    return replace(
        options,
        out=options.out / "variants" / variant.folder,
        words=(*options.words, *variant.words),
    )


def _ran(options: ReplayOptions, variant: Variant) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # else the process would go on with the next one
    own = _options(options, variant)
    (own.out / "input.json").unlink(missing_ok=True)
    run_blocking(own, _unseen)
    write_json(own.out / "input.json", _input(own, variant))


def _unseen(done: int, total: int) -> None:
    """One bar counts variants; that of each would be one too many."""
    del done, total


def _kept(options: ReplayOptions, variant: Variant) -> dict[str, Any] | None:
    """The summary of an earlier run of this very input; None: there is none."""
    own = _options(options, variant)
    try:
        if json.loads((own.out / "input.json").read_text()) != _input(own, variant):
            return None
        found: dict[str, Any] = json.loads((own.out / "summary.json").read_text())
    except (OSError, ValueError):
        return None
    return found


def _input(options: ReplayOptions, variant: Variant) -> dict[str, Any]:
    """Everything that a result depends on: files by what is in them, and settings as they count."""
    settings = json.dumps(variant.settings, sort_keys=True)
    return {
        "version": version("megatao-keepers"),
        "tape": _digest(options.tape),
        "settings": sha256(settings.encode()).hexdigest(),
        "population": _population(options.population),
        "start": options.start,
        "hours": options.hours,
        "traders": options.traders,
        "seed": options.seed,
        "words": list(options.words),
        "engine": options.engine,
        "gap_blocks_max": options.gap_blocks_max,
    }


def _population(name: str) -> str:
    path = Path(name)
    return f"{name} {_digest(path)}" if path.is_file() else name


def _digest(path: Path | None) -> str | None:
    return None if path is None else sha256(path.read_bytes()).hexdigest()


def _compared(options: ReplayOptions, chosen: Sequence[Variant]) -> list[dict[str, Any]]:
    found = []
    for variant in chosen:
        summary = _kept(options, variant)
        assert summary is not None, "it was just run"
        found.append({"name": variant.name, "folder": variant.folder, "summary": summary})
    write_json(options.out / "sweep.json", {"variants": found})
    write_whole(options.out / "report.html", comparison(found))
    return found

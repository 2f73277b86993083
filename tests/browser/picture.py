"""`python -m tests.browser.picture FILE [TAPE]` makes the picture that the documents show."""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from replay.run import ReplayOptions, run
from tests.browser.chromium import browsing

_WIDTH, _HEIGHT = 1_000, 2_300


async def main(picture: Path, tape: Path | None) -> None:
    with TemporaryDirectory() as folder:
        options = ReplayOptions(
            out=Path(folder),
            tape=tape,
            start="2025-03-23T00:00" if tape else None,
            population="3x-cluster",
            traders=500,
        )
        await run(options, lambda _done, _total: None)
        async with browsing(Path(folder) / "profile") as browser:
            await browser.open(Path(folder) / "report.html", width=_WIDTH)
            shot = await browser.picture(height=_HEIGHT)
    picture.write_bytes(shot)  # noqa: ASYNC240 - nothing else runs


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None))

"""A real headless Chromium, driven by its own protocol: a page is opened as people open it."""

import asyncio
import base64
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
from websockets.asyncio.client import ClientConnection, connect

CHROMIUM = shutil.which("chromium")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
_START_SECONDS_MAX = 60.0
_ANSWER_SECONDS_MAX = 60.0
_LOUD = {"Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"}


@dataclass(slots=True)
class Browser:
    """One page of a running Chromium. `complaints` are what it wrote to its console."""

    socket: ClientConnection
    complaints: list[str] = field(default_factory=list)
    _ids: Any = field(default_factory=lambda: count(1))

    async def call(self, method: str, **parameters: Any) -> Any:
        """The answer to a command of the protocol; whatever is said meanwhile is kept."""
        number = next(self._ids)
        await self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        async with asyncio.timeout(_ANSWER_SECONDS_MAX):
            while True:
                said = json.loads(await self.socket.recv())
                if said.get("method") in _LOUD:
                    self.complaints.append(json.dumps(said["params"])[:500])
                if said.get("id") == number:
                    assert "error" not in said, said
                    return said["result"]

    async def open(self, page: Path, *, width: int) -> None:
        """Shows a page in a window of that width."""
        await self.resize(width)
        await self.call("Page.navigate", url=page.as_uri())
        while await self.ask("document.readyState") != "complete":  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)

    async def resize(self, width: int) -> None:
        """The window is so many pixels wide from now on."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=False,
        )

    async def prefer(self, scheme: str) -> None:
        """The reader prefers light or dark."""
        await self.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )

    async def ask(self, expression: str) -> Any:
        """What an expression of JavaScript is worth in the page."""
        answer = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def picture(self, *, height: int) -> bytes:
        """The upper part of the page as PNG."""
        width = await self.ask("innerWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        shot = await self.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        return base64.b64decode(shot["data"])


@asynccontextmanager
async def browsing(profile: Path) -> AsyncIterator[Browser]:
    """A browser with an empty profile for the length of the block."""
    assert CHROMIUM is not None, "asked for where there is none"
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        *_FLAGS,
        f"--user-data-dir={profile}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with connect(await _page_socket(profile), max_size=None) as socket:
            browser = Browser(socket)
            for domain in ("Page", "Runtime", "Log"):
                await browser.call(f"{domain}.enable")
            yield browser
    finally:
        process.terminate()
        await process.wait()


async def _page_socket(profile: Path) -> str:
    """Where its first page listens, once it says so."""
    port_file = profile / "DevToolsActivePort"
    async with asyncio.timeout(_START_SECONDS_MAX):
        while not port_file.exists() or not port_file.read_text().strip():  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.05)
        port = port_file.read_text().splitlines()[0]
        listing = f"http://127.0.0.1:{port}/json/list"
        async with aiohttp.ClientSession() as session, session.get(listing) as answer:
            pages = await answer.json()
    return str(next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page"))

"""What one writes with substrate-interface in an afternoon: a subscription, then query by query."""

from collections.abc import Sequence
from json import JSONDecodeError
from queue import Queue
from threading import Thread
from typing import Any, Final

from substrateinterface import SubstrateInterface
from websocket import WebSocketException

from bench.standins import MARKETS

_LAGGING_S: Final = 60
_CLOSED: Final = (WebSocketException, OSError, JSONDecodeError)
"""How a subscription ends whose connection is closed under it; the node's goodbye is no JSON."""
_REGISTRY: Final = {
    "runtime_api": {
        "SwapRuntimeApi": {
            "methods": {
                "current_alpha_price_all": {"params": [], "type": "Vec<(u16, u64)>"},
            },
            "types": {},
        }
    }
}


class PlainReader:
    """One client that subscribes at the first endpoint, and one that asks at each."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._clients = [_client(url) for url in urls]
        for client in self._clients:
            client.init_runtime()
        self._following = _client(urls[0])
        self._heads: Queue[int] = Queue()
        self._newest = -1
        Thread(target=self._follow, daemon=True).start()
        self._newest = self._heads.get(timeout=_LAGGING_S)

    def read_next(self) -> dict[int, int]:
        """The prices at the next finalized head, which all endpoints must have."""
        self._newest = self._heads.get(timeout=_LAGGING_S)
        said = [self._read(client) for client in self._clients]
        assert all(each == said[0] for each in said), "they are nodes of one chain"
        return said[0]

    def close(self) -> None:
        """Ends all connections."""
        for client in (*self._clients, self._following):
            client.close()

    def _read(self, client: Any) -> dict[int, int]:
        block = client.get_block_hash(self._newest)
        for netuid in MARKETS:
            client.query("SubtensorModule", "NetworkRegisteredAt", [netuid], block_hash=block)
        said = client.runtime_call(
            "SwapRuntimeApi", "current_alpha_price_all", [], block_hash=block
        )
        return dict(said.value)

    def _follow(self) -> None:
        try:
            self._following.subscribe_block_headers(self._heard, finalized_only=True)
        except _CLOSED:
            return

    def _heard(self, head: Any, _update: int, _subscription: str) -> None:
        self._heads.put(head["header"]["number"])


def _client(url: str) -> Any:
    return SubstrateInterface(
        url=url,
        ss58_format=42,
        auto_discover=False,
        type_registry=_REGISTRY,
        ws_options={"timeout": 30},
    )

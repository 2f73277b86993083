"""A program of its own: JSON-RPC by lines, answered by substrate-interface's light client.

smoldot's calls can hang for ever and have no timeout, so it never runs in the process that feeds
prices: that one kills this one. It is run by its path and imports nothing of this project.

argv: a chain spec file. stdin: one JSON-RPC request a line. stdout: one answer or notification a
line, as they come. It ends when stdin does.
"""

import select
import sys
from collections.abc import Iterator
from io import FileIO
from typing import Any

from substrateinterface.transport import SmoldotTransport

_PAUSE_S = 0.01
_PIECE_BYTES = 65_536


def pump(transport: Any, requests: FileIO) -> None:
    """Pass requests in, and all that comes back on, until their end."""
    pending = b""
    while True:
        readable, _, _ = select.select([requests], [], [], _PAUSE_S)
        if readable:
            piece = requests.read(_PIECE_BYTES)
            if not piece:
                return
            *lines, pending = (pending + piece).split(b"\n")
            for line in lines:
                transport.client.json_rpc_request(transport.chain_id, line.decode())
        for answer in _answers(transport):
            sys.stdout.write(answer.replace("\n", " ") + "\n")
        sys.stdout.flush()


def _answers(transport: Any) -> Iterator[str]:
    yield from transport.client.drain_responses(transport.chain_id, max=100)


if __name__ == "__main__":
    pump(SmoldotTransport(sys.argv[1]), FileIO(sys.stdin.fileno(), closefd=False))

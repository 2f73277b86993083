"""A program in the fleet's place: takes part in lock-step and does nothing, or misbehaves.

usage: puppet_fleet.py NETWORK.toml obey | die | hide | leave
"""

import json
import signal
import sys
import tomllib
from pathlib import Path

from websockets.sync.client import connect
from websockets.sync.connection import Connection

BOTS = ("transactions", "feeder", "liquidator", "funding", "warnings")
LEAVE_AFTER_BLOCKS = 5


def say(words: str) -> None:
    sys.stdout.write(f"puppet: {words}\n")
    sys.stdout.flush()


def call(connection: Connection, method: str, **params: object) -> None:
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    connection.send(json.dumps(request))


def obey(connection: Connection, *, leaves: bool) -> None:
    """Everybody is of the head kind: this puppet has no eye for the finalized one."""
    for order, name in enumerate(BOTS):
        call(connection, "devnet_join", name=name, kind="head", order=order)
    released = 0
    for message in connection:
        said = json.loads(message)
        if said.get("method") == "devnet_released":
            released += 1
            call(connection, "devnet_finished", **said["params"])
        if leaves and released >= LEAVE_AFTER_BLOCKS * len(BOTS):
            return


def main() -> None:
    network, manner = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    say(manner)
    if manner == "die":
        say("no database today")
        raise SystemExit(3)
    url = tomllib.loads(Path(network).read_text())["lockstep"]["url"]
    with connect(url) as connection:
        if manner != "hide":
            obey(connection, leaves=manner == "leave")
            return
        for _ in connection:  # stays without a word
            pass


if __name__ == "__main__":
    main()

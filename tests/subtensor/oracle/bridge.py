"""A program that answers JSON-RPC by lines as a light client does, from a node's socket.

argv: a file that holds {"url": …, "peers": …, "mute": […]}: how many peers it says it has, and the
methods it never answers.
"""

import json
import sys
import threading
from pathlib import Path

from websockets.sync.client import connect

HOW = json.loads(Path(sys.argv[1]).read_text())


def main() -> None:
    with connect(HOW["url"], max_size=None) as socket:
        threading.Thread(target=_answers, args=(socket,), daemon=True).start()
        for line in sys.stdin:
            asked = json.loads(line)
            if asked["method"] in HOW["mute"]:
                continue
            if asked["method"] == "system_health":
                _say({"id": asked["id"], "result": {"peers": HOW["peers"], "isSyncing": False}})
            else:
                socket.send(line)


def _answers(socket: object) -> None:
    for answer in socket:  # type: ignore[attr-defined] # it is a connection
        _say(json.loads(answer))


def _say(message: object) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

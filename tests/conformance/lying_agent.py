"""An agent that lies, hangs, prints garbage or dies: `python lying_agent.py LIE`. It has no client."""

from __future__ import annotations

import json
import sys
import urllib.request
from typing import Any

LIE = sys.argv[1]
FEATURES = ["polling", "websocket", "upgrade", "ack_in", "ack_out"]
GARBAGE = [
    "hello, world",
    "{",
    '{"seen": 5}',
    "[]",
    "null",
    '{"seen": "event"}',
    '{"seen": "event", "args": 7}',
]


def see(seen: str, **fields: Any) -> None:
    print(json.dumps({"seen": seen, **fields}), flush=True)


def connect(url: str) -> None:
    if LIE == "dies":
        sys.exit(3)
    if LIE == "hangs":
        return
    if LIE != "connects nowhere":
        urllib.request.urlopen(f"{url}/socket.io/?EIO=4&transport=polling").read()
    if LIE == "prints garbage":
        print("\n".join(GARBAGE), flush=True)
        return
    see("connect", namespace="/", id="1")
    if LIE == "invents an event":
        see("event", namespace="/", event="news", args=[None])
    if LIE == "invents an answer":
        see("acked", namespace="/", ack="first", args=[], error=None)


if LIE == "dies at once":
    sys.exit("no time")
see("hello", client="liar", version="1", features=FEATURES)
for line in sys.stdin:
    command = json.loads(line)
    if command["do"] == "connect":
        connect(command["url"])
    elif command["do"] == "reset" and LIE != "hangs":
        see("reset")

"""An agent that lies, hangs, prints garbage or dies: `python lying_agent.py LIE`. It has no client.

`python lying_agent.py LIE URL` fetches its commands from there, and posts what it says.
"""

from __future__ import annotations

import contextlib
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

LIE = sys.argv[1]
URL = sys.argv[2] if sys.argv[2:] else None
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


def write(line: str) -> None:
    if URL is None:
        print(line, flush=True)
        return
    with contextlib.suppress(urllib.error.HTTPError):  # the judge does not take garbage
        urllib.request.urlopen(f"{URL}/seen?agent=liar", data=line.encode()).read()


def see(seen: str, **fields: Any) -> None:
    write(json.dumps({"seen": seen, **fields}))


def told() -> Iterator[dict[str, Any]]:
    if URL is None:
        yield from map(json.loads, sys.stdin)
        return
    while True:
        yield from json.loads(urllib.request.urlopen(f"{URL}/next?agent=liar").read())


def connect(url: str) -> None:
    if LIE == "dies":
        sys.exit(3)
    if LIE == "hangs":
        return
    if LIE != "connects nowhere":
        urllib.request.urlopen(f"{url}/socket.io/?EIO=4&transport=polling").read()
    if LIE == "prints garbage":
        for line in GARBAGE:
            write(line)
        return
    see("connect", namespace="/", id="1")
    if LIE == "invents an event":
        see("event", namespace="/", event="news", args=[None])
    if LIE == "invents an answer":
        see("acked", namespace="/", ack="first", args=[], error=None)


if LIE == "dies at once":
    sys.exit("no time")
see("hello", client="liar", version="1", features=FEATURES)
for command in told():
    if command["do"] == "connect":
        connect(command["url"])
    elif command["do"] == "reset" and LIE != "hangs":
        see("reset")

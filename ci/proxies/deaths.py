"""What becomes of the clients of a worker that is killed (SIGKILL)."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from http.client import HTTPException

from ci.proxies.clients import COUNT, count_served, staying
from ci.proxies.looking import HANDSHAKE, Answer, ask, session_id
from ci.proxies.standing import Workers, front

PATIENCE = 15.0
"""Seconds; a client that reconnects waits for 1 to 5 seconds between two tries."""
ASK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Moved:
    """What was seen after the death of a worker."""

    session: str
    """What a request of a session of the dead worker gets."""
    handshake: str
    """What handshakes of its client get."""
    back: int
    """Of `COUNT` clients in JavaScript, those that are served at the end."""
    seconds: float | None
    """After which all of them were served. None if they were not within `PATIENCE`."""


def kill_one(workers: Workers, name: str, sticky: str, *, moves_on: bool) -> Moved:
    """Kill the worker of a client, look, and start it again."""
    with front(name, workers.urls, sticky, moves_on=moves_on) as it, staying(it.url, "upgrade") as clients:
        opened = _ask(it.url, HANDSHAKE)
        about = json.loads(_ask(it.url, "/about", opened.cookie).body)
        number = workers.number_of(about["pids"][0])
        killed = time.monotonic()
        workers.tell(f"kill worker {number}")
        try:
            session = _ask(it.url, f"{HANDSHAKE}&sid={session_id(opened)}", opened.cookie)
            handshakes: list[str] = []
            seconds, cut_off = None, False
            while (now := time.monotonic() - killed) < PATIENCE and seconds is None:
                handshakes.append(_ask(it.url, HANDSHAKE, opened.cookie).status)
                served = count_served(clients)
                cut_off = cut_off or served < COUNT
                if cut_off and served == COUNT:
                    seconds = now
                time.sleep(0.25)
            return Moved(session.status, _shortly(handshakes), count_served(clients), seconds)
        finally:
            workers.tell(f"start worker {number}")


def _ask(url: str, target: str, cookie: str = "") -> Answer:
    """One GET. A status that never came is the name of the error."""
    try:
        return ask(url, target, cookie=cookie, timeout=ASK_SECONDS)
    except (OSError, HTTPException) as error:
        return Answer(type(error).__name__, b"", cookie)


def _shortly(statuses: list[str]) -> str:
    """`200`; `503, then 200`; `502`."""
    told = [status for status, before in zip(statuses, ["", *statuses], strict=False) if status != before]
    return ", then ".join(told)

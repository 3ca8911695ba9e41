"""What one run of the locustfile sees of the server, and what its scenario found: where figures come together.

That is the only process, or the master. Looks are taken before the first user, once a second where the
scenario has phases, when all users are still there, and during a cool-down after the last has left.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import gevent

from load.scenarios import Scenario
from load.server_watch import ServerWatch, Watched
from sioprobe.swarm import Recorder

__all__ = ["RunWatch", "told_pids"]

LOOK_SECONDS = 1.0
_LOOPBACK = ("localhost", "::1")


class RunWatch:
    """One run. `begin` before the first user, `hold` while all are there, `found` after the last has left."""

    def __init__(self, kind: type[Scenario], urls: Sequence[str]) -> None:
        self._kind = kind
        pids = [pid for url in urls for pid in told_pids(url)]
        self._watch = ServerWatch(urls, pids)
        self._watched = Watched(looks=self._watch.looks)
        self._looking: Any = None

    def begin(self) -> None:
        """Look for the first time, and once a second from now on where the scenario has phases."""
        self._watched.before = self._watch.look()
        if self._kind.has_phases:
            self._looking = gevent.spawn(self._go_on)

    def _go_on(self) -> None:
        while True:
            gevent.sleep(LOOK_SECONDS)
            self._watch.look()

    def hold(self) -> None:
        """Look while all users are still there."""
        if self._looking is not None:
            self._looking.kill()
        self._watched.held = self._watch.look()

    def found(
        self, states: Sequence[dict[str, Any]], recorder: Recorder, cool_down: float
    ) -> dict[str, Any] | None:
        """What the scenario found, as `found` of the summary; waits for the cool-down where it has one.

        `states` are those of the scenario in each process, `cool_down` the longest wait in seconds, 0 for none.
        """
        if not states:
            return None
        heartbeat = max(state.get("heartbeat_seconds", 0.0) for state in states)
        before = self._watched.before
        if self._kind.cools_down and cool_down and before is not None and self._watched.cooled is None:
            self._watched.cooled = self._watch.cool_down(before, heartbeat, cool_down, gevent.sleep)
        found = self._kind.found(states, recorder, self._watched)
        return found.to_json() if found is not None else None


def told_pids(url: str) -> list[int]:
    """The process ids that a server on this host names at /about; none where it names none."""
    host = urlsplit(url if "//" in url else f"//{url}").hostname or ""
    if not (host in _LOOPBACK or host.startswith("127.")):
        return []
    try:
        with urllib.request.urlopen(url.rstrip("/") + "/about", timeout=2) as answer:
            about = json.load(answer)
    except (OSError, ValueError):
        return []
    pids = about.get("pids") if isinstance(about, dict) else None
    return [pid for pid in pids if type(pid) is int] if isinstance(pids, list) else []

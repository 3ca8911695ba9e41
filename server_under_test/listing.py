"""What can run here: `serve --list`, for people and as JSON."""

from __future__ import annotations

import json

from server_under_test.foreign.servers import FOREIGN
from server_under_test.foreign.servers import missing as missing_for
from server_under_test.proxies.registry import PROXIES
from server_under_test.proxies.registry import missing as missing_for_proxy
from server_under_test.proxies.registry import note as note_for_proxy
from server_under_test.queues.registry import QUEUES
from server_under_test.starting.modes import MODES, missing


def listed(*, as_json: bool) -> str:
    """Each mode, foreign server, queue and proxy, and what it lacks on this machine."""
    lacking = {mode.name: missing(mode) for mode in MODES.values()}
    lacking |= {server.name: missing_for(server) for server in FOREIGN.values()}
    queues = {queue.name: queue.load().missing() for queue in QUEUES.values()}
    proxies = {proxy.name: missing_for_proxy(proxy) for proxy in PROXIES.values()}
    if as_json:
        standings = {
            queue.name: {
                "missing": queues[queue.name],
                "works": queue.works,
                "modes": queue.modes,
                "reason": queue.reason,
            }
            for queue in QUEUES.values()
        }
        names = {"foreign": list(FOREIGN), "queues": standings, "proxies": proxies}
        return json.dumps({"schema": 1, "kind": "servers", "missing": lacking, **names})
    lines = [_entry(mode.name, mode.title, lacking[mode.name]) for mode in MODES.values()]
    lines += [
        _entry(name, f"{server.title} (--server {name})", lacking[name]) for name, server in FOREIGN.items()
    ]
    lines += [
        _entry(f"--queue {name}", queue.title, queues[name], queue.standing) for name, queue in QUEUES.items()
    ]
    for name, proxy in PROXIES.items():
        note = None if proxies[name] else note_for_proxy(proxy)
        lines.append(_entry(f"--proxy {name}", f"{proxy.title} before the processes", proxies[name], note))
    return "\n".join(lines)


def _entry(name: str, title: str, lack: str | None, note: str | None = None) -> str:
    lines = [title, note, f"not here: {lack}" if lack else None]
    return f"{name:<26}" + f"\n{'':<26}".join(line for line in lines if line)

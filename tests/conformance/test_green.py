"""The suite on real servers: nothing but known deviations, on every mode and on every foreign server.

Servers are judged four at a time. Their ping timeout leaves room for a busy machine, which the heartbeat of
a server cannot know about.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest

from server_under_test.foreign.servers import FOREIGN, ready
from tests.server_under_test.conftest import require_foreign
from tests.servers import ROOT, Server, start_command, start_foreign, start_server

PINGS = {"ping_interval": 1, "ping_timeout": 3}
WORDS = ["--ping-interval", "1", "--ping-timeout", "3"]
MODES = (
    "threading", "eventlet", "gevent", "gevent-simple", "gevent_uwsgi",
    "gunicorn-gthread", "gunicorn-gevent", "gunicorn-geventwebsocket",
)  # fmt: skip
NODES: dict[str, dict[str, Any]] = {
    "node-eio3": {"allow_eio3": True, "permessage_deflate": True},
    "node-websocket": {"transports": ["websocket"]},
    "node-recovery": {"recovery": True},
}
# Without a handler, as an application is that somebody points the judge at.
BARE = {
    "bare-flask-socketio": [sys.executable, "-m", "tests.bare_servers.flask_socketio"],
    "bare-node": ["node", str(ROOT / "tests/bare_servers/node.mjs")],
}
POLLING = {f"{mode}-polling": mode for mode in ("threading", "gevent")}
# Its handlers are the same under each server, and are asked where threads or greenlets run them.
FLASK = ("threading", "eventlet", "gevent", "always-connect", "cluster")
WITHOUT_FLASK = [name for name in MODES if name not in FLASK]
# The option changes what a session is opened with, or what lies above it; the mode itself is asked for all.
ENGINE = ("node-websocket", *POLLING)
ABOVE = ("always-connect", "cluster")
SERVERS = ("strict", *FOREIGN, *NODES, *MODES, *POLLING, "always-connect", "cluster", *BARE)
WORDS_OF = {
    # What the judge cannot find out about a server that has no page about itself.
    "bare-node": ["--target-library", "socket.io", "--target-version", "4.8"],
    # Its events are the same over each transport.
    "node-recovery": ["--", "-k", "SIO-RC or not (polling or upgraded)"],
    # Events over an upgraded session: the modes of FLASK have the same library above Engine.IO.
    **{name: ["--", "-k", "not FSIO and (EIO or not upgraded)"] for name in WITHOUT_FLASK},
    **{name: ["--", "-k", "EIO"] for name in ENGINE},
    **{name: ["--", "-k", "not EIO"] for name in ABOVE},
}
# Of Engine.IO, where that is not 4 alone.
REVISIONS = {"strict": [4, 3], "node-eio3": [4, 3], "node-2": [3]}
AT_ONCE = 4  # judges, with their servers: they mostly wait
KEPT = {"pass", "not applicable"}
BAD = ("fail", "inconclusive", "unexpected pass", "harness error", "not judged")


def start(name: str) -> Server:
    if name == "strict":
        words = ["--port", "0", "--revisions", "4,3", *WORDS]
        return start_command([sys.executable, "-m", "tests.strict_server", *words])
    if name in NODES:
        return start_foreign("node", **NODES[name], **PINGS)
    if name in FOREIGN:
        return start_foreign(name, **PINGS)
    if name in BARE:
        return start_command(BARE[name])
    if name in POLLING:
        return start_server(POLLING[name], transports=["polling"], **PINGS)
    if name == "always-connect":
        return start_server("gevent", always_connect=True, **PINGS)
    if name == "cluster":
        return start_server("gevent", workers=2, queue="redis", **PINGS)
    return start_server(name, **PINGS)


def judge(name: str, folder: Path) -> tuple[int, dict[str, Any], str]:
    """Exit code, result and console output of one run."""
    file = folder / f"{name}.json"
    urls = []
    with start(name) as server:
        for url in server.urls:
            urls += ["--url", url]
        command = [sys.executable, "-m", "conformance", *urls, "--report", str(file), *WORDS_OF.get(name, [])]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False
        )  # fmt: skip
    result = json.loads(file.read_text()) if file.exists() else {}
    return done.returncode, result, done.stdout + done.stderr


@pytest.fixture(scope="module")
def runs(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Future[tuple[int, dict[str, Any], str]]]]:
    folder = tmp_path_factory.mktemp("results")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        names = [name for name in SERVERS if name not in FOREIGN or ready(FOREIGN[name])]
        yield {name: pool.submit(judge, name, folder) for name in names}


@pytest.mark.parametrize("name", SERVERS)
def test_nothing_but_known_deviations(
    name: str, runs: dict[str, Future[tuple[int, dict[str, Any], str]]], tmp_path: Path
) -> None:
    if name in FOREIGN:
        require_foreign(name)
    code, result, output = runs[name].result()
    if code or (name == "strict" and result["counts"].keys() != KEPT):
        # Is it the server, or four processes on two cores? Said in pytest's summary, whichever it is.
        wait(runs.values())
        first = [case for case in result.get("cases", []) if case["verdict"] in BAD]
        found = "; ".join(f"{case['id']} {case['case']}: {case['actual']}" for case in first)
        warnings.warn(f"{name} was judged again, alone, after: {found or output[-300:]}", stacklevel=1)
        code, result, output = judge(name, tmp_path)
    assert code == 0, output
    assert result["outcome"] == ("conformant" if name == "strict" else "known deviations")
    if name == "strict":
        assert result["counts"].keys() == KEPT
    assert result["target"]["contract_level"] == (0 if name in BARE else 2)
    judged = {case["id"] for case in result["cases"] if case["verdict"] != "not applicable"}
    of_revision_3 = {requirement for requirement in judged if re.match("(EIO3|SIO4|SIO3)-", requirement)}
    assert result["target"]["revisions"] == REVISIONS.get(name, [4])
    assert bool(of_revision_3) == (3 in result["target"]["revisions"])
    if name in ("strict", "node-eio3"):
        assert "EIO-PD-02" in judged
    assert len(of_revision_3) > 30 or not of_revision_3
    expected = 20 if name in ENGINE else 60
    assert len(judged - of_revision_3) > expected or 4 not in result["target"]["revisions"]
    assert any(requirement.startswith("SIO-CL") for requirement in judged) == (name == "cluster")
    assert any(requirement.startswith("SIO-RC") for requirement in judged) == (name == "node-recovery")
    asked_of_flask = any(requirement.startswith("FSIO") for requirement in judged)
    assert asked_of_flask == (name in FLASK)

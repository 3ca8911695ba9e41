"""Known deviations: valid, tied to what exists, and found for the right server only."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from ci.wide.rows import ROWS
from conformance.client_target import ClientTarget
from conformance.finding.profile import ServerProfile
from conformance.judging.collecting import all_questions
from conformance.judging.declared import declared, listed_mode
from conformance.judging.known_deviations import Deviation, deviations, find_deviation, lists
from conformance.requirements import catalogue
from conformance.usage_error import UsageError
from conformance.verdicts import Judgement, Verdict
from server_under_test.foreign.servers import FOREIGN
from server_under_test.starting.modes import MODES
from tests.servers import ROOT

STATEMENTS = catalogue() | catalogue("client")
ASKED = [*all_questions(), *all_questions("client")]
CASES = {(question.requirement.id, question.name) for question in ASKED}


@pytest.mark.parametrize("entry", deviations(), ids=lambda entry: f"{entry.library}-{entry.id}")
def test_an_entry_names_what_exists(entry: Deviation) -> None:
    assert entry.id in STATEMENTS
    assert all((entry.id, case) in CASES for case in entry.cases)
    assert set(entry.transports) <= set(STATEMENTS[entry.id].transports)
    assert set(entry.modes) <= {*MODES, *FOREIGN, *ROWS}
    assert len(entry.reason) > 10
    assert len(entry.reference) > 10


def find(**changes: Any) -> Deviation | None:
    server: dict[str, Any] = {"library": "flask-socketio", "version": "5.7.0", "mode": "gevent"} | changes
    requirement = STATEMENTS[server.pop("id", "EIO-HS-05")]
    case = server.pop("case", "test_refuses_a_handshake_without_transport")
    question = replace(ASKED[0], requirement=requirement, name=case, transport=server.pop("transport", None))
    return find_deviation(question, ClientTarget(given="", command=(), level=2, **server))


def test_an_entry_applies_to_its_library_and_versions() -> None:
    assert find() is not None
    assert find(version="5.7.3") is not None
    assert find(version="5.8.0") is None
    assert find(library="socket.io") is None


@pytest.mark.parametrize("changes", [{"library": None}, {"version": None}, {"version": "latest"}])
def test_an_unknown_server_has_no_deviations(changes: dict[str, Any]) -> None:
    assert find(**changes) is None


def test_an_entry_applies_to_its_modes_and_cases() -> None:
    unmasked = {"id": "EIO-WS-07", "case": "test_closes_on_a_frame_without_a_mask", "transport": "websocket"}
    assert find(**unmasked, mode="gevent") is not None
    assert find(**unmasked, mode="threading") is None
    assert find(**unmasked | {"case": "test_answers_a_close_frame"}, mode="gevent") is None


def test_an_entry_does_not_apply_where_the_server_stands_otherwise() -> None:
    early = {"id": "SIO-CN-14", "case": "test_the_answer_to_connect_comes_first", "transport": "polling"}
    assert find(**early) is not None
    assert find(**early, switches={"always_connect": False}) is not None
    assert find(**early, switches={"always_connect": True}) is None


def test_an_entry_may_have_several_ids() -> None:
    sync = {"library": "python-socketio-sync-client", "version": "5.18.1", "mode": None, "case": "test_x"}
    found = [entry for id_ in ("CLI-PL-14", "CLI-RC-01", "CLI-RC-10") if (entry := find(**sync, id=id_))]
    assert [entry.id for entry in found] == ["CLI-PL-14", "CLI-RC-01"]
    assert len({entry.reason for entry in found}) == 1


# What is built here, and where its version is pinned.
PINS = {
    "@socket.io/bun-engine": ("bun/package.json", '"@socket.io/bun-engine": "{}"'),
    "netty-socketio": (
        "java/pom.xml",
        "<artifactId>netty-socketio</artifactId>\n      <version>{}</version>",
    ),
    "python-socketio-client": ("../../constraints.txt", "python-socketio=={}"),
    "python-socketio-sync-client": ("../../constraints.txt", "python-socketio=={}"),
    "rust_socketio": ("../../conformance/agents/rust/Cargo.toml", 'rust_socketio = "={}"'),
    "socket.io": ("node/package.json", '{}"'),
    "socket.io-client": ("../../conformance/agents/js/package.json", '{}"'),
    "socket.io-client in Chromium": ("../../conformance/agents/js/package.json", '{}"'),
    "socket.io-client-java": (
        "../../conformance/agents/java/pom.xml",
        "<artifactId>socket.io-client</artifactId>\n      <version>{}</version>",
    ),
    "socketioxide": ("rust/Cargo.toml", '"={}"'),
    "zishang520/socket.io-client": ("../../conformance/agents/go/go.mod", "clients/socket/v3 v{}"),
    "zishang520/socket.io": ("go/go.mod", "servers/socket/v3 v{}"),
}


@pytest.mark.parametrize("listed", lists(), ids=lambda listed: f"{listed.library}-{listed.version}")
def test_the_versions_tried_are_those_that_are_built_here(listed: Any) -> None:
    """A pin that moves makes entries that no longer occur fail again, once `tried` moves with it."""
    for name, version in listed.tried.items():
        if name in PINS:
            file, text = PINS[name]
            places = (ROOT / "server_under_test/foreign" / file, ROOT / "ci/wide/node/package.json")
            assert any(text.format(version) in place.read_text() for place in places)
        else:
            places = (ROOT / "constraints.txt", *ROOT.glob("ci/wide/*/requirements.txt"))
            pins = "\n".join(place.read_text() for place in places)
            assert re.search(
                rf"^{re.escape(name)}=={re.escape(version)}$", pins, re.MULTILINE | re.IGNORECASE
            )
    assert listed.versions.contains(listed.version)
    assert len(set(listed.modes)) == len(listed.modes)


def test_every_mode_that_is_built_here_is_known() -> None:
    modes = {mode for listed in lists() for mode in listed.modes}
    assert set(MODES) <= modes


def test_a_library_of_two_lists_has_the_one_of_its_mode() -> None:
    python = {"library": "python-socketio", "version": "5.18.1", "id": "EIO-CL-02", "transport": "websocket"}
    assert find(**python, mode="uvicorn") is not None
    assert find(**python, mode=None) is not None
    assert find(**python, mode="threading") is None
    unmasked = {"id": "EIO-WS-07", "case": "test_closes_on_a_frame_without_a_mask", "transport": "websocket"}
    assert find(**python | unmasked, mode="gevent") is not None
    assert find(**python | unmasked, mode="threading") is None


PASS = Judgement(Verdict.PASS)


@pytest.mark.parametrize(
    ("versions", "verdict", "said"),
    [
        ({}, Verdict.UNEXPECTED_PASS, None),
        ({"flask-socketio": "5.7.0", "python-engineio": "4.15.1"}, Verdict.UNEXPECTED_PASS, None),
        ({"flask-socketio": "5.7"}, Verdict.UNEXPECTED_PASS, None),
        ({"flask-socketio": "5.7.1"}, Verdict.PASS, "flask-socketio 5.7.1 (tried: 5.7.0)"),
        ({"flask-socketio": "5.7.0", "python-engineio": "4.16.0"}, Verdict.PASS, "python-engineio 4.16.0"),
        ({"gevent": "99"}, Verdict.UNEXPECTED_PASS, None),
    ],
)
def test_a_pass_fails_the_run_only_with_the_versions_tried(
    versions: dict[str, str], verdict: Verdict, said: str | None
) -> None:
    entry = find()
    assert entry is not None
    judged = entry.applied(PASS, versions)
    assert judged.verdict is verdict
    assert said is None or said in str(judged.reason)
    assert entry.applied(Judgement(Verdict.FAIL), versions).verdict is Verdict.KNOWN_DEVIATION


def test_a_pass_of_a_library_that_nobody_named_may_be_the_applications() -> None:
    entry = find()
    assert entry is not None
    judged = entry.applied(PASS, {}, named=False)
    assert judged.verdict is Verdict.PASS
    assert str(judged.reason).startswith("listed as a known deviation, and not seen with this application: ")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"library": "Flask-SocketIO"}, {"library": "flask-socketio"}),
        ({"library": "flask_socketio", "mode": "Gevent-uWSGI"}, {"mode": "gevent_uwsgi"}),
        ({"library": "FlaskSocketIO", "version": "5.3.6"}, {"version": "5.3.6"}),
        ({"library": "Python SocketIO", "mode": "threading"}, {"library": "python-socketio"}),
        ({"mode": "GEVENT"}, {"mode": "gevent"}),
        ({"library": "none", "mode": "whatever"}, {"unlisted": True}),
        ({}, {"library": None, "unlisted": False}),
    ],
)
def test_names_are_compared_without_case_and_separators(
    given: dict[str, str], expected: dict[str, object]
) -> None:
    profile = declared(ServerProfile(**given))
    assert {name: getattr(profile, name) for name in expected} == expected
    assert listed_mode("Gunicorn_GThread", "flask-socketio") == "gunicorn-gthread"
    assert listed_mode("of my own", "flask-socketio") == "of my own"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"library": "no-such-thing"},
            r"unknown library 'no-such-thing' \(valid are .*flask-socketio.*\)",
        ),
        ({"library": "flask-socketoi"}, "the nearest is 'flask-socketio'"),
        (
            {"library": "flask-socketio", "mode": "geevnt"},
            "unknown mode of flask-socketio 'geevnt' .*'gevent'",
        ),
        ({"library": "socket.io", "mode": "gevent"}, "unknown mode of socket.io 'gevent'"),
        ({"mode": "geevnt"}, "unknown mode 'geevnt'"),
        ({"version": "latest"}, "'latest' is no version like"),
    ],
)
def test_what_does_not_exist_is_refused(given: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        declared(ServerProfile(**given))

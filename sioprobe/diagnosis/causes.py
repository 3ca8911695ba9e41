"""The causes that a diagnosis can find, and the sentence for each. docs/headlines.md has the cures."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["SENTENCES", "Cause", "Diagnosis"]


class Cause(StrEnum):
    """Why no client was let in."""

    UNKNOWN_HOST = "unknown host"
    NOTHING_LISTENS = "nothing listens"
    UNREACHABLE = "unreachable"
    SILENT = "silent"
    CLOSES = "closes"
    NO_HTTP = "no HTTP"
    SPEAKS_TLS = "speaks TLS"
    SPEAKS_NO_TLS = "speaks no TLS"
    UNTRUSTED = "untrusted certificate"
    TLS_FAILED = "TLS failed"
    REDIRECT = "redirect"
    LOCKED = "locked"
    ORIGIN_REFUSED = "origin refused"
    ORIGIN_WANTED = "origin wanted"
    OLD_REVISION = "old revision"
    OTHER_PATH = "other path"
    NO_FINAL_SLASH = "no final slash"
    NO_WEBSOCKET = "no WebSocket"
    NO_POLLING = "no polling"
    PROCESSES = "several processes"
    SESSION_REFUSED = "session refused"
    PARSER = "another parser"
    NAMESPACE_REFUSED = "namespace refused"
    NO_CONNECT = "no answer to CONNECT"
    OTHER_WEBSOCKET = "another WebSocket server"
    NOT_FOUND = "not found"
    NO_OPEN = "no OPEN packet"
    HANDSHAKE_REFUSED = "handshake refused"
    HANDSHAKE_FAILS = "handshake fails"


SENTENCES = {
    Cause.UNKNOWN_HOST: "the host of {url} is not known: {seen}",
    Cause.NOTHING_LISTENS: "nothing listens at {url}",
    Cause.UNREACHABLE: "{url} cannot be reached: {seen}",
    Cause.SILENT: "{url} accepts connections and does not answer",
    Cause.CLOSES: "{url} accepts connections and ends them without an answer: {seen}",
    Cause.NO_HTTP: "{url} does not speak HTTP: it says {seen}",
    Cause.SPEAKS_TLS: "{url} speaks TLS; write https://{place}",
    Cause.SPEAKS_NO_TLS: "{url} does not speak TLS; write http://{place}",
    Cause.UNTRUSTED: (
        "TLS to {url} failed: {seen}; --ca-file trusts its authority, --no-verify takes any certificate"
    ),
    Cause.TLS_FAILED: "TLS to {url} failed: {seen}",
    Cause.REDIRECT: (
        "{url} redirects the handshake at {path} to {seen}; give the URL and the --path of that place"
    ),
    Cause.LOCKED: (
        "{url} lets nobody in at {path}: the handshake got {seen};"
        " --header, --cookie or --query may show what it wants"
    ),
    Cause.ORIGIN_REFUSED: (
        "{url} refuses the Origin that --header gives ({seen}), and opens a session without one;"
        " give another, or let the server allow it (cors_allowed_origins)"
    ),
    Cause.ORIGIN_WANTED: (
        "{url} opens no session without an Origin ({seen}); write --header 'Origin: {given}'"
    ),
    Cause.OLD_REVISION: (
        "{url} speaks Engine.IO 3, as socket.io 2 and Flask-SocketIO 4 do, and this command needs"
        " Engine.IO 4; update the server ('sioprobe conform' judges it as it is)"
    ),
    Cause.OTHER_PATH: "{url} is no Socket.IO server at {path}; the nearest is --path {given}",
    Cause.NO_FINAL_SLASH: (
        "{url} is no Socket.IO server at {path}, but at {given};"
        " clients add the final slash, so let the server serve that path too"
    ),
    Cause.NO_WEBSOCKET: (
        "{url} accepts no WebSocket at {path}, but it answers there with --transport polling{seen}"
    ),
    Cause.NO_POLLING: (
        "{url} answers no polling at {path} ({seen}), but it answers there with --transport websocket"
    ),
    Cause.PROCESSES: (
        "several processes that share no sessions answer at {url}: {seen};"
        " make the balancer sticky, or {given}"
    ),
    Cause.SESSION_REFUSED: (
        "{url} opens a session at {path} and then refuses its requests: {seen};"
        " several processes behind one address do so if they share no sessions"
    ),
    Cause.PARSER: (
        "{url} speaks Socket.IO with the msgpack parser, and sioprobe speaks the default one;"
        " start the server without its parser or serializer option"
    ),
    Cause.NAMESPACE_REFUSED: "{url} refuses the namespace: {seen}{given}",
    Cause.NO_CONNECT: "{url} opens a session at {path} and does not let it into {given}: {seen}",
    Cause.OTHER_WEBSOCKET: (
        "a WebSocket server answers at {url} at {path}, but not with an OPEN packet: not Socket.IO"
    ),
    Cause.NOT_FOUND: "{url} is no Socket.IO server at {path}: {seen}; --path names another path",
    Cause.NO_OPEN: "{url} is no Socket.IO server at {path}: the handshake got {seen} and no OPEN packet",
    Cause.HANDSHAKE_REFUSED: "{url} refuses the handshake at {path}: {seen}",
    Cause.HANDSHAKE_FAILS: "{url} fails at {path}: the handshake got {seen}",
}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found: the cause, and one sentence with the option or setting that helps."""

    cause: Cause
    sentence: str

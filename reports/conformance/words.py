"""The words of conformance: verdicts, levels, areas and outcomes as a reader sees them.

The keys are the words of the result file, since `reports` reads files and asks no judge.
"""

from __future__ import annotations

from collections.abc import Sequence

WORST_FIRST = (
    "fail",
    "harness error",
    "unexpected pass",
    "inconclusive",
    "not judged",
    "hidden by the path",
    "known deviation",
    "non-strict",
    "info",
    "pass",
    "not applicable",
)
COLUMNS = ("pass", *(verdict for verdict in WORST_FIRST if verdict != "pass"))
"""The order of the verdicts in the table of counts."""

SYMBOLS = {
    "fail": "✗",
    "harness error": "⚠",
    "unexpected pass": "‼",
    "inconclusive": "?",
    "not judged": "/",
    "hidden by the path": "⊘",
    "known deviation": "≠",
    "non-strict": "~",
    "info": "i",
    "pass": "✓",
    "not applicable": "–",
}
SHORT_WORDS = {
    "hidden by the path": "hidden",
    "known deviation": "known",
    "not applicable": "n/a",
    "unexpected pass": "passes",
    "harness error": "error",
}
"""Words for narrow columns. The legend and the opened row have the full words."""

SHORT_CLOSES = {
    "not at all": "stays open",
    "Engine.IO close packet": "CLOSE packet",
    "TCP end without a close frame": "TCP end",
    "invalid WebSocket frame": "bad frame",
    "WebSocket close without a code": "WS, no code",
}

MEANINGS = {
    "pass": "the requirement is kept",
    "fail": "a MUST is broken, and no list of known deviations explains it",
    "known deviation": "a failure that the list for this version and mode explains",
    "unexpected pass": "a listed deviation no longer occurs, with the versions that were tried: "
    "the list is stale",
    "non-strict": "a SHOULD, or what only the reference does, is not kept; "
    "or a MUST is kept in a tolerated way",
    "info": "a MAY is not used, or the specification says nothing",
    "inconclusive": "the case did not reach its question, so it says nothing about the requirement",
    "not judged": "one cause, named at the top, kept the case from its question",
    "hidden by the path": "a proxy or the distance makes it impossible to ask, so nothing is known",
    "not applicable": "the case says nothing here",
    "harness error": "the fault is the suite's, or its machine's (such as too many open files)",
}
LEVELS = {
    "MUST": "required by the specification",
    "SHOULD": "recommended by the specification",
    "MAY": "left open by the specification",
    "reference": "only the reference implementation does this; never a failure",
    "gap": "the specification is silent or contradicts itself; never a failure",
}
AREAS = {
    "EIO-HS": "Engine.IO: handshake",
    "EIO-EN": "Engine.IO: packets and payloads",
    "EIO-PL": "Engine.IO: polling",
    "EIO-WS": "Engine.IO: WebSocket",
    "EIO-PD": "Engine.IO: permessage-deflate",
    "EIO-HB": "Engine.IO: heartbeat",
    "EIO-UP": "Engine.IO: upgrade",
    "EIO-CL": "Engine.IO: close",
    "EIO-MX": "Engine.IO: limits",
    "EIO-ER": "Engine.IO: error answers",
    "EIO-CO": "Engine.IO: cross-origin requests",
    "EIO-SV": "Engine.IO: survival of the process",
    "EIO-WT": "Engine.IO: WebTransport",
    "EIO3": "Engine.IO 3",
    "SIO-CN": "Socket.IO: connect",
    "SIO-CE": "Socket.IO: refused connect",
    "SIO-DC": "Socket.IO: disconnect",
    "SIO-EN": "Socket.IO: packets",
    "SIO-EV": "Socket.IO: events",
    "SIO-AK": "Socket.IO: acks",
    "SIO-BN": "Socket.IO: binary",
    "SIO-NS": "Socket.IO: namespaces",
    "SIO-OR": "Socket.IO: order",
    "SIO-RV": "Socket.IO: reserved names",
    "SIO-ER": "Socket.IO: errors",
    "SIO-TM": "Socket.IO: timeouts",
    "SIO-RM": "Socket.IO: rooms",
    "SIO-BC": "Socket.IO: broadcast",
    "SIO-RC": "Socket.IO: connection state recovery",
    "SIO-CL": "Socket.IO: several processes",
    "SIO4": "Socket.IO 4",
    "SIO3": "Socket.IO 3",
    "FSIO": "Flask-SocketIO",
    "CLI-HS": "Clients: handshake",
    "CLI-HB": "Clients: heartbeat",
    "CLI-PL": "Clients: polling",
    "CLI-WS": "Clients: WebSocket",
    "CLI-UP": "Clients: upgrade",
    "CLI-CL": "Clients: close",
    "CLI-CN": "Clients: connect",
    "CLI-NS": "Clients: namespaces",
    "CLI-EV": "Clients: events",
    "CLI-AK": "Clients: acks",
    "CLI-BN": "Clients: binary",
    "CLI-MF": "Clients: malformed packets",
    "CLI-DC": "Clients: leaving",
    "CLI-RC": "Clients: reconnection",
    "CLI-OB": "Clients: events while offline",
    "CLI-SR": "Clients: connection state recovery",
    "CLI-OP": "Clients: options",
    "CLI-TL": "Clients: TLS",
    "CLI-BR": "Clients: browsers",
    "CLI-SV": "Clients: survival of the process",
    "CLI3": "Clients: Engine.IO 3",
}
"""The first part of requirement ids in words, in the order of the page. Unnamed parts come last."""

OUTCOMES = {
    "conformant": ("✓", "Conformant", "Nothing of what was asked for and applies is broken."),
    "nothing broken": (
        "✓",
        "Nothing broken",
        "Only a part of the cases ran, or the path hides a part: nothing is known of the rest.",
    ),
    "known deviations": (
        "≠",
        "Known deviations",
        "A list explains everything that this version and mode does not keep.",
    ),
    "failures": (
        "✗",
        "Failures",
        "A requirement is broken, a listed deviation no longer occurs, or a case came to no verdict.",
    ),
    "harness error": (
        "⚠",
        "Not judged",
        "The run broke off, one cause stood before every case, or the suite failed: it says nothing.",
    ),
}
"""Symbol, word and meaning of each outcome of a run."""


def short_close(closed: str) -> str:
    """How a session closed, in words for a narrow column: `WS 1000` for `WebSocket close 1000`."""
    return SHORT_CLOSES.get(closed) or closed.replace("WebSocket close", "WS")


def worst(verdicts: Sequence[str]) -> str:
    """The worst of several verdicts. A pass is worse only than "not applicable"."""
    return min(verdicts, key=WORST_FIRST.index)

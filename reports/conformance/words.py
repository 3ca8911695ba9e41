"""The words of conformance: verdicts, levels, areas and outcomes as a reader sees them.

They are those of the result file; `reports` reads files and asks no judge.
"""

from __future__ import annotations

from collections.abc import Sequence

WORST_FIRST = (
    "fail",
    "harness error",
    "unexpected pass",
    "inconclusive",
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
    "known deviation": "≠",
    "non-strict": "~",
    "info": "i",
    "pass": "✓",
    "not applicable": "–",
}
SHORT_WORDS = {
    "known deviation": "known",
    "not applicable": "n/a",
    "unexpected pass": "passes",
    "harness error": "error",
}
"""Where a word stands in a narrow column; the legend and the opened row have it in full."""

SHORT_CLOSES = {
    "not at all": "stays open",
    "Engine.IO close packet": "CLOSE packet",
    "TCP end without a close frame": "TCP end",
    "invalid WebSocket frame": "bad frame",
}
"""How a session closed, where the full words do not fit."""

MEANINGS = {
    "pass": "the requirement is kept",
    "fail": "a MUST is broken, and no list of known deviations says why",
    "known deviation": "a failure that is listed for this version and mode, with its reason",
    "unexpected pass": "a listed deviation no longer occurs: the list is stale",
    "non-strict": "a SHOULD, or what only the reference does, is not kept; "
    "or a MUST is kept in a tolerated way",
    "info": "a MAY is not used, or the specification says nothing",
    "inconclusive": "the case did not reach its question, so nothing is said about the requirement",
    "not applicable": "the case says nothing about this server",
    "harness error": "the fault is the suite's, not the server's",
}
LEVELS = {
    "MUST": "required by the specification",
    "SHOULD": "recommended by the specification",
    "MAY": "left open by the specification",
    "reference": "only the reference implementation behaves so; never a failure",
    "gap": "the specification is silent or contradicts itself; never a failure",
}
AREAS = {
    "EIO-HS": "Engine.IO: handshake",
    "EIO-EN": "Engine.IO: packets and payloads",
    "EIO-PL": "Engine.IO: polling",
    "EIO-WS": "Engine.IO: WebSocket",
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
    "SIO-CL": "Socket.IO: several processes",
    "SIO4": "Socket.IO 4",
    "SIO3": "Socket.IO 3",
    "FSIO": "Flask-SocketIO",
}
"""The first part of requirement ids in words, in the order of the page; others follow under their code."""

OUTCOMES = {
    "conformant": ("✓", "Conformant", "Nothing that was asked for and applies is broken."),
    "nothing broken": (
        "✓",
        "Nothing broken",
        "Only a part of the cases was asked: nothing is said of the rest.",
    ),
    "known deviations": (
        "≠",
        "Known deviations",
        "What is not kept is listed, with its reason, for this version and mode.",
    ),
    "failures": (
        "✗",
        "Failures",
        "A requirement is broken, a listed deviation no longer occurs, or a case came to no conclusion.",
    ),
    "harness error": ("⚠", "Not judged", "The run broke off or the fault is the suite's: nothing is said."),
}
"""Symbol, word and meaning of the outcome of one run."""


def worst(verdicts: Sequence[str]) -> str:
    """The verdict that stands for several; a pass outranks only what is not applicable."""
    return min(verdicts, key=WORST_FIRST.index)

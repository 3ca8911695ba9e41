"""What the stage notes in every case, by the requirement that it breaks.

The cases of these requirements are judged last, over all that was noted in the cases before.
"""

from __future__ import annotations

__all__ = ["WATCHED"]

WATCHED = {
    "CLI-HS-02": "EIO, transport and sid in each request of a session",
    "CLI3-02": "EIO=3, transport and sid in each request of a session",
    "CLI-PL-03": "one GET at a time",
    "CLI-PL-04": "one POST at a time",
    "CLI-PL-07": "payloads of packets with U+001E between them, binary as b and base64",
    "CLI3-04": "payloads of packets with their length in UTF-16 code units before them",
    "CLI-WS-02": "masked frames, each with a mask of its own, and text in UTF-8",
    "CLI-WS-13": "one WebSocket for each session",
    "CLI-UP-01": "no HTTP request after the upgrade",
    "CLI-UP-02": "the upgrade packet after the pending GET has ended",
    "CLI-UP-12": "a probe, and the upgrade packet after its answer",
    "CLI-HB-01": "a PONG for each PING, and no PING of its own",
    "CLI-SV-01": "a process that lives, whatever the server does",
    "CLI-CL-05": "nothing more for a session that is over",
    "CLI-DC-06": "an application that can leave whatever the server does",
}
"""What would have been right."""

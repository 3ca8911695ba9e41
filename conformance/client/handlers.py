"""Which handler of the contract (CONTRACT.md) a packet asks for: that of a namespace or of an event."""

from __future__ import annotations

import json
import re
from collections.abc import Container

__all__ = ["CUSTOM_EVENTS", "VARIADIC", "lacking"]

CUSTOM_EVENTS = "events of /custom"
VARIADIC = "any number of arguments in `message` and `message-with-ack`"

CONNECT = re.compile(r"40(/[^,?]*)")
EVENT = re.compile(r"4[25](?:\d+-)?(/[^,]*(?=,))?,?\d*(\[.*)", re.DOTALL)
SAME_ARGUMENTS = ("message", "message-with-ack")


def lacking(packet: str | bytes, lacks: Container[str]) -> str | None:
    """What this encoded Engine.IO packet asks for that the application lacks; None if it lacks nothing.

    `lacks` holds namespaces (`/reject`), events (`kick-all`), CUSTOM_EVENTS and VARIADIC.
    """
    if not isinstance(packet, str):
        return None
    if connect := CONNECT.match(packet):
        return f"namespace {connect[1]}" if connect[1] in lacks else None
    event = EVENT.match(packet)
    try:
        data = json.loads(event[2]) if event else None
    except ValueError:
        return None
    if not isinstance(data, list) or not data or not isinstance(data[0], str):
        return None
    if event and event[1] == "/custom" and CUSTOM_EVENTS in lacks:
        return f"handler of {data[0]!r} in /custom"
    if data[0] in lacks:
        return f"handler of {data[0]!r}"
    if data[0] in SAME_ARGUMENTS and len(data) != 2 and VARIADIC in lacks:
        return f"handler of {data[0]!r} with {len(data) - 1} arguments"
    return None

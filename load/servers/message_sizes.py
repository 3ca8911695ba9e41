"""Whether a scenario sends messages that are larger than a server takes. It is said before the run."""

from __future__ import annotations

from load.scenarios import SCENARIOS, Options
from sioprobe.wire import OpenData

__all__ = ["warning_of"]


def warning_of(scenario: str, options: Options, opened: OpenData) -> str | None:
    """One line if the messages of the scenario are above the server's maxPayload, or None."""
    size = SCENARIOS[scenario].message_bytes(options)
    if not 0 < opened.max_payload < size:
        return None
    return (
        f"scenario {scenario} sends messages of {size:,} bytes and more; the server takes"
        f" {opened.max_payload:,.0f} (maxPayload), and ends the session of a client that sends more"
    )

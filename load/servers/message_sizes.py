"""Whether a scenario sends messages that are larger than a server takes. It is said before the run."""

from __future__ import annotations

from load.scenarios import SCENARIOS, Options
from sioprobe.wire import OpenData

__all__ = ["too_large", "warning_of"]


def warning_of(scenario: str, options: Options, opened: OpenData) -> str | None:
    """One line if the messages of the scenario are above the server's maxPayload, or None."""
    return too_large(f"scenario {scenario}", SCENARIOS[scenario].message_bytes(options), opened)


def too_large(who: str, size: int, opened: OpenData) -> str | None:
    """One line if messages of `size` bytes, which `who` sends, are above the server's maxPayload, or None."""
    if not 0 < opened.max_payload < size:
        return None
    return (
        f"{who} sends messages of {size:,} bytes and more; the server takes"
        f" {opened.max_payload:,.0f} (maxPayload), and ends the session of a client that sends more"
    )
